// Cancel scopes and tokens.
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "check.hpp"
#include "runtime/failure.hpp"
#include "runtime/left_open.hpp"
#include "runtime/scope_watch.hpp"
#include "runtime/signal_stop.hpp"
#include "runtime/token.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

rt::scope* scope_in(const structio_scope* storage, const char* call) noexcept {
  return block<rt::scope>(storage, call, "scope");
}

// A scope that may be touched from here: of this run, or not in any yet.
rt::scope* ours(const structio_scope* storage, rt::runtime*& r, const char* call) noexcept {
  rt::scope* s = scope_in(storage, call);
  r = s ? in_run(call) : nullptr;
  if (!r) return nullptr;
  if (s->state == rt::scope_state::inside && s->rt != r) {
    other_run(call);
    return nullptr;
  }
  return s;
}

int leave_refused(const rt::scope& s, const rt::task& self) noexcept {
  constexpr const char* call = "structio_scope_leave";
  if (s.state == rt::scope_state::fresh) {
    return fail(STRUCTIO_EMISUSE, "%s: the scope was never entered", call);
  }
  if (s.state == rt::scope_state::left) {
    return fail(STRUCTIO_EMISUSE, "%s: the scope was left before", call);
  }
  if (s.children) {
    return fail(STRUCTIO_EMISUSE, "%s: a nursery's own scope is left by closing the nursery", call);
  }
  if (s.owner != &self) {
    return fail(STRUCTIO_EMISUSE, "%s: the scope is another task's: who enters it must leave it",
                call);
  }
  return 0;
}

// Leaving it means waiting for the tasks of a nursery inside.
bool holds_nursery(const rt::scope& s, const rt::task& self) noexcept {
  const rt::scope* inner = self.innermost;
  while (inner != &s && !inner->children) inner = inner->outer;
  return inner != &s;
}

rt::task* by(rt::runtime& r) noexcept {
  return r.current;
}

}  // namespace

int structio_scope_init(structio_scope* storage, const structio_scope_options* given) {
  constexpr const char* call = "structio_scope_init";
  if (!storage) return null_argument(call, "scope");
  if (!options_fit(given, call)) return refused();
  const structio_scope_options options = whole(given);
  if (options.deadline_kind > STRUCTIO_DEADLINE_RELATIVE) {
    return fail(STRUCTIO_EINVALID, "%s: unknown deadline_kind %u", call, options.deadline_kind);
  }
  if (options.deadline_kind == STRUCTIO_DEADLINE_RELATIVE && options.deadline < 0) {
    return fail(STRUCTIO_EINVALID, "%s: a relative deadline cannot be negative", call);
  }
  static_assert(sizeof(rt::scope) <= sizeof(structio_scope));
  const rt::runtime* r = rt::current_runtime();
  if (r && r->current && is_open_block(*r->current, storage)) {
    return fail(STRUCTIO_EMISUSE, "%s: the task is inside this scope: leave it first", call);
  }
  auto& s = *new (storage) rt::scope;
  s.kind = static_cast<rt::deadline_kind>(options.deadline_kind);
  if (s.kind != rt::deadline_kind::none) s.deadline = options.deadline;
  rt::scope_set_shield(s, options.shield != 0);
  s.ends_on_stop = options.ends_on_stop != 0;
  if (options.hold_interrupt != 0) rt::scope_hold_interrupt(s);
  return 0;
}

int structio_scope_destroy(structio_scope* storage) {
  constexpr const char* call = "structio_scope_destroy";
  rt::scope* s = scope_in(storage, call);
  if (!s) return refused();
  if (s->state == rt::scope_state::inside) {
    return fail(STRUCTIO_EMISUSE, "%s: a task is inside the scope: leave it first", call);
  }
  rt::scope_release(*s);
  s->magic = 0;
  return 0;
}

int structio_scope_enter(structio_scope* storage) {
  constexpr const char* call = "structio_scope_enter";
  rt::scope* s = scope_in(storage, call);
  if (!s) return refused();
  rt::runtime* r = in_body(call);
  if (!r) return refused();
  if (s->state != rt::scope_state::fresh) {
    return fail(STRUCTIO_EMISUSE,
                "%s: a scope is good for a single block, and this one was entered before", call);
  }
  if (s->tokens && s->tokens->core != r->door) return other_run(call);
  return rt::scope_enter(*r, *r->current, *s);
}

