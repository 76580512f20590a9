// Cancel scopes: blocks of code that can be cut off, by a call, a token, a signal or a deadline.
//
//     structio::move_on_after(5s, [&] { fetch(url); });          // goes on without it
//     structio::fail_after(5s, [&] { fetch(url); });             // throws too_slow
//     structio::cancel_scope scope({.timeout = 5s, .shield = true});
//     scope.run([&] { ... });
//
// Always true: `cancelled` is absorbed by the scope that was cancelled, at its end, and nowhere
// else. A block that can be cut off returns std::optional of its body's value, or bool for a body
// without one; both are true exactly when the body ran to its end.
#pragma once

#include <structio/structio.h>
#include <structio/detail/outcome.hpp>
#include <structio/error.hpp>
#include <structio/group.hpp>
#include <structio/time.hpp>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {

class cancel_token;

/// Options of a scope. Give a deadline (a moment) or a timeout (it counts from entry), not both.
struct scope_options {
  std::optional<time_point> deadline = std::nullopt;
  std::optional<duration> timeout = std::nullopt;
  bool shield = false;          ///< cancellation from outside is not seen inside
  bool ends_on_stop = false;    ///< a stop around it cancels it at once, without the grace
  bool hold_interrupt = false;  ///< Ctrl-C waits until it has been left: for clean-up
};

/// A scope that somebody else owns: a nursery's, or any cancel_scope passed on. All of it may be
/// used by any task or hook of the run, before entry, inside and (as far as that makes sense)
/// after leaving, as long as the scope lives. Not thread-safe: see token().
class scope_ref {
 public:
  explicit scope_ref(structio_scope* scope) noexcept : scope_(scope) {}

  /// Wakes everything inside that waits, with `cancelled`. The first cause stays.
  void cancel(const char* reason = nullptr) const {
    detail::check(structio_scope_cancel(scope_, reason));
  }
  void cancel(const std::string& reason) const { cancel(reason.c_str()); }

  /// Asks politely: stop_requested() becomes true inside, scopes that end on stop are cancelled
  /// at once, all else when `grace` is over. A second stop can only shorten the grace.
  template <class Rep = std::int64_t, class Period = std::nano>
  void stop(std::chrono::duration<Rep, Period> grace = duration::zero(),
            const char* reason = nullptr) const {
    detail::check(structio_scope_stop(scope_, detail::to_nanoseconds(grace).count(), reason));
  }

  /// While the task is inside, this signal stops the scope with `grace`; once more, it cancels at
  /// once. Throws usage_error when the calling task is not inside.
  template <class Rep = std::int64_t, class Period = std::nano>
  void stop_on_signal(int signum,
                      std::chrono::duration<Rep, Period> grace = duration::zero()) const {
    detail::check(
        structio_scope_stop_on_signal(scope_, signum, detail::to_nanoseconds(grace).count()));
  }

  /// The moment at which it is cancelled; `never` when there is none. Throws usage_error for a
  /// scope with a timeout that was not entered yet: it has no moment.
  time_point deadline() const {
    std::int64_t moment = 0;
    detail::check(structio_scope_deadline(scope_, &moment));
    return time_point(duration(moment));
  }
  void set_deadline(time_point moment) const {
    detail::check(structio_scope_set_deadline(scope_, moment.time_since_epoch().count()));
  }

  /// The time that is left (inside), or that it will have (before entry); `forever` when there is
  /// no deadline. Throws usage_error for a scope with a moment that was not entered yet.
  duration timeout() const {
    std::int64_t left = 0;
    detail::check(structio_scope_timeout(scope_, &left));
    return duration(left);
  }
  /// Throws std::invalid_argument when negative or not a number.
  template <class Rep, class Period>
  void set_timeout(std::chrono::duration<Rep, Period> left) const {
    detail::check(structio_scope_set_timeout(scope_, detail::to_nanoseconds(left).count()));
  }

