// The parking lot: a FIFO queue of waiting tasks without any state of its own, the base of every
// primitive. A lot may be broken on behalf of a task; then nobody waits here any more.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/list.hpp"
#include "runtime/end_watch.hpp"
#include "runtime/wait_queue.hpp"

namespace structio::rt {

class parking_lot;

/// "When this task ends, break that lot": linked from both sides.
struct breaker_tag;
struct breaker : base::list_node<breaker_tag>, end_watch {
  task_id who = 0;
  parking_lot* lot = nullptr;
};

class parking_lot {
 public:
  parking_lot() = default;
  ~parking_lot();
  parking_lot(const parking_lot&) = delete;
  parking_lot& operator=(const parking_lot&) = delete;

  /// See wait_queue::claim.
  bool claim(const runtime& rt) noexcept { return queue_.claim(rt); }

  /// True when every task that is to break the lot is one of this run (null: there is none), so
  /// that the lot may be destroyed.
  bool breakers_within(const runtime* rt) const noexcept {
    return breakers_.empty() || queue_.belongs_to(rt);
  }

  /// Waits in the queue: 0, STRUCTIO_ECANCELLED, STRUCTIO_EINTERRUPTED, STRUCTIO_EBROKEN. A cancel
  /// point when it waits; the caller has checked before.
  int park(runtime& rt, const char* what) noexcept;

  /// Wakes the first `count`; returns how many there were.
  std::size_t unpark(std::size_t count) noexcept { return queue_.wake(count, 0); }

  /// Moves the first `count` to the end of another queue.
  std::size_t repark(parking_lot& to, std::size_t count) noexcept {
    return queue_.move_to(to.queue_, count);
  }

  std::size_t waiting() const noexcept { return queue_.size(); }
  bool empty() const noexcept { return queue_.empty(); }
  wait_queue& queue() noexcept { return queue_; }

  bool broken() const noexcept { return broken_; }
  int break_by(task_id who) noexcept;  ///< 0 or STRUCTIO_ENOMEM (broken all the same)
  std::size_t broken_by(task_id* ids, std::size_t capacity) const noexcept;

  int add_breaker(task& t) noexcept;     ///< 0 or STRUCTIO_ENOMEM
  int remove_breaker(task& t) noexcept;  ///< 0 or STRUCTIO_EMISUSE

 private:
  wait_queue queue_;
  base::list<breaker, breaker_tag> breakers_;
  task_id* broken_by_ = nullptr;
  std::uint32_t broken_count_ = 0;
  std::uint32_t broken_room_ = 0;
  bool broken_ = false;  ///< also when there was no memory to remember by whom
};

}  // namespace structio::rt
