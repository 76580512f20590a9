// Parking, waking, aborting. How the processor is given up is in turn.hpp.
#include "runtime/wait.hpp"

#include <cstdio>

#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/task_hooks.hpp"
#include "runtime/timers.hpp"
#include "runtime/turn.hpp"

namespace structio::rt {
namespace {

// Asks to undo a wait that is about to begin or has begun. True when it is undone.
bool ask_abort(task& t) noexcept {
  t.wait.abort_asked = true;
  if (!t.wait.abort) return true;
  const int answer = t.wait.abort(t.wait.abort_arg);
  if (answer == abort_later) return false;
  if (answer == abort_again && !t.wait.abort_foreign) {
    t.wait.abort_asked = false;
    return false;
  }
  if (answer != abort_done) {
    // Taken as "done", since nobody can be relied on to wake the task any more.
    rt_fail_internally(*t.rt, "an abort function answered neither STRUCTIO_ABORT_DONE nor _LATER");
  }
  return true;
}

// A task that is cancelled already: its abort function is asked before it sleeps, with the task as
// good as parked, since that function may wake it as well as undo the wait.
[[gnu::noinline]] std::int64_t park_cancelled(runtime& rt, task& self, const char* what) noexcept {
  self.wait.state = wait_state::parked;
  const bool undone = ask_abort(self);
  // Woken by that function, or to be woken by whoever it has told.
  if (self.wait.state == wait_state::awake || !undone) return await_turn(rt, self, what);
  self.wait.state = wait_state::awake;
  give_way(rt);
  return take_abort(self);
}

std::int64_t park_with(runtime& rt, const char* what, abort_fn abort, void* arg,
                       bool foreign) noexcept {
  task& self = *rt.current;
  ++self.cancel_points;
  wait_cell& wait = self.wait;
  ++wait.epoch;
  wait.abort = abort;
  wait.abort_arg = arg;
  wait.abort_foreign = foreign;
  wait.abort_asked = false;
  if (self.attention != 0) [[unlikely]]
    return park_cancelled(rt, self, what);
  self.wait.state = wait_state::parked;
  return await_turn(rt, self, what);
}

struct sleeper : timer {
  task* waiter;
};

}  // namespace

[[gnu::noinline]] void switch_with_hooks(runtime& rt, task& self, task* next) noexcept {
  tell_leave(rt, self, false);
  switch_from(rt, next);
  tell_enter(rt, self);
}

std::int64_t park(runtime& rt, const char* what, abort_fn abort, void* arg) noexcept {
  return park_with(rt, what, abort, arg, false);
}

std::int64_t park_foreign(runtime& rt, const char* what, abort_fn abort, void* arg) noexcept {
  return park_with(rt, what, abort, arg, true);
}

std::int64_t park_shielded(runtime& rt, const char* what) noexcept {
  return park_shielded_here(rt, *rt.current, what);
}

bool resolve(const wait_ref& ref, std::int64_t result) noexcept {
  task& t = *ref.waiter;
  if (t.wait.state != wait_state::parked || t.wait.epoch != ref.epoch) return false;
  wake(t, result);
  return true;
}

int take_attention(task& t) noexcept {
  if (t.attention & attention_interrupt) {  // outranks cancellation, and is delivered once
    t.attention = static_cast<std::uint8_t>(t.attention & ~attention_interrupt);
    return base::fail(STRUCTIO_EINTERRUPTED, "interrupted by the user (Ctrl-C)");
  }
  if (t.attention & attention_cancel) {
    t.cancel_in_flight = true;
    return STRUCTIO_ECANCELLED;
  }
  return 0;
}

int take_abort(task& t) noexcept {
  if (const int code = take_attention(t)) return code;
  t.cancel_in_flight = true;
  return STRUCTIO_ECANCELLED;
}

int attend(runtime& rt) noexcept {
  const int code = take_attention(*rt.current);
  if (code != 0) give_way(rt);
  return code;
}

void yield(runtime& rt) noexcept {
  task& self = *rt.current;
  yield_as(rt, self, self.schedule_points + 1);
}

int checkpoint(runtime& rt) noexcept {
  task& self = *rt.current;
  yield_as(rt, self, self.schedule_points + 1);
  ++self.cancel_points;
  return self.attention == 0 ? 0 : attend(rt);
}

void yield_spent(runtime& rt) noexcept {
  task& self = *rt.current;
  yield_as(rt, self, self.schedule_points);
}

void abort_wait(task& t) noexcept {
  if (t.wait.state != wait_state::parked || t.wait.abort_asked) return;
  // A user's abort function may have woken the task itself: then completion has won.
  if (ask_abort(t) && t.wait.state == wait_state::parked) wake(t, take_abort(t));
}

int give_way_failing(runtime& rt, int code) noexcept {
  if (code == STRUCTIO_ECANCELLED || code == STRUCTIO_EINTERRUPTED) {
    give_way(rt);
    return code;
  }
  char message[400];
  std::snprintf(message, sizeof message, "%s", base::last_message());
  give_way(rt);
  return base::fail(code, "%s", message);
}

int sleep_until(runtime& rt, std::int64_t moment) noexcept {
  if (const int code = cancel_check(rt)) return code;
  // A moment that is not in the future makes this a checkpoint of its own; only then is the clock
  // worth reading before the heap does its work.
  if (moment <= rt.now()) return checkpoint(rt);
  sleeper timer;
  timer.waiter = rt.current;
  timer.fire = [](struct timer& self) noexcept { wake(*static_cast<sleeper&>(self).waiter, 0); };
  if (rt.timers.arm(timer, moment) != 0) {
    return base::fail(STRUCTIO_ENOMEM, "no memory for a deadline");
  }
  return static_cast<int>(park(
      rt, "sleep",
      [](void* arg) {
        auto& asleep = *static_cast<sleeper*>(arg);
        asleep.waiter->rt->timers.disarm(asleep);
        return abort_done;
      },
      &timer));
}

}  // namespace structio::rt
