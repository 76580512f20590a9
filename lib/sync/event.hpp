// Something that happens once: tasks wait until it has been set, and it stays set. Used by the C
// ABI and by whoever in lib/ needs one.
//
// Always true: nobody waits for an event that is set.
#pragma once

#include "runtime/wait_queue.hpp"

namespace structio::rt::sync {

class event {
 public:
  /// See wait_queue::claim.
  bool claim(const runtime& rt) noexcept { return queue_.claim(rt); }
  bool belongs_to(const runtime* rt) const noexcept { return queue_.belongs_to(rt); }
  bool in_use() const noexcept { return !queue_.empty(); }

  bool is_set() const noexcept { return set_; }
  std::size_t waiting() const noexcept { return queue_.size(); }

  /// Wakes all who wait, in the order in which they came. Again: nothing.
  void set() noexcept {
    set_ = true;
    queue_.wake(SIZE_MAX, 0);
  }

  /// 0, STRUCTIO_ECANCELLED, STRUCTIO_EINTERRUPTED, STRUCTIO_EBROKEN (abandoned). Checkpoint.
  int wait(runtime& rt) noexcept;

  /// The storage goes away although tasks wait: they get STRUCTIO_EBROKEN.
  void abandon() noexcept { queue_.wake(SIZE_MAX, STRUCTIO_EBROKEN); }

  /// For who waits for the first of several things; nobody waits here once is_set().
  wait_queue& queue() noexcept { return queue_; }

 private:
  wait_queue queue_;
  bool set_ = false;
};

}  // namespace structio::rt::sync
