// The hub: runs on the thread's own stack between the passes of the scheduler. A pass is, in this
// order: take what the kernel has (waiting for it when nothing is ready), what other threads
// posted, fire the deadlines that have passed, look whether everybody waits; then the tasks that
// are ready, once each.
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/interrupt.hpp"
#include "runtime/runtime.hpp"
#include "runtime/wait.hpp"

namespace structio::rt {
namespace {

constexpr std::int64_t stack_half_life = 1'000'000'000;
constexpr std::int64_t time_between_wakeups = 25'000;
constexpr int force_after = 100;  // rounds of a run that will not come down by itself

enum class idle_step : std::uint8_t { none, wake_waiters, jump };

// What shall happen when a poll finds that everybody waits, and how long it may take in real time.
struct idle_plan {
  idle_step step = idle_step::none;
  std::int64_t cushion = base::forever;
  std::int64_t ends = base::long_ago;  ///< the real moment when the cushion is over
};

idle_plan plan_idle(runtime& rt) noexcept {
  idle_plan plan;
  for (idle_wait* w = rt.idle_waits.front(); w; w = rt.idle_waits.next(*w)) {
    plan.step = idle_step::wake_waiters;
    if (w->cushion < plan.cushion) plan.cushion = w->cushion;
  }
  if (plan.step == idle_step::none && rt.clock && rt.clock->autojump >= 0 &&
      rt.timers.next() != base::forever) {
    plan.step = idle_step::jump;
    plan.cushion = rt.clock->autojump;
  }
  if (plan.step != idle_step::none && plan.cushion > 0 && rt.sched.ready() == 0) {
    // Counted from when everybody began to wait: a poll that returns for nothing changes nothing.
    if (rt.idle_since == base::long_ago) rt.idle_since = rt.kernel.now();
    plan.ends = base::saturating_add(rt.idle_since, plan.cushion);
  }
  return plan;
}

// The real moment of the nearest deadline; base::forever when time alone does not bring it about.
std::int64_t next_deadline(runtime& rt) noexcept {
  const std::int64_t deadline = rt.timers.next();
  if (!rt.clock) return deadline;
  const std::int64_t real = rt.clock->stands() ? 0 : rt.kernel.now();
  return rt.clock->real_moment_of(deadline, real);
}

// The real moment until which the kernel may be waited for.
std::int64_t poll_until(runtime& rt, const idle_plan& plan) noexcept {
  if (rt.sched.ready() > 0) return base::long_ago;
  std::int64_t until = next_deadline(rt);
  if (until < rt.fires_next && rt.timers.second() <= rt.fires_next) until = rt.fires_next;
  if (rt.trim_at < until) until = rt.trim_at;
  if (plan.step == idle_step::none) return until;
  return plan.ends < until ? plan.ends : until;
}

// Where deadlines come thick, an idle run that has just fired some lets the next ones gather for a
// little, since a wake-up costs more than all else that happens at a deadline. The kernel's own
// slack, which timerfd does not have, is twice as much.
void fire_deadlines(runtime& rt) noexcept {
  const std::int64_t now = rt.now();
  if (rt.timers.expire(now) && !rt.clock) rt.fires_next = now + time_between_wakeups;
}

void step_idle(runtime& rt, const idle_plan& plan) noexcept {
  // A poll may return early; the cushion is then not over.
  if (plan.step == idle_step::none || (plan.cushion > 0 && rt.kernel.now() < plan.ends)) return;
  if (plan.step == idle_step::jump) {
    if (rt.timers.next() > rt.now()) rt.clock->set(rt.timers.next(), rt.kernel.now());
    rt.timers.expire(rt.now());
  } else if (plan.step == idle_step::wake_waiters) {
    for (idle_wait* w = rt.idle_waits.front(); w;) {
      idle_wait* following = rt.idle_waits.next(*w);
      if (w->cushion <= plan.cushion) {
        w->unlink();
        wake(*w->waiter, 0);
      }
      w = following;
    }
  }
}

void deliver_interrupt(runtime& rt) noexcept {
  if (!rt.main) {
    rt.interrupt_left = true;
    return;
  }
  task& t = *rt.main;
  if (t.interrupt_holds > 0) {
    t.interrupt_held = true;
    return;
  }
  t.attention |= attention_interrupt;
  if (t.wait.state != wait_state::parked) return;
  if (t.wait.what && t.open_nurseries && t.open_nurseries->owner_waits()) {
    wake(t, 0);  // its nursery takes the interrupt and waits on
  } else {
    abort_wait(t);
  }
}

// A virtual clock that neither runs nor jumps by itself fires nothing while everybody waits.
bool time_helps(runtime& rt) noexcept {
  if (rt.timers.size() == 0) return false;
  return !rt.clock || rt.clock->autojump >= 0 || next_deadline(rt) != base::forever;
}

bool can_anything_happen(runtime& rt) noexcept {
  // Who is outside before what they posted: somebody may post and let go between the two looks.
  const bool somebody_outside = rt.door->outside.load(std::memory_order_seq_cst) > 0;
  return rt.sched.ready() > 0 || time_helps(rt) || rt.kernel.pending() > 0 ||
         rt.jobs > rt.jobs_blocked || somebody_outside || !rt.door->empty() ||
         rt.interrupted.load(std::memory_order_relaxed) || !rt.idle_waits.empty() ||
         !rt.options.deadlock_check;
}

void run_ready(runtime& rt) noexcept {
  if (rt.sched.ready() == 0) return;
  rt.idle_since = base::long_ago;
  rt.sched.looked(rt.kernel.now(), next_deadline(rt));
  if (task* t = rt.sched.take_after_look()) {
    rt.current = t;
    ctx::switch_to(rt.machine, t->fiber());
    rt.current = nullptr;
  }
}

// The main task has ended: system tasks are told once.
void begin_ending(runtime& rt) noexcept {
  rt.ending = true;
  scope_cancel(rt.system.around, cancel_source::shutdown, nullptr, "the main task has ended");
}

}  // namespace

void hub_loop(runtime& rt) noexcept {
  int rounds_in_deadlock = 0;
  while (rt.main || rt.living() > 0) {
    const idle_plan plan = plan_idle(rt);
    if (!can_anything_happen(rt)) {
      if (++rounds_in_deadlock > force_after) {
        deadlock_given_up(rt);
        return;
      }
      deadlock_found(rt);
    }
    const std::uint64_t posted = rt.door->queued();
    const std::int64_t pending_before = rt.kernel.pending();
    const std::int64_t until = poll_until(rt, plan);
    rt.kernel.poll(until != base::long_ago && rt.door->may_sleep() ? until : base::long_ago);
    rt.door->woke_up();
    ++rt.polls;
    bool something = rt.door->drain(rt) || posted > 0;
    if (interrupt_taken(rt)) {
      if (interrupt_counts(rt)) deliver_interrupt(rt);
      something = true;
    }
    if (rt.timers.size() > 0) fire_deadlines(rt);
    if (something || pending_before != rt.kernel.pending()) {
      rt.idle_since = base::long_ago;
    } else if (rt.sched.ready() == 0) {
      step_idle(rt, plan);
    }
    run_ready(rt);
    if (current_runtime() != &rt) return;  // a child that was forked has come back here
    if (!rt.main && !rt.ending) begin_ending(rt);
    if (rt.sched.ready() == 0) {
      rt.trim_at = rt.stacks.trim(rt.kernel.now(), stack_half_life);
    }
  }
}

}  // namespace structio::rt
