// The one doorbell of a reactor: other threads and signal handlers ring it to end a wait of the
// loop.
//
// On Linux an eventfd of our own: before libuv 1.45 the loop spins for a thread that has woken it
// through a uv_async_t and was then itself kept from running, which on one core is each time. Where
// there is none, a uv_async_t.
//
// Always true: who rings after the loop has come back from a poll ends the next one. What was done
// before ringing is seen by whoever runs after the poll that it has ended.
#pragma once

#include <uv.h>

#include <atomic>

namespace structio::reactor {

class doorbell {
 public:
  /// 0 or a code. `own` off: without the eventfd, for tests of what other systems do.
  int open(uv_loop_t& loop, bool own = true) noexcept;

  /// Any thread, signal handlers too. Of many between two polls, the first alone is a system call.
  void ring() noexcept;

  /// Asks libuv to close; the loop must run once more before the doorbell's memory goes. No other
  /// thread rings any more; what its own rings is nothing. Idempotent.
  void close() noexcept;

 private:
  void heard() noexcept;

  std::atomic<bool> rung_{false};
  int descriptor_ = -1;  ///< the eventfd, or -1 when the uv_async_t serves
  bool open_ = false;
  union {
    uv_poll_t watch;
    uv_async_t async;
  } handle_;
};

}  // namespace structio::reactor
