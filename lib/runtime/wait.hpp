// How anything waits. A task parks in its own wait cell, having told one or more sources about
// itself; the first source that resolves the cell decides, later ones are nothing. Cancellation is
// one more source: it asks the abort function, which undoes the wait or says that it cannot.
//
// Everything in lib/ that blocks is written as
//
//     if (int code = rt::cancel_check(rt)) return code;
//     ... what need not wait: do it, rt::give_way(rt), return
//     ... register with a source, then:
//     return rt::park(rt, "what", abort, arg);
#pragma once

#include <cstdint>

#include "runtime/runtime.hpp"

namespace structio::rt {

/// Names one wait of one task; a copy that outlives the wait resolves nothing.
struct wait_ref {
  task* waiter;
  std::uint32_t epoch;
};

/// The wait that the current task's next park begins.
inline wait_ref next_wait(runtime& rt) noexcept {
  return {rt.current, rt.current->wait.epoch + 1};
}

/// Parks the current task until it is resolved; returns the result. Cancel point and schedule
/// point. An abort that says "done" makes it return STRUCTIO_ECANCELLED (or STRUCTIO_EINTERRUPTED).
/// `abort` runs on whatever fiber cancels, or here before sleeping; it must not block.
std::int64_t park(runtime& rt, const char* what, abort_fn abort, void* arg) noexcept;

/// The same for an abort function that is the user's: it is run only when the tree is consistent.
std::int64_t park_foreign(runtime& rt, const char* what, abort_fn abort, void* arg) noexcept;

/// Parks without being a cancel point: nothing but a wake-up ends it.
std::int64_t park_shielded(runtime& rt, const char* what) noexcept;

/// Ends a wait with `result` and makes the task ready. The task must be parked.
inline void wake(runtime& rt, task& t, std::int64_t result) noexcept {
  STRUCTIO_ASSERT(t.wait.state == wait_state::parked && t.rt == &rt);
  t.wait.result = result;
  t.wait.state = wait_state::awake;
  rt.sched.push(t);
}
inline void wake(task& t, std::int64_t result) noexcept {
  wake(*t.rt, t, result);
}

/// The same for a source that cannot know whether it is first. True when it was.
bool resolve(const wait_ref& ref, std::int64_t result) noexcept;

/// What a checkpoint reports for `t` now: 0, STRUCTIO_ECANCELLED, STRUCTIO_EINTERRUPTED.
int take_attention(task& t) noexcept;

/// What a wait reports that was undone for the sake of what `t` had to attend to then: never 0,
/// though a shield may have been raised since.
int take_abort(task& t) noexcept;

/// The slow half of cancel_check: a task that ignores what it is told must not keep the others out.
int attend(runtime& rt) noexcept;

inline int cancel_check(runtime& rt) noexcept {
  task& t = *rt.current;
  ++t.cancel_points;
  return t.attention == 0 ? 0 : attend(rt);
}

/// Gives way unconditionally. No cancel point.
void yield(runtime& rt) noexcept;

/// The same after a schedule point that has been counted already.
void yield_spent(runtime& rt) noexcept;

/// The schedule half of a call that did not have to wait: gives way once in `budget` calls.
inline void give_way(runtime& rt) noexcept {
  if (!rt.current->may_go_on()) yield_spent(rt);
}

/// The same for a call that has failed with `code`, which it returns. The thread has one message
/// for all of its tasks: it is that of `code` again afterwards.
int give_way_failing(runtime& rt, int code) noexcept;

/// A whole checkpoint: gives way, then looks.
int checkpoint(runtime& rt) noexcept;

/// Asks the abort function of a task that is parked and has not been asked; called by propagation.
void abort_wait(task& t) noexcept;

/// Sleeps until `moment`; base::forever: until cancelled.
int sleep_until(runtime& rt, std::int64_t moment) noexcept;

}  // namespace structio::rt
