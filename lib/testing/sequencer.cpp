// Steps in order: who comes too early waits in a queue, and is let in by the end of the step
// before.
#include "testing/sequencer.hpp"

#include <cinttypes>

#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/user_call.hpp"

namespace structio::rt::testing {

int sequencer::step(runtime& rt, std::uint64_t position, task_fn fn, void* arg) noexcept {
  if (used(position)) {
    return base::fail(STRUCTIO_EMISUSE,
                      "structio_sequencer_step: step %" PRIu64
                      " was taken or is waited for already: give each step a number of its own",
                      position);
  }
  if (const int code = broken_ ? STRUCTIO_EBROKEN : enter(rt, position)) {
    if (code == STRUCTIO_EBROKEN) {
      return base::fail(code,
                        "structio_sequencer_step: the sequence is broken: a task that waited for "
                        "its step was cancelled");
    }
    fall_apart();
    return code;
  }
  const int status = fn ? call_user(rt, [&] { return fn(arg); }) : 0;
  leave();
  return status;
}

int sequencer::enter(runtime& rt, std::uint64_t position) noexcept {
  if (const int code = cancel_check(rt)) return code;
  if (position == next_ && !taken_) {
    taken_ = true;
    give_way(rt);
    return 0;
  }
  step_place self;
  self.position = position;
  return static_cast<int>(wait_in(rt, queue_, self, "step of a sequence"));
}

bool sequencer::used(std::uint64_t position) noexcept {
  if (position < next_ || (taken_ && position == next_)) return true;
  for (place* p = queue_.front(); p; p = queue_.next(*p)) {
    if (static_cast<step_place*>(p)->position == position) return true;
  }
  return false;
}

// The step is over; whoever has the next one is in it from here on.
void sequencer::leave() noexcept {
  taken_ = false;
  ++next_;
  for (place* p = queue_.front(); p; p = queue_.next(*p)) {
    if (static_cast<step_place*>(p)->position != next_) continue;
    taken_ = true;
    queue_.take(*p);
    finish(*p, 0);
    return;
  }
}

void sequencer::fall_apart() noexcept {
  broken_ = true;
  queue_.wake(queue_.size(), STRUCTIO_EBROKEN);
}

}  // namespace structio::rt::testing
