// Cancel scopes. A task's scopes form a stack, linked both ways (outer, inner); beneath the
// outermost one lies the scope of the nursery that the task lives in. Whether a scope is
// effectively cancelled is kept in the scope and follows from its own state and its outer
// neighbour's:
//
//     cancelled = cancel_called or (not shield and outer is cancelled)
//     stopping  = stop_called   or (not shield and outer is stopping)
//
// A change walks inwards along the stack, from nursery scopes to the children's stacks, and ends
// where nothing changes: no recursion, no memory. Each task that it reaches has its attention bit
// set and, if it is waiting, its abort function asked.
//
// Who catches: the scope that was cancelled itself and sees no cancellation from outside, decided
// when it is left.
#pragma once

#include <cstdint>

#include "base/assert.hpp"
#include "base/list.hpp"
#include "runtime/reason.hpp"
#include "runtime/task.hpp"
#include "runtime/timers.hpp"

namespace structio::rt {

struct runtime;
struct task;
struct nursery;
struct failure;
struct token_node;
struct scope_signal;
struct scope_watch;

enum class scope_state : std::uint8_t { fresh, inside, left };

/// Values of enum structio_deadline_kind.
enum class deadline_kind : std::uint8_t { none = 0, absolute = 1, relative = 2 };

struct scope_timer : timer {
  struct scope* owner;  ///< set when it is armed
};

struct scope {
  static constexpr std::uint32_t magic_value = 0x53434f50;  // "SCOP"
  std::uint32_t magic = magic_value;
  scope_state state = scope_state::fresh;
  deadline_kind kind = deadline_kind::none;  ///< of `deadline`; relative only before entry
  bool shield : 1 = false;
  bool ends_on_stop : 1 = false;
  bool cancel_called : 1 = false;
  bool caught : 1 = false;
  bool stop_called : 1 = false;
  bool cancelled : 1 = false;  ///< effectively
  bool stopping : 1 = false;   ///< effectively
  bool abandoned : 1 = false;  ///< closed out of order by an outer one; leaving it is nothing
  bool on_worklist : 1 = false;
  bool entered_in_flight : 1 = false;  ///< by a task that had a cancellation on its way out
  bool holds_interrupt : 1 = false;    ///< Ctrl-C waits until it has been left
  bool pinned : 1 = false;             ///< a call stands in it, so it stays, and all around it
  bool laden : 1 = false;  ///< has borne what leaving has to look at; a deadline tells by itself
  std::uint8_t unused : 3 = 0;  ///< named, so that making a scope need not read what was here

  runtime* rt = nullptr;  ///< since entry
  task* owner = nullptr;  ///< the task inside, while inside; null for a run's own scopes
  scope* outer = nullptr;
  scope* inner = nullptr;       ///< next one inwards of the same task
  nursery* children = nullptr;  ///< the nursery whose scope this is

  std::int64_t deadline = base::forever;
  scope_timer deadline_timer;
  scope_timer grace_timer;
  std::int64_t grace_ends = base::forever;
  reason* why = nullptr;            ///< own cause of cancelled, or the outer's (both retained)
  reason* why_stop = nullptr;       ///< words of a stop, for when its grace is over
  token_node* tokens = nullptr;     ///< cancel tokens that lead here
  scope_signal* signals = nullptr;  ///< signals that stop it
  scope_watch* watches = nullptr;   ///< told when it is effectively cancelled

  scope() = default;
  explicit scope(bool in_flight) noexcept : entered_in_flight(in_flight) {}
};

/// Takes effect when it is entered, or by scope_refresh.
inline void scope_set_shield(scope& s, bool on) noexcept {
  s.shield = on;
  if (on) s.laden = true;
}
inline void scope_hold_interrupt(scope& s) noexcept {
  s.holds_interrupt = true;
  s.laden = true;
}

/// As scope_refresh, for a scope that has just been entered: nothing is inside it yet.
void scope_entered(scope& s) noexcept;

/// Part of entering.
inline void scope_push(task& t, scope& s) noexcept {
  s.owner = &t;
  s.outer = t.innermost;
  if (t.outermost) {
    t.innermost->inner = &s;
  } else {
    t.outermost = &s;
  }
  t.innermost = &s;
  s.state = scope_state::inside;
}

/// Enters on behalf of `t` (the current task, or one that has not begun). The state must be fresh.
/// 0 or STRUCTIO_ENOMEM (then not entered).
int scope_enter(runtime& rt, task& t, scope& s) noexcept;

/// The same for a scope that was made just now for `t`, with what it has in flight, without
/// options.
inline void scope_enter_plain(runtime& rt, task& t, scope& s) noexcept {
  s.rt = &rt;
  scope_push(t, s);
  if (s.outer->cancelled || s.outer->stopping) scope_entered(s);
}

/// Part of leaving.
inline void scope_pop(task& t, scope& s) noexcept {
  t.innermost = s.outer;
  if (t.outermost == &s) {
    t.outermost = nullptr;
  } else {
    s.outer->inner = nullptr;
  }
  s.state = scope_state::left;
  s.owner = nullptr;
  s.outer = nullptr;
}

/// Leaves the task's innermost scope with a status that is no failure. False: nothing has happened,
/// the long way has to be taken, since something has come upon the scope.
inline bool scope_leave_plain(task& t, scope& s) noexcept {
  if (s.laden || s.deadline_timer.in_heap()) return false;
  STRUCTIO_ASSERT(!s.cancelled && !s.shield && !s.holds_interrupt && !s.why && !s.why_stop);
  STRUCTIO_ASSERT(!s.tokens && !s.signals && !s.watches && !s.grace_timer.in_heap());
  scope_pop(t, s);
  s.rt = nullptr;  // a scope may outlive its run
  return true;
}

/// Leaves the task's innermost scope. Returns what is left of `status`; a group in `f` is filtered.
/// A reference in `f` that is absorbed is released and set to null.
int scope_leave(scope& s, int status, failure*& f) noexcept;

/// True when `s` would absorb a cancellation that reaches its end now.
bool scope_catches(const scope& s) noexcept;

/// Idempotent. `by` may be null. Takes effect at once on everything inside.
void scope_cancel(scope& s, cancel_source source, const task* by, const char* text) noexcept;

/// `grace_end`: a moment; base::long_ago: at once. 0 or STRUCTIO_ENOMEM (then cancelled at once).
int scope_stop(scope& s, std::int64_t grace_end, const task* by, const char* text) noexcept;

/// An absolute deadline, in or out of the scope. 0 or STRUCTIO_ENOMEM.
int scope_set_deadline(scope& s, std::int64_t moment) noexcept;

/// True when cancelled by a call or its own deadline, which is looked at.
bool scope_cancel_called(scope& s, std::int64_t now) noexcept;

/// Recomputes from `s` inwards after its own state, its outer or its shield has changed.
void scope_refresh(scope& s) noexcept;

/// Brings a running task's attention in line with its innermost scope.
void task_look(task& t) noexcept;

/// Recomputes the whole of `t` after its base scope has been exchanged.
void task_refresh(task& t) noexcept;

/// Earliest deadline that holds inside `s`; base::long_ago when cancelled.
std::int64_t effective_deadline(const scope& s) noexcept;

/// Gives up tokens, signals, timers and reasons: at leaving, and for a scope never entered.
void scope_release(scope& s) noexcept;

/// Closes whatever `t` has left open inside `limit` (a scope of t, or null: all its own),
/// cancelling what lives in there. Returns how many were found. The storage is not used any more
/// afterwards.
int scopes_abandon(task& t, const scope* limit) noexcept;

}  // namespace structio::rt
