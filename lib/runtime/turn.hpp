// Giving the processor away, for inlining where tasks wait most. Everybody else calls the functions
// of wait.hpp, which are these out of line: a task that is to come back gives it up here and
// nowhere else.
#pragma once

#include "context/switch.hpp"
#include "runtime/runtime.hpp"
#include "runtime/wait.hpp"

namespace structio::rt {

[[gnu::always_inline]] inline void switch_from(runtime& rt, task* next) noexcept {
  rt.current = next;
  ctx::switch_here(rt.machine, next ? next->fiber() : rt.machine.hub);
}

/// The same between two calls of the host's.
void switch_with_hooks(runtime& rt, task& self, task* next) noexcept;

/// Leaves the current task for whoever is next; returns when it is resumed.
[[gnu::always_inline]] inline void leave(runtime& rt, task& self) noexcept {
  STRUCTIO_ASSERT(rt.confined_to == confined::no);
  task* next = rt.sched.take();
  if (next == &self) return;  // alone in its batch: nothing to switch to
  if (rt.hooks) [[unlikely]] {
    switch_with_hooks(rt, self, next);
  } else {
    switch_from(rt, next);
  }
  STRUCTIO_ASSERT(rt.current == &self);
}

/// As yield, with so many schedule points passed. The budget is full again from here on.
[[gnu::always_inline]] inline void yield_as(runtime& rt, task& self,
                                            std::uint64_t schedule_points) noexcept {
  self.schedule_points = schedule_points;
  self.turn_ends = schedule_points + rt.sched.budget();
  rt.sched.push(self);
  leave(rt, self);
}

/// Gives the processor away until whoever wakes the task has made it ready.
[[gnu::always_inline]] inline std::int64_t await_turn(runtime& rt, task& self,
                                                      const char* what) noexcept {
  self.wait.what = what;
  self.turn_ends = ++self.schedule_points + rt.sched.budget();
  leave(rt, self);
  self.wait.what = nullptr;
  return self.wait.result;
}

/// As park_shielded.
[[gnu::always_inline]] inline std::int64_t park_shielded_here(runtime& rt, task& self,
                                                              const char* what) noexcept {
  ++self.wait.epoch;
  self.wait.abort_asked = true;  // as good as asked and refused
  self.wait.state = wait_state::parked;
  return await_turn(rt, self, what);
}

}  // namespace structio::rt
