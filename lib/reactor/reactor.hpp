// The kernel as the runtime sees it: one small table. The libuv loop is one implementation, the
// virtual clock another. Everything but wake() belongs to the runtime's thread, on its own stack or
// a fiber's as stated.
#pragma once

#include <cstdint>

namespace structio::reactor {

class uv_reactor;

/// One thing that somebody waits for. The owner keeps it in place until `done` has run or the
/// operation was cancelled, whichever comes first; `done` runs at most once, on the hub, from
/// within poll() (or from within a close of the object, on whatever fiber closes it).
struct operation {
  void (*done)(operation& self, std::int64_t result) noexcept = nullptr;
};

class reactor {
 public:
  virtual ~reactor() = default;

  /// Nanoseconds on the run's clock. Any fiber.
  virtual std::int64_t now() noexcept = 0;

  /// One turn, on the hub only: takes what the kernel has, runs the `done` of what completed, and
  /// returns. Waits until `deadline` at most when nothing is ready (a deadline at or before now():
  /// does not wait; base::forever: until something happens). May return early.
  virtual void poll(std::int64_t deadline) noexcept = 0;

  /// Makes a poll that is waiting, or the next one, return soon. Any thread, signal handlers too.
  virtual void wake() noexcept = 0;

  /// How many operations and signal watchers the kernel may still complete: zero, no timer and no
  /// outside source means that nothing can ever happen.
  virtual std::int64_t pending() const noexcept = 0;

  /// The part that does real I/O.
  virtual uv_reactor& io() noexcept = 0;

  /// Closes what is left and runs the loop until every slot is home. On the hub. Afterwards only
  /// the destructor may be called.
  virtual void close() noexcept = 0;
};

}  // namespace structio::reactor
