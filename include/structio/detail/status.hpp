// Status codes to exceptions, and the one door through which the face makes blocking calls.
// Included by error.hpp; used by every other header of the face.
// Always true: a call that reported "cancelled" did nothing, which is why blocking() may make the
// same call again under a shield.
#pragma once

#include <structio/error.hpp>

#include <cstdint>
#include <exception>
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
};

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
    default: throw error(code, text);
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

/// Names the task-local that says from how many exceptions in flight on a cancellation can no
/// longer be thrown. Absent: one is too many.
inline const char unwind_floor_key = 0;

/// Blocks that catch set this floor while they run, when they run inside a destructor during
/// unwinding: what is thrown within them does not leave the destructor.
class unwind_floor {
 public:
  unwind_floor() noexcept {
    const int in_flight = std::uncaught_exceptions();
    if (in_flight == 0) [[likely]]
      return;
    auto* value = reinterpret_cast<void*>(static_cast<std::intptr_t>(in_flight));
    set_ = structio_local_set(&unwind_floor_key, value, nullptr, &token_) >= 0;
  }
  ~unwind_floor() {
    if (set_) structio_local_reset(&unwind_floor_key, &token_);
  }
  unwind_floor(const unwind_floor&) = delete;
  unwind_floor& operator=(const unwind_floor&) = delete;

 private:
  bool set_ = false;
  structio_local_token token_;
};

/// True when an exception thrown now would meet another on its way out of a destructor, which
/// ends the program.
inline bool must_not_throw() noexcept {
  const int in_flight = std::uncaught_exceptions();
  if (in_flight == 0) [[likely]]
    return false;
  void* floor = nullptr;
  if (structio_local_get(&unwind_floor_key, &floor) < 0) return true;
  return in_flight > static_cast<int>(reinterpret_cast<std::intptr_t>(floor));
}

/// Makes a blocking call and throws when it fails. While an exception unwinds, outside of any scope
/// or nursery that was entered since, a call that is cancelled is made again under a shield
/// instead: a destructor that blocks is not cancelled. Give such code a limit with shielded().
template <class Call>
auto blocking(Call&& call) {
  auto status = call();
  if (status >= 0) [[likely]]
    return status;
  if (status == STRUCTIO_ECANCELLED && must_not_throw()) {
    structio_scope scope;
    structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
    options.shield = 1;
    if (structio_scope_init(&scope, &options) >= 0 && structio_scope_enter(&scope) >= 0) {
      status = call();
      structio_failure* none = nullptr;
      structio_scope_leave(&scope, 0, &none);
    }
    if (status >= 0) return status;
  }
  throw_status(static_cast<int>(status));
}

}  // namespace detail
}  // namespace v0
}  // namespace structio
