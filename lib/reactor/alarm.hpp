// The one alarm of a reactor: it ends a wait of the loop when the nearest deadline has come. The
// caller compares with the clock himself, so the alarm may go off early, and it does: an alarm that
// is armed too early is left alone, since a spurious turn now and then is cheaper than re-arming
// each time a timeout is given up.
//
// On Linux a timerfd, on its own for deadlines near and far: it is exact to the nanosecond, has no
// timer slack, and one system call arms it. Setting it anew also clears an expiry, so it is never
// read. Elsewhere a uv_timer_t, in milliseconds rounded up.
#pragma once

#include <uv.h>

#include <cstdint>

#include "base/clock.hpp"

namespace structio::reactor {

class alarm {
 public:
  /// 0 or a code. `exact` off: without the timerfd, for tests of what other systems do.
  int open(uv_loop_t& loop, bool exact = true) noexcept;

  /// Before the loop waits: it must not wait beyond `deadline` (> now).
  void set(std::int64_t deadline, std::int64_t now) noexcept {
    const bool going_off_later = armed_for_ > now;
    if (going_off_later && armed_for_ <= deadline) return;
    arm(deadline, now);
  }

  /// Asks libuv to close; the loop must run once more before the alarm's memory goes. Idempotent.
  void close() noexcept;

  /// How often the system was asked to change the alarm, for tests.
  std::uint64_t times_armed() const noexcept { return times_armed_; }

 private:
  void arm(std::int64_t deadline, std::int64_t now) noexcept;

  std::int64_t armed_for_ = base::forever;  ///< at or before now: has gone off, or is about to
  std::uint64_t times_armed_ = 0;
  int descriptor_ = -1;  ///< the timerfd, or -1 when the uv_timer_t serves
  bool open_ = false;
  union {
    uv_poll_t watch;
    uv_timer_t timer;
  } handle_;
};

}  // namespace structio::reactor
