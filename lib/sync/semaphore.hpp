// A number of units that tasks take and give back. Whoever waits is given a unit directly: the
// value does not rise in between, so that nobody who comes later can be faster.
//
// Always true: as long as anybody waits the value is 0.
#pragma once

#include "runtime/wait_queue.hpp"

namespace structio::rt::sync {

class semaphore {
 public:
  semaphore(std::int64_t initial, std::int64_t max) noexcept : value_(initial), max_(max) {}

  /// See wait_queue::claim. Who has a unit is not known, so that only waiting counts.
  bool claim(const runtime& rt) noexcept { return queue_.claim(rt); }
  bool belongs_to(const runtime* rt) const noexcept { return queue_.belongs_to(rt); }
  bool in_use() const noexcept { return !queue_.empty(); }

  std::int64_t value() const noexcept { return value_; }
  std::int64_t max() const noexcept { return max_; }
  std::size_t waiting() const noexcept { return queue_.size(); }

  /// 0, STRUCTIO_ECANCELLED, STRUCTIO_EINTERRUPTED, STRUCTIO_EBROKEN (abandoned). Checkpoint.
  int acquire(runtime& rt) noexcept;

  /// False: it would have to wait.
  bool try_acquire() noexcept {
    if (value_ == 0) return false;
    --value_;
    return true;
  }

  /// False, and nothing has changed, when all units are back already.
  bool release() noexcept;

  /// The storage goes away although tasks wait: they get STRUCTIO_EBROKEN.
  void abandon() noexcept { queue_.wake(SIZE_MAX, STRUCTIO_EBROKEN); }

  /// For who waits for the first of several things, once try_acquire() has failed.
  wait_queue& queue() noexcept { return queue_; }

 private:
  wait_queue queue_;
  std::int64_t value_;
  std::int64_t max_;
};

}  // namespace structio::rt::sync