  bool shield() const { return detail::check(structio_scope_shield(scope_)) == 1; }
  void set_shield(bool on) const { detail::check(structio_scope_set_shield(scope_, on ? 1 : 0)); }

  /// The scope itself was cancelled, by a call or by its deadline.
  bool cancel_called() const { return detail::check(structio_scope_cancel_called(scope_)) == 1; }

  /// It absorbed a cancellation at its end.
  bool cancelled_caught() const {
    return detail::check(structio_scope_cancelled_caught(scope_)) == 1;
  }

  /// "active, deadline in 2.5s, cancelled".
  std::string describe() const {
    char text[160];
    detail::check(structio_scope_describe(scope_, text, sizeof text));
    return text;
  }

  /// A handle that cancels it from any thread. Defined in token.hpp.
  cancel_token token() const;

  structio_scope* native() const noexcept { return scope_; }

 private:
  structio_scope* scope_;
};

namespace detail {

inline structio_scope_options to_c(const scope_options& options) {
  structio_scope_options result = STRUCTIO_SCOPE_OPTIONS_INIT;
  if (options.deadline && options.timeout) {
    throw std::invalid_argument("a scope has a deadline or a timeout, not both");
  }
  if (options.deadline) {
    result.deadline_kind = STRUCTIO_DEADLINE_ABSOLUTE;
    result.deadline = options.deadline->time_since_epoch().count();
  } else if (options.timeout) {
    result.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
    result.deadline = options.timeout->count();
  }
  result.shield = options.shield ? 1 : 0;
  result.ends_on_stop = options.ends_on_stop ? 1 : 0;
  result.hold_interrupt = options.hold_interrupt ? 1 : 0;
  return result;
}

/// Leaves with what the body threw, and throws what is left of that. Nothing of the scope's own
/// making replaces an exception of the body's.
inline void leave_scope(structio_scope* scope, const std::exception_ptr& thrown) {
  structio_failure* rest = nullptr;
  if (!thrown) {
    const int left = structio_scope_leave(scope, 0, &rest);
    failure unused(rest);
    if (left < 0) throw_status(left);
    return;
  }
  caught_failure caught{STRUCTIO_EPAYLOAD, {}};
  try {
    std::rethrow_exception(thrown);
  } catch (const cancelled&) {
    caught = current_failure();
  } catch (const exception_group&) {
    caught = current_failure();
  } catch (...) {
    // Passes through whatever the scope's state is, so that nothing need be known about it.
  }
  const failure before = caught.why;
  rest = caught.why.release();
  const int left = structio_scope_leave(scope, caught.status, &rest);
  const failure after(rest);
  if (left >= 0) return;
  if (left == STRUCTIO_EGROUP && after && !(after == before)) throw exception_group(after);
  std::rethrow_exception(thrown);
}

}  // namespace detail

/// A block of code that can be cut off. Good for a single block; made before it is entered, by any
/// task or thread; neither copied nor moved. Being made and entered is no checkpoint.
class cancel_scope final : public scope_ref {
 public:
  /// Throws std::invalid_argument: both deadline and timeout, or a negative timeout.
  explicit cancel_scope(const scope_options& options = {}) : scope_ref(&storage_) {
    const structio_scope_options raw = detail::to_c(options);
    detail::check(structio_scope_init(&storage_, &raw));
  }
  cancel_scope(const cancel_scope&) = delete;
  cancel_scope& operator=(const cancel_scope&) = delete;
  ~cancel_scope() { structio_scope_destroy(&storage_); }

  /// Runs `body()` or `body(scope)` inside. Returns std::optional of its value, or bool for a body
  /// without one: empty or false when the scope was cancelled and absorbed that. Everything else
  /// that the body throws passes through; from a group the "cancelled" that are this scope's are
  /// taken out, at every depth. Throws usage_error when it was entered before.
  template <class Body>
  requires detail::body_for<Body, cancel_scope>
      detail::outcome<detail::body_result_t<Body, cancel_scope>> run(Body&& body) {
    using value = detail::body_result_t<Body, cancel_scope>;
    detail::check(structio_scope_enter(&storage_));
    detail::outcome<value> result{};
    detail::leave_scope(&storage_, capture_inside<value>(result, std::forward<Body>(body)));
    return result;
  }