int structio_scope_leave(structio_scope* storage, int status, structio_failure** failure) {
  constexpr const char* call = "structio_scope_leave";
  rt::scope* s = scope_in(storage, call);
  if (!s) return refused();
  rt::runtime* r = in_body(call);
  if (!r) return refused();
  if (s->abandoned) {  // an outer one was left before it, which has been reported
    s->abandoned = false;
    return status;
  }
  rt::task& self = *r->current;
  if (const int code = leave_refused(*s, self)) return code;
  if (const int code = calls_inside(*s, self, call)) return code;
  int own = 0;  // the error of this call itself
  if (self.innermost != s) {
    if (r->confined_to != rt::confined::no && holds_nursery(*s, self)) return no_task(call);
    rt::scopes_abandon(self, s);
    own = fail(STRUCTIO_EMISUSE,
               "%s: a scope or nursery inside it is still open: leave the inner one first", call);
  }
  rt::failure* f = nullptr;
  if (failure) {
    if (*failure) {
      f = handle<rt::failure>(base::handle_kind::failure, *failure, call);
      if (!f) own = refused();  // the block is over all the same
    }
  } else {
    f = self.in_flight;
    self.in_flight = nullptr;
    if (f && f->code != status) {  // of some earlier failure that was dealt with
      rt::failure_drop(f);
    }
  }
  const int left = rt::scope_leave(*s, status, f);
  if (failure) {
    *failure = f ? static_cast<structio_failure*>(f->handle) : nullptr;
  } else {
    self.in_flight = f;
  }
  return own != 0 && left >= 0 ? own : left;
}

int structio_scope_cancel(structio_scope* storage, const char* reason) {
  rt::scope* s = scope_in(storage, "structio_scope_cancel");
  if (!s) return refused();
  rt::runtime* r = in_run("structio_scope_cancel");
  if (!r) return refused();
  if (s->state == rt::scope_state::inside && s->rt != r) return other_run("structio_scope_cancel");
  rt::scope_cancel(*s, rt::cancel_source::explicit_call, by(*r), reason);
  return 0;
}

int structio_scope_stop(structio_scope* storage, int64_t grace, const char* reason) {
  constexpr const char* call = "structio_scope_stop";
  rt::runtime* r = nullptr;
  rt::scope* s = ours(storage, r, call);
  if (!s) return refused();
  if (grace < 0) return fail(STRUCTIO_EINVALID, "%s: the grace is negative", call);
  const std::int64_t end = grace == 0 ? base::long_ago : base::saturating_add(r->now(), grace);
  return rt::scope_stop(*s, end, by(*r), reason);
}

int structio_scope_stop_on_signal(structio_scope* storage, int signum, int64_t grace) {
  constexpr const char* call = "structio_scope_stop_on_signal";
  rt::runtime* r = nullptr;
  rt::scope* s = ours(storage, r, call);
  if (!s) return refused();
  if (grace < 0) return fail(STRUCTIO_EINVALID, "%s: the grace is negative", call);
  if (s->state != rt::scope_state::inside) {
    return fail(STRUCTIO_EMISUSE, "%s: enter the scope first", call);
  }
  return rt::scope_stop_on_signal(*s, signum, grace);
}

int structio_scope_on_cancel(structio_scope* storage, structio_scope_watch* watch,
                             structio_cancelled_fn fn, void* arg) {
  static_assert(sizeof(rt::scope_watch) <= sizeof(structio_scope_watch));
  constexpr const char* call = "structio_scope_on_cancel";
  if (!watch || !fn) return null_argument(call, watch ? "fn" : "watch");
  rt::runtime* r = nullptr;
  rt::scope* s = ours(storage, r, call);
  if (!s) return refused();
  if (s->state == rt::scope_state::left) {
    return fail(STRUCTIO_EMISUSE, "%s: the scope was left already", call);
  }
  auto* w = new (watch) rt::scope_watch;
  w->fn = fn;
  w->arg = arg;
  rt::watch_add(*r, *s, *w);
  return 0;
}

int structio_scope_watch_remove(structio_scope_watch* watch) {
  constexpr const char* call = "structio_scope_watch_remove";
  auto* w = block<rt::scope_watch>(watch, call, "watch");
  if (!w) return refused();
  if (w->rt && w->rt != rt::current_runtime()) return other_run(call);
  rt::watch_remove(*w);
  return 0;
}

int structio_scope_set_deadline(structio_scope* storage, int64_t moment) {
  rt::runtime* r = nullptr;
  constexpr const char* call = "structio_scope_set_deadline";
  rt::scope* s = ours(storage, r, call);
  if (!s) return refused();
  if (s->kind == rt::deadline_kind::relative && s->state == rt::scope_state::fresh) {
    return fail(STRUCTIO_EMISUSE, "%s: a relative deadline has no moment before entry", call);
  }
  return rt::scope_set_deadline(*s, moment);
}

