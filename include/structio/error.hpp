// Everything that the C++ face throws, and how a status code becomes an exception.
// Rules: `cancelled` and `interrupted` are no std::exception, so that a handler for errors does
// not swallow them by mistake. Misuse is a usage_error (or std::invalid_argument), a
// std::logic_error either way. All else is an `error`, which carries its code.
#pragma once

#include <structio/structio.h>
#include <structio/failure.hpp>

#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace structio {
inline namespace v0 {

namespace detail {
struct error_access;
}

/// Category of structio's own codes; its messages are structio_strerror's.
inline const std::error_category& category() noexcept {
  class structio_category final : public std::error_category {
   public:
    const char* name() const noexcept override { return "structio"; }
    std::string message(int code) const override { return structio_strerror(code); }
  };
  static const structio_category instance;
  return instance;
}

/// A status code as std::error_code: one of the operating system's where it is one (so that it
/// compares with std::errc), one of category() otherwise.
inline std::error_code make_error_code(int code) noexcept {
#if defined(_WIN32)
  return {code, category()};
#else
  // libuv puts what the system has no number for at -3000 and beyond.
  if (code < 0 && code > -1000) return {-code, std::generic_category()};
  return {code, category()};
#endif
}

/// Thrown by every checkpoint inside a cancelled scope, until the scope is left. Let it pass: the
/// scope that was cancelled absorbs it. Not derived from anything, so that only `catch (...)` or
/// `catch (const cancelled&)` meets it. Swallowing it is survivable: the next checkpoint throws
/// it again. Made by the library only.
class cancelled final {
 public:
  cancelled(const cancelled&) noexcept = default;
  cancelled& operator=(const cancelled&) noexcept = default;
  ~cancelled() = default;

  /// Who or what cancelled, with the text that was given and the task that did.
  cancel_info reason() const { return why_.reason(); }

  /// "cancelled due to explicit: hello (from task 'main')". Valid as long as the exception.
  const char* what() const noexcept { return why_ ? why_.message() : "cancelled"; }

  /// The same as the C ABI has it; none when memory was short.
  const failure& why() const noexcept { return why_; }

 private:
  friend struct detail::error_access;
  explicit cancelled(failure why) noexcept : why_(std::move(why)) {}
  failure why_;
};

/// The user asked the program to end (Ctrl-C). Thrown in the main task, and on a thread that works
/// for it by from_thread::check_cancelled(), only. Like `cancelled` it is no std::exception.
class interrupted final {
 public:
  const char* what() const noexcept { return "interrupted"; }

  /// What it outranked, if anything; see unwrap_single.
  const failure& cause() const noexcept { return cause_; }
  const failure& why() const noexcept { return why_; }

 private:
  friend struct detail::error_access;
  explicit interrupted(failure why, failure cause = {}) noexcept
      : why_(std::move(why)), cause_(std::move(cause)) {}
  failure why_;
  failure cause_;
};

/// An operation failed: a code of the operating system or of structio.
class error : public std::runtime_error {
 public:
  error(int code, const std::string& text, failure cause = {})
      : std::runtime_error(text), code_(code), cause_(std::move(cause)) {}

  /// The status code of the C ABI, negative.
  int code() const noexcept { return code_; }

  /// Its name, such as "ECONNRESET".
  const char* name() const noexcept { return structio_err_name(code_); }

  std::error_code error_code() const noexcept { return make_error_code(code_); }

  /// What it was caused by, such as the failures of all attempts; no failure when it stands for
  /// itself.
  const failure& cause() const noexcept { return cause_; }

 private:
  int code_;
  failure cause_;
};

/// A call that is not allowed in this state, this place or with this object. The text names the
/// call, the rule and the remedy.
class usage_error : public std::logic_error {
 public:
  usage_error(int code, const std::string& text) : std::logic_error(text), code_(code) {}
  explicit usage_error(const std::string& text) : usage_error(STRUCTIO_EMISUSE, text) {}
  int code() const noexcept { return code_; }

 private:
  int code_;
};

/// The deadline of fail_after or fail_at passed.
class too_slow : public error {
 public:
  explicit too_slow(const std::string& text = "the deadline passed before the block ended")
      : error(STRUCTIO_ETOOSLOW, text) {}
};

/// Used after it was closed on this side (or closed while in use).
class closed_error : public error {
 public:
  explicit closed_error(const std::string& text) : error(STRUCTIO_ECLOSED, text) {}
};

/// The other side, or the owner, is gone.
class broken_error : public error {
 public:
  explicit broken_error(const std::string& text) : error(STRUCTIO_EBROKEN, text) {}
};

/// Another task is already doing this on the same object.
class busy_error : public error {
 public:
  explicit busy_error(const std::string& text) : error(STRUCTIO_EBUSY, text) {}
};

/// A form that must not wait would have had to.
class would_block : public error {
 public:
  explicit would_block(const std::string& text) : error(STRUCTIO_EWOULDBLOCK, text) {}
};

/// Every sender is closed and the buffer is drained.
class end_of_channel : public error {
 public:
  explicit end_of_channel(const std::string& text) : error(STRUCTIO_EEND, text) {}
};

/// The run that was to be reached has ended.
class run_finished : public error {
 public:
  explicit run_finished(const std::string& text) : error(STRUCTIO_ERUNFINISHED, text) {}
};

/// No value is set: a local variable without a default.
class absent_error : public error {
 public:
  explicit absent_error(const std::string& text) : error(STRUCTIO_EABSENT, text) {}
};

/// No task can ever be woken again; the text has the tree of who waits for what.
class deadlock : public error {
 public:
  explicit deadlock(const std::string& text) : error(STRUCTIO_EDEADLOCK, text) {}
};

/// The runtime, a system task or a portal callback failed; or more errors met where only one can
/// be told (unwrap_single).
class internal_error : public error {
 public:
  explicit internal_error(const std::string& text, failure cause = {})
      : error(STRUCTIO_EINTERNAL, text, std::move(cause)) {}
};

/// A failure of another language (or of another C++ runtime): it can be told and passed on, not
/// read. Passed on, it is the same failure again.
class foreign_error : public error {
 public:
  explicit foreign_error(failure why) : error(why.code(), why.message()), why_(std::move(why)) {}
  const failure& why() const noexcept { return why_; }

 private:
  friend struct detail::error_access;
  failure why_;
};

/// The task that a handle was asked for was cancelled; the caller was not.
class task_cancelled : public error {
 public:
  explicit task_cancelled(failure why)
      : error(STRUCTIO_ECANCELLED, why ? why.message() : "the task was cancelled"),
        why_(std::move(why)) {}
  cancel_info reason() const { return why_.reason(); }

 private:
  failure why_;
};

}  // namespace v0
}  // namespace structio

#include <structio/detail/status.hpp>
