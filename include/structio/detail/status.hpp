// Status codes to exceptions, and the one door through which the face makes blocking calls.
// Included by error.hpp; used by every other header of the face.
// Always true: no call is made twice. Who may not be cancelled is shielded before it is made, since
// a call that was cancelled may have had an effect: a part of a message, time that has passed.
#pragma once

#include <structio/detail/unwinding.hpp>
#include <structio/error.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace structio {
inline namespace v0 {
namespace detail {

/// Makes the exceptions that nobody else can.
struct error_access {
  static cancelled make_cancelled(failure why) noexcept { return cancelled(std::move(why)); }
  static interrupted make_interrupted(failure why, failure cause = {}) noexcept {
    return interrupted(std::move(why), std::move(cause));
  }

  /// The exception that is being handled carries `noted` from now on, if it carries a failure.
  static void carry_instead(structio_failure* noted) noexcept;  // in exceptions.hpp
};

/// A text for C, which would end it at its first character 0: the rest must not be lost silently.
inline const std::string& without_zeros(const std::string& text,
                                        const char* what = "an argument of a program") {
  if (text.find('\0') == std::string::npos) return text;
  throw std::invalid_argument(std::string(what) + " cannot have a character 0 in it");
}

/// Throws what `code` stands for, with `text`. Takes the failure behind it along where the
/// exception has a place for one.
[[noreturn]] inline void throw_code(int code, const std::string& text, failure why = {}) {
  switch (code) {
    case STRUCTIO_ECANCELLED: throw error_access::make_cancelled(std::move(why));
    case STRUCTIO_EINTERRUPTED: throw error_access::make_interrupted(std::move(why));
    case STRUCTIO_EINVALID: throw std::invalid_argument(text);
    case STRUCTIO_EMISUSE:
    case STRUCTIO_ENOTASK:
    case STRUCTIO_ESTALE:
    case STRUCTIO_EVERSION: throw usage_error(code, text);
    case STRUCTIO_ENOMEM: throw std::bad_alloc();
    case STRUCTIO_ETOOSLOW: throw too_slow(text);
    case STRUCTIO_ECLOSED: throw closed_error(text);
    case STRUCTIO_EBROKEN: throw broken_error(text);
    case STRUCTIO_EBUSY: throw busy_error(text);
    case STRUCTIO_EWOULDBLOCK: throw would_block(text);
    case STRUCTIO_EEND: throw end_of_channel(text);
    case STRUCTIO_ERUNFINISHED: throw run_finished(text);
    case STRUCTIO_EABSENT: throw absent_error(text);
    case STRUCTIO_EDEADLOCK: throw deadlock(text);
    case STRUCTIO_EINTERNAL: throw internal_error(text, why[0]);
    default: throw error(code, text, why[0]);
  }
}

/// Throws for the call that has just failed on this thread.
[[noreturn]] inline void throw_status(int code) {
  if (code == STRUCTIO_ECANCELLED) {
    structio_failure* why = nullptr;
    if (structio_failure_new_cancelled(&why) < 0) why = nullptr;
    throw error_access::make_cancelled(failure(why));
  }
  const char* detail = structio_last_message();
  throw_code(code, detail[0] != '\0' ? detail : structio_strerror(code));
}

/// For calls that do not wait.
template <class Status>
Status check(Status status) {
  if (status < 0) [[unlikely]]
    throw_status(static_cast<int>(status));
  return status;
}

/// Makes a blocking call, once, and throws when it fails. While an exception unwinds, outside of
/// any scope or nursery that was entered since, the call is made behind a shield: a destructor that
/// blocks is not cancelled. Give such code a limit with shielded().
template <class Call>
auto blocking(Call&& call) {
  const auto status = uncancelled_in_cleanup(std::forward<Call>(call));
  if (status < 0) [[unlikely]]
    throw_status(static_cast<int>(status));
  return status;
}

}  // namespace detail
}  // namespace v0
}  // namespace structio