int structio_scope_set_timeout(structio_scope* storage, int64_t duration) {
  constexpr const char* call = "structio_scope_set_timeout";
  rt::scope* s = scope_in(storage, call);
  if (!s) return refused();
  if (duration < 0) return fail(STRUCTIO_EINVALID, "%s: the duration is negative", call);
  if (s->state == rt::scope_state::fresh) {
    if (s->kind == rt::deadline_kind::absolute) {
      return fail(STRUCTIO_EMISUSE, "%s: an absolute deadline has no time left before entry", call);
    }
    s->kind = duration == base::forever ? rt::deadline_kind::none : rt::deadline_kind::relative;
    s->deadline = duration;
    return 0;
  }
  rt::runtime* r = nullptr;
  if (!ours(storage, r, call)) return refused();
  return rt::scope_set_deadline(*s, base::deadline_after(r->now(), duration));
}

int structio_scope_deadline(const structio_scope* storage, int64_t* moment) {
  constexpr const char* call = "structio_scope_deadline";
  const rt::scope* s = scope_in(storage, call);
  if (!s) return refused();
  if (!moment) return null_argument(call, "moment");
  if (s->kind == rt::deadline_kind::relative) {
    return fail(STRUCTIO_EMISUSE, "%s: a relative deadline has no moment before entry", call);
  }
  *moment = s->deadline;
  return 0;
}

int structio_scope_timeout(const structio_scope* storage, int64_t* duration) {
  constexpr const char* call = "structio_scope_timeout";
  const rt::scope* s = scope_in(storage, call);
  if (!s) return refused();
  if (!duration) return null_argument(call, "duration");
  if (s->kind == rt::deadline_kind::none || s->kind == rt::deadline_kind::relative) {
    *duration = s->deadline;
    return 0;
  }
  if (s->state == rt::scope_state::fresh) {
    return fail(STRUCTIO_EMISUSE, "%s: an absolute deadline has no time left before entry", call);
  }
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  *duration = base::saturating_until(s->deadline, r->now());
  return 0;
}

int structio_scope_set_shield(structio_scope* storage, int shield) {
  constexpr const char* call = "structio_scope_set_shield";
  rt::scope* s = scope_in(storage, call);
  if (!s) return refused();
  if (s->shield == (shield != 0)) return 0;
  if (s->state == rt::scope_state::inside) {
    rt::runtime* r = nullptr;
    if (!ours(storage, r, call)) return refused();
    rt::scope_set_shield(*s, shield != 0);
    rt::scope_refresh(*s);
  } else {
    rt::scope_set_shield(*s, shield != 0);
  }
  return 0;
}

int structio_scope_shield(const structio_scope* storage) {
  const rt::scope* s = scope_in(storage, "structio_scope_shield");
  return s ? s->shield : refused();
}

int structio_scope_cancel_called(structio_scope* storage) {
  rt::scope* s = scope_in(storage, "structio_scope_cancel_called");
  if (!s) return refused();
  rt::runtime* r = rt::current_runtime();
  const bool may_look = r && (s->state != rt::scope_state::inside || s->rt == r);
  return may_look ? rt::scope_cancel_called(*s, r->now()) : s->cancel_called;
}

int structio_scope_cancelled_caught(const structio_scope* storage) {
  const rt::scope* s = scope_in(storage, "structio_scope_cancelled_caught");
  return s ? s->caught : refused();
}

int structio_scope_describe(structio_scope* storage, char* text, size_t size) {
  constexpr const char* call = "structio_scope_describe";
  rt::scope* s = scope_in(storage, call);
  if (!s) return refused();
  if (!text && size > 0) return null_argument(call, "text");
  constexpr const char* states[] = {"unbound", "active", "exited"};
  char deadline[64] = "";
  rt::runtime* r = rt::current_runtime();
  const bool mine = r && (s->state != rt::scope_state::inside || s->rt == r);
  if (mine && s->kind == rt::deadline_kind::absolute && s->state != rt::scope_state::left) {
    const double seconds = static_cast<double>(base::saturating_until(s->deadline, r->now())) / 1e9;
    std::snprintf(
        deadline, sizeof deadline,
        seconds >= 0 ? ", deadline is %.2f seconds from now" : ", deadline was %.2f seconds ago",
        seconds >= 0 ? seconds : -seconds);
  } else if (s->kind == rt::deadline_kind::relative) {
    std::snprintf(deadline, sizeof deadline, ", timeout is %.2f seconds",
                  static_cast<double>(s->deadline) / 1e9);
  }
  return std::snprintf(text, size, "cancel scope, %s%s%s%s", states[static_cast<int>(s->state)],
                       deadline, s->shield ? ", shielded" : "",
                       s->cancel_called ? ", cancelled" : "");
}

