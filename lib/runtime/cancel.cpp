// State changes of scopes: entering, leaving, cancelling, stopping. How a change spreads is in
// propagate.cpp.
#include "runtime/cancel.hpp"

#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/failure.hpp"
#include "runtime/nursery.hpp"
#include "runtime/runtime.hpp"
#include "runtime/scope_watch.hpp"
#include "runtime/signal_stop.hpp"
#include "runtime/token.hpp"

namespace structio::rt {
namespace {

void deadline_passed(timer& t) noexcept {
  scope_cancel(*static_cast<scope_timer&>(t).owner, cancel_source::deadline, nullptr, nullptr);
}

void grace_over(timer& t) noexcept {
  scope& s = *static_cast<scope_timer&>(t).owner;
  scope_cancel(s, cancel_source::stop, nullptr, s.why_stop ? s.why_stop->text : nullptr);
}

int arm(scope_timer& t, scope& s, std::int64_t moment, void (*fire)(timer&) noexcept) noexcept {
  t.owner = &s;
  t.fire = fire;
  return s.rt->timers.arm(t, moment);
}

void set_why(scope& s, reason* r) noexcept {
  reason_release(s.why);
  s.why = r;
}

// While a task is in a scope that holds it back, an interrupt is kept beside its attention.
void hold_interrupt(task& t) noexcept {
  ++t.interrupt_holds;
  if (!(t.attention & attention_interrupt)) return;
  t.attention = static_cast<std::uint8_t>(t.attention & ~attention_interrupt);
  t.interrupt_held = true;
}

void release_interrupt(task& t) noexcept {
  if (--t.interrupt_holds > 0 || !t.interrupt_held) return;
  t.interrupt_held = false;
  t.attention |= attention_interrupt;
}

}  // namespace

int scope_enter(runtime& rt, task& t, scope& s) noexcept {
  bool expired = false;
  s.rt = &rt;
  if (s.deadline == base::forever) s.kind = deadline_kind::none;
  if (s.kind != deadline_kind::none) {
    const std::int64_t now = rt.now();
    if (s.kind == deadline_kind::relative) s.deadline = base::deadline_after(now, s.deadline);
    s.kind = deadline_kind::absolute;
    expired = s.deadline <= now;
    const bool wanted = !expired && !s.cancel_called;
    if (const int code = wanted ? arm(s.deadline_timer, s, s.deadline, deadline_passed) : 0) {
      s.rt = nullptr;
      return base::fail(code, "no memory for the deadline of a cancel scope");
    }
  }
  s.entered_in_flight = t.cancel_in_flight;
  scope_push(t, s);
  if (s.holds_interrupt) hold_interrupt(t);
  if (s.cancel_called || s.stop_called || s.shield || s.outer->cancelled || s.outer->stopping) {
    scope_entered(s);
  }
  // A deadline that has passed already cancels at once, so that the first checkpoint inside sees
  // it.
  if (expired) scope_cancel(s, cancel_source::deadline, nullptr, nullptr);
  if (s.stop_called && !s.cancel_called && s.grace_ends != base::forever) {
    if (arm(s.grace_timer, s, s.grace_ends, grace_over) != 0) grace_over(s.grace_timer);
  }
  return 0;
}

bool scope_catches(const scope& s) noexcept {
  return s.cancel_called && (s.shield || !s.outer || !s.outer->cancelled);
}

void scope_release(scope& s) noexcept {
  if (s.rt) {
    s.rt->timers.disarm(s.deadline_timer);
    s.rt->timers.disarm(s.grace_timer);
  }
  if (s.tokens) tokens_detach(s);
  if (s.signals) signals_detach(s);
  if (s.watches) watches_detach(s);
  if (s.why) set_why(s, nullptr);
  if (s.why_stop) {
    reason_release(s.why_stop);
    s.why_stop = nullptr;
  }
}

int scope_leave(scope& s, int status, failure*& f) noexcept {
  STRUCTIO_ASSERT(s.owner);
  task& t = *s.owner;
  STRUCTIO_ASSERT(t.innermost == &s && s.state == scope_state::inside);
  if (status < 0 && scope_catches(s)) {
    if (status == STRUCTIO_ECANCELLED && t.cancel_in_flight) {
      status = 0;
      s.caught = true;
    } else if (status == STRUCTIO_EGROUP && f) {
      const bool found = failure_filter_cancelled(f);
      s.caught = s.caught || found;
      if (!f) status = 0;
    }
    // What was on its way out when clean-up entered this scope still is.
    if (s.caught) t.cancel_in_flight = s.entered_in_flight;
    if (status == 0) failure_drop(f);
  }
  scope_pop(t, s);
  if (s.cancelled || s.shield) task_look(t);
  if (s.holds_interrupt) release_interrupt(t);
  // Who swallowed a cancellation has nothing of it in flight once he is out of its reach.
  if (s.cancelled && !t.innermost->cancelled && status != STRUCTIO_ECANCELLED) {
    t.cancel_in_flight = s.entered_in_flight;
  }
  scope_release(s);
  s.rt = nullptr;  // a scope may outlive its run
  return status;
}

void scope_cancel(scope& s, cancel_source source, const task* by, const char* text) noexcept {
  if (s.cancel_called) return;
  s.cancel_called = true;
  if (s.rt) {
    s.rt->timers.disarm(s.deadline_timer);
    s.rt->timers.disarm(s.grace_timer);
  }
  if (s.state == scope_state::left) return;
  // The first cause stays: a scope inside one that is cancelled already keeps what reached it
  // first.
  if (!s.cancelled || !s.why) set_why(s, reason_make(source, by, text));
  if (s.state == scope_state::inside) scope_refresh(s);
}

int scope_stop(scope& s, std::int64_t grace_end, const task* by, const char* text) noexcept {
  if (s.state == scope_state::left || s.cancel_called) return 0;
  s.laden = true;
  if (!s.why_stop) s.why_stop = reason_make(cancel_source::stop, by, text);
  const bool first = !s.stop_called;
  s.stop_called = true;
  if (grace_end < s.grace_ends) s.grace_ends = grace_end;
  int code = 0;
  if (s.grace_ends == base::long_ago) {
    scope_cancel(s, cancel_source::stop, by, text);
  } else if (s.rt) {
    code = arm(s.grace_timer, s, s.grace_ends, grace_over);
    if (code != 0) scope_cancel(s, cancel_source::stop, by, text);
  }
  if (first && s.state == scope_state::inside) scope_refresh(s);
  return code;
}

int scope_set_deadline(scope& s, std::int64_t moment) noexcept {
  s.deadline = moment;
  s.kind = moment == base::forever ? deadline_kind::none : deadline_kind::absolute;
  if (s.state != scope_state::inside || s.cancel_called) return 0;
  if (moment <= s.rt->now()) {
    scope_cancel(s, cancel_source::deadline, nullptr, nullptr);
    return 0;
  }
  const int code = arm(s.deadline_timer, s, moment, deadline_passed);
  return code == 0 ? 0 : base::fail(code, "no memory for the deadline of a cancel scope");
}

bool scope_cancel_called(scope& s, std::int64_t now) noexcept {
  if (!s.cancel_called && s.state != scope_state::left && s.kind == deadline_kind::absolute &&
      s.deadline <= now) {
    scope_cancel(s, cancel_source::deadline, nullptr, nullptr);
  }
  return s.cancel_called;
}

std::int64_t effective_deadline(const scope& innermost) noexcept {
  if (innermost.cancelled) return base::long_ago;
  std::int64_t least = base::forever;
  for (const scope* s = &innermost; s; s = s->shield ? nullptr : s->outer) {
    if (s->kind == deadline_kind::absolute && s->deadline < least) least = s->deadline;
  }
  return least;
}

int scopes_abandon(task& t, const scope* limit) noexcept {
  int found = 0;
  while (t.innermost != t.base && t.innermost != limit) {
    scope& s = *t.innermost;
    if (s.children) nursery_abandon(*s.children);
    failure* none = nullptr;
    scope_leave(s, 0, none);
    s.abandoned = true;
    ++found;
  }
  return found;
}

}  // namespace structio::rt