  /// The same, but throws too_slow when it was cut off, and so returns the bare value. For a scope
  /// that is to be adjusted before it is entered; else see fail_after.
  template <class Body>
  requires detail::body_for<Body, cancel_scope>
  auto run_or_fail(Body&& body) {
    using value = detail::body_result_t<Body, cancel_scope>;
    auto result = run(std::forward<Body>(body));
    if (cancelled_caught()) throw too_slow();
    if constexpr (!std::is_void_v<value>) return *std::move(result);
  }

 private:
  template <class Value, class Body>
  std::exception_ptr capture_inside(detail::outcome<Value>& result, Body&& body) noexcept {
    const detail::unwind_floor floor;
    return detail::capture<Value>(result, std::forward<Body>(body), *this);
  }

  structio_scope storage_;
};

/// Runs `body()` or `body(scope)`, for at most `time` or until `moment`, and goes on. Returns as
/// cancel_scope::run. Checkpoint if the body is. Throws std::invalid_argument for a negative time.
template <class Rep, class Period, detail::body_for<cancel_scope> Body>
auto move_on_after(std::chrono::duration<Rep, Period> time, Body&& body) {
  cancel_scope scope({.timeout = detail::to_nanoseconds(time)});
  return scope.run(std::forward<Body>(body));
}
template <detail::body_for<cancel_scope> Body>
auto move_on_at(time_point moment, Body&& body) {
  cancel_scope scope({.deadline = moment});
  return scope.run(std::forward<Body>(body));
}

/// Runs `body()` or `body(scope)` and returns its value; throws too_slow when the time was over (or
/// the scope was cancelled) before it ended.
template <class Rep, class Period, detail::body_for<cancel_scope> Body>
auto fail_after(std::chrono::duration<Rep, Period> time, Body&& body) {
  cancel_scope scope({.timeout = detail::to_nanoseconds(time)});
  return scope.run_or_fail(std::forward<Body>(body));
}
template <detail::body_for<cancel_scope> Body>
auto fail_at(time_point moment, Body&& body) {
  cancel_scope scope({.deadline = moment});
  return scope.run_or_fail(std::forward<Body>(body));
}

/// Runs `body()` or `body(scope)` behind a shield, for at most `limit`: for clean-up that must
/// block although the task is cancelled, in destructors too, where it holds Ctrl-C back as well.
/// Returns as cancel_scope::run.
template <class Rep, class Period, detail::body_for<cancel_scope> Body>
auto shielded(std::chrono::duration<Rep, Period> limit, Body&& body) {
  cancel_scope scope({.timeout = detail::to_nanoseconds(limit),
                      .shield = true,
                      .hold_interrupt = detail::must_not_throw()});
  return scope.run(std::forward<Body>(body));
}

/// The earliest deadline that the calling task is under: `never` for none, time_point::min() when
/// it is cancelled already.
inline time_point current_deadline() {
  return time_point(duration(structio_current_deadline()));
}

/// Why the calling task is cancelled, or nothing when it is not.
inline std::optional<cancel_info> cancel_reason() {
  structio_cancel_info raw{};
  raw.struct_size = sizeof raw;
  if (detail::check(structio_cancel_reason(&raw)) != 1) return std::nullopt;
  cancel_info info;
  info.source = static_cast<cancel_source>(raw.source);
  if (raw.reason != nullptr) info.text = raw.reason;
  if (raw.task_name != nullptr) info.task_name = raw.task_name;
  return info;
}

/// True when a stop was asked for around the calling task: finish what you do and return.
inline bool stop_requested() {
  return detail::check(structio_stop_requested()) == 1;
}

}  // namespace v0
}  // namespace structio

#include <structio/token.hpp>