namespace {

int move_on(std::int64_t duration, structio_task_fn fn, void* arg, int* timed_out,
            const char* call) {
  if (timed_out) *timed_out = 0;
  if (!fn) return null_argument(call, "fn");
  if (duration < 0) return fail(STRUCTIO_EINVALID, "%s: the duration is negative", call);
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  rt::task& self = *r->current;
  structio_scope storage;
  if (is_open_block(self, &storage)) {
    return fail(STRUCTIO_EMISUSE,
                "%s: a scope that was left open lay in memory that is in use again: leave it "
                "before its frame is gone",
                call);
  }
  auto& s = *new (&storage) rt::scope;
  s.pinned = true;  // until fn has returned
  s.kind = rt::deadline_kind::relative;
  s.deadline = duration;
  if (const int code = rt::scope_enter(*r, self, s)) return code;
  int status = fn(arg);
  s.pinned = false;
  if (self.innermost != &s) [[unlikely]] {
    status = rt::close_sheltered(self, &s, status);
  } else if (status >= 0 && !self.in_flight) [[likely]] {
    r->timers.disarm(s.deadline_timer);
    if (rt::scope_leave_plain(self, s)) return status;
  }
  status = structio_scope_leave(&storage, status, nullptr);
  if (timed_out) *timed_out = structio_scope_cancelled_caught(&storage);
  return status;
}

}  // namespace

int structio_move_on_after(int64_t duration, structio_task_fn fn, void* arg, int* timed_out) {
  return move_on(duration, fn, arg, timed_out, "structio_move_on_after");
}

int structio_fail_after(int64_t duration, structio_task_fn fn, void* arg) {
  int timed_out = 0;
  const int status = move_on(duration, fn, arg, &timed_out, "structio_fail_after");
  if (status == 0 && timed_out) {
    return fail(STRUCTIO_ETOOSLOW,
                "structio_fail_after: the deadline of %.6g s passed before the work had ended",
                static_cast<double>(duration) / 1e9);
  }
  return status;
}

int structio_cancel_reason(structio_cancel_info* info) {
  constexpr const char* call = "structio_cancel_reason";
  if (!info) return null_argument(call, "info");
  if (!options_fit(info, call)) return refused();
  rt::runtime* r = in_body(call);
  if (!r) return refused();
  const rt::scope& s = *r->current->innermost;
  if (!s.cancelled) return 0;
  structio_cancel_info full{};
  const std::size_t size = info->struct_size < sizeof full ? info->struct_size : sizeof full;
  full.struct_size = info->struct_size;
  if (s.why) {
    full.source = static_cast<std::uint32_t>(s.why->source);
    full.reason = s.why->text;
    full.task_name = s.why->task_name[0] ? s.why->task_name : nullptr;
    full.task = s.why->task_id;
  }
  std::memcpy(info, &full, size);
  return 1;
}

int structio_cancel_describe(char* text, size_t size) {
  constexpr const char* call = "structio_cancel_describe";
  if (!text && size > 0) return null_argument(call, "text");
  rt::runtime* r = in_body(call);
  if (!r) return refused();
  if (size > 0) text[0] = 0;
  const rt::scope& s = *r->current->innermost;
  return s.cancelled && s.why ? rt::reason_describe(*s.why, text, size) : 0;
}

int structio_stop_requested(void) {
  rt::runtime* r = in_body("structio_stop_requested");
  return r ? r->current->innermost->stopping : refused();
}

int64_t structio_current_deadline(void) {
  rt::runtime* r = in_body("structio_current_deadline");
  return r ? rt::effective_deadline(*r->current->innermost) : refused();
}

int structio_cancel_token_new(structio_scope* storage, structio_cancel_token** out) {
  constexpr const char* call = "structio_cancel_token_new";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  rt::runtime* r = nullptr;
  rt::scope* s = ours(storage, r, call);
  if (!s) return refused();
  if (s->state == rt::scope_state::left) {
    return fail(STRUCTIO_EMISUSE, "%s: the scope was left already", call);
  }
  rt::token_node* token = rt::token_make(*r, *s);
  void* h = token ? base::handle_make(base::handle_kind::cancel_token, token) : nullptr;
  if (!h) {
    if (token) rt::token_free(*token);  // the scope's reference goes when it is left
    return fail(STRUCTIO_ENOMEM, "%s: no memory", call);
  }
  *out = static_cast<structio_cancel_token*>(h);
  return 0;
}

int structio_cancel_token_cancel(structio_cancel_token* token) {
  // No message on success and none that allocates on failure: this may be a signal handler.
  auto* t =
      static_cast<rt::token_node*>(base::handle_object(base::handle_kind::cancel_token, token));
  if (!t) return STRUCTIO_ESTALE;
  const int before = errno;
  const int status = rt::token_cancel(*t) ? 0 : STRUCTIO_ERUNFINISHED;
  errno = before;
  return status;
}

int structio_cancel_token_free(structio_cancel_token* token) {
  if (!token) return 0;
  void* t = base::handle_drop(base::handle_kind::cancel_token, token);
  if (!t) return fail(STRUCTIO_ESTALE, "structio_cancel_token_free: the token was freed before");
  rt::token_free(*static_cast<rt::token_node*>(t));
  return 0;
}
