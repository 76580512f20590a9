// Deadlines of the run: one heap of whatever has a moment at which something is to happen. The hub
// fires what has expired before any task runs, so that two deadlines that expire together are both
// seen by the first task that looks.
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "base/heap.hpp"

namespace structio::rt {

/// Embedded in what waits. `fire` runs on the hub, with the timer already disarmed.
struct timer : base::heap_node {
  void (*fire)(timer& self) noexcept;  ///< set before it is armed
};

class timer_queue {
 public:
  /// Arms or re-arms. `moment` base::forever disarms. 0 or STRUCTIO_ENOMEM (then disarmed).
  int arm(timer& t, std::int64_t moment) noexcept {
    if (t.in_heap()) {
      if (moment != base::forever) return heap_.update(t, moment), 0;
      return heap_.remove(t), 0;
    }
    return moment == base::forever ? 0 : heap_.insert(t, moment);
  }

  void disarm(timer& t) noexcept {
    if (t.in_heap()) heap_.remove(t);
  }

  /// Moment of the nearest deadline, base::forever when there is none.
  std::int64_t next() const noexcept { return heap_.empty() ? base::forever : heap_.front().key; }

  /// Moment of the one after the nearest.
  std::int64_t second() const noexcept { return heap_.second_key(); }

  /// Fires everything due at `now`; what is armed meanwhile for a moment that has passed waits for
  /// the next round, so that this ends. True when there was something.
  bool expire(std::int64_t now) noexcept {
    const bool due = next() <= now;
    for (std::uint32_t left = heap_.size(); left > 0 && next() <= now; --left) {
      auto& t = static_cast<timer&>(*heap_.front().node);
      heap_.remove(t);
      t.fire(t);
    }
    return due;
  }

  std::uint32_t size() const noexcept { return heap_.size(); }

  /// While it lives, many may be disarmed, and nothing fires.
  class many_go : base::heap::many_removals {
   public:
    explicit many_go(timer_queue& timers) noexcept : many_removals(timers.heap_) {}
  };

 private:
  base::heap heap_;
};

}  // namespace structio::rt
