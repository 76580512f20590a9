// Exceptions to failures and back: what happens to a C++ exception between the task that threw it
// and the nursery that rethrows it. Included by group.hpp.
// Always true: an exception becomes a payload that holds its exception_ptr, so that the very object
// comes out again; what structio made from a failure (cancelled, interrupted, a group, a foreign
// error) becomes that same failure again.
#pragma once

#include <structio/structio_thread.h>
#include <structio/detail/cxx_runtime.hpp>
#include <structio/exception_group.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <typeinfo>

namespace structio {
inline namespace v0 {
namespace detail {

/// Name that every copy of the face gives to its payloads; `runtime` tells whether a copy uses the
/// same C++ runtime and so can read them.
inline constexpr const char* payload_name = "c++ exception";

inline const void* runtime_identity() noexcept {
  return reinterpret_cast<const void*>(&abi::__cxa_get_globals);
}

inline void drop_exception(void* value) {
  delete static_cast<std::exception_ptr*>(value);
}

/// "std::runtime_error: text", of the exception that is being handled.
inline void describe_current(char* text, std::size_t size) noexcept {
  const char* name = "exception";
  char* readable = nullptr;
  if (const std::type_info* type = abi::__cxa_current_exception_type(); type != nullptr) {
    int status = 0;
    readable = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
    name = status == 0 && readable != nullptr ? readable : type->name();
  }
  try {
    throw;
  } catch (const std::exception& caught) {
    std::snprintf(text, size, "%s: %s", name, caught.what());
  } catch (const char* caught) {
    std::snprintf(text, size, "%s: %s", name, caught);
  } catch (const std::string& caught) {
    std::snprintf(text, size, "%s: %s", name, caught.c_str());
  } catch (...) {
    std::snprintf(text, size, "%s", name);
  }
  std::free(readable);
}

inline void describe_exception(const void* value, char* text, std::size_t size) noexcept {
  if (size == 0) return;
  try {
    std::rethrow_exception(*static_cast<const std::exception_ptr*>(value));
  } catch (...) {
    describe_current(text, size);
  }
}

inline const structio_payload_type& exception_payload() noexcept {
  static const structio_payload_type type = {sizeof(structio_payload_type), payload_name,
                                             runtime_identity(), &drop_exception,
                                             &describe_exception};
  return type;
}

/// The exception behind a payload; null when it is not one that this runtime can read.
inline const std::exception_ptr* payload_of(const failure& one) noexcept {
  const structio_payload_type* type = nullptr;
  void* value = one ? structio_failure_payload(one.native(), &type) : nullptr;
  if (value == nullptr || type == nullptr || type->runtime != runtime_identity()) return nullptr;
  if (type->name == nullptr || std::strcmp(type->name, payload_name) != 0) return nullptr;
  return static_cast<const std::exception_ptr*>(value);
}

/// A failure can be in flight here: in a task, or in the job of a worker thread.
inline bool may_fail_here() noexcept {
  return structio_in_task() == 1 || structio_in_thread_job() == 1;
}

/// Takes what is in flight in this task, if `wanted(it)`; what somebody else put there, whose
/// exception is still on its way, stays.
template <class Wanted>
failure take_in_flight(Wanted&& wanted) noexcept {
  if (!may_fail_here()) return {};
  failure held(structio_failure_take());
  if (!held || wanted(std::as_const(held))) return held;
  structio_failure_raise(held.release());
  return {};
}

/// What is in flight in this task, if it stands for `thrown`: it may have "while" lines.
inline failure take_noted(const std::exception_ptr& thrown) noexcept {
  return take_in_flight([&](const failure& noted) {
    const std::exception_ptr* held = payload_of(noted);
    return held != nullptr && *held == thrown;
  });
}

inline failure make_payload(const std::exception_ptr& thrown) {
  auto* value = new std::exception_ptr(thrown);
  structio_failure* made = nullptr;
  if (structio_failure_new_payload(&exception_payload(), value, &made) < 0) {
    delete value;
    throw std::bad_alloc();
  }
  return failure(made);
}

inline failure make_status(int code, const char* message) {
  structio_failure* made = nullptr;
  if (structio_failure_new_status(code, message, &made) < 0) throw std::bad_alloc();
  return failure(made);
}

/// The failure that `thrown` stands for. Throws std::bad_alloc only.
inline failure failure_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const cancelled& caught) {
    return caught.why() ? caught.why() : make_status(STRUCTIO_ECANCELLED, nullptr);
  } catch (const exception_group& caught) {
    if (caught.as_failure()) return caught.as_failure();
  } catch (const interrupted& caught) {
    return caught.why() ? caught.why() : make_status(STRUCTIO_EINTERRUPTED, nullptr);
  } catch (const foreign_error& caught) {
    if (caught.why()) return caught.why();
  } catch (...) {
    // Everything else is kept as it is, below.
  }
  if (failure noted = take_noted(thrown)) return noted;
  return make_payload(thrown);
}

/// Code and failure of the exception that is being handled; memory that has run out is told by the
/// code alone.
struct caught_failure {
  int status = 0;
  failure why;
};

inline caught_failure current_failure() noexcept {
  try {
    failure why = failure_of(std::current_exception());
    const int code = why.code();
    return {code, std::move(why)};
  } catch (...) {
    return {STRUCTIO_ENOMEM, {}};
  }
}

/// Calls `fn`; returns what it threw, or a status of 0.
template <class Fn>
caught_failure failure_thrown_by(Fn&& fn) noexcept {
  try {
    static_cast<void>(std::forward<Fn>(fn)());
    return {};
  } catch (...) {
    return current_failure();
  }
}

/// For task functions: puts what was caught in flight; returns its code.
inline int raise(caught_failure&& caught) noexcept {
  if (!caught.why) return caught.status;
  return structio_failure_raise(caught.why.release());
}

[[noreturn]] inline void throw_failure(const failure& why) {
  switch (why.kind()) {
    case failure_kind::group: throw exception_group(why);
    case failure_kind::cancelled: throw error_access::make_cancelled(why);
    case failure_kind::payload:
      if (const std::exception_ptr* thrown = payload_of(why)) std::rethrow_exception(*thrown);
      throw foreign_error(why);
    case failure_kind::status:
    case failure_kind::none: break;
  }
  throw_code(why.code(), why.message(), why);
}

/// Throws what is in flight in this task when it belongs to `code`, else the code's exception.
[[noreturn]] inline void throw_in_flight(int code) {
  const failure why = take_in_flight([&](const failure& held) { return held.code() == code; });
  if (why) throw_failure(why);
  throw_status(code);
}

inline void error_access::carry_instead(structio_failure* noted) noexcept {
  try {
    throw;
  } catch (cancelled& caught) {
    caught.why_ = failure::share(noted);
  } catch (interrupted& caught) {
    caught.why_ = failure::share(noted);
  } catch (foreign_error& caught) {
    caught.why_ = failure::share(noted);
  } catch (exception_group& caught) {
    caught.group_ = failure::share(noted);
  } catch (...) {
    // Its failure is made of it, and is in flight beside it.
  }
}

inline void note_while(const char* doing) noexcept {
  if (!may_fail_here()) return;
  caught_failure caught = current_failure();
  if (!caught.why) return;
  structio_failure* noted = caught.why.release();
  structio_failure_add_while(&noted, doing);
  error_access::carry_instead(noted);
  structio_failure_raise(noted);
}

using match_function = int(const structio_failure*, void*);

inline std::optional<exception_group> optional_group(structio_failure* owned) noexcept {
  failure half(owned);
  if (!half) return std::nullopt;
  return exception_group(std::move(half));
}

inline split_result split_failure(const failure& group, match_function* match, void* arg,
                                  const std::exception_ptr& thrown) {
  structio_failure* matched = nullptr;
  structio_failure* rest = nullptr;
  failure consumed = group;
  if (structio_failure_split(consumed.native(), match, arg, &matched, &rest) < 0) {
    throw std::bad_alloc();
  }
  consumed.release();
  split_result result{optional_group(matched), optional_group(rest)};
  if (thrown) std::rethrow_exception(thrown);
  return result;
}

[[noreturn]] inline void unwrap_single_failure(const failure& group) {
  failure single;
  failure first_cancelled;
  std::size_t errors = 0;
  for (std::size_t i = 0; i < group.size(); ++i) {
    failure member = group[i];
    if (member.code() == STRUCTIO_EINTERRUPTED) {
      throw error_access::make_interrupted(std::move(member), group);
    }
    if (member.kind() == failure_kind::cancelled) {
      if (!first_cancelled) first_cancelled = std::move(member);
    } else {
      ++errors;
      single = std::move(member);
    }
  }
  if (errors == 1) throw_failure(single);
  if (errors == 0 && first_cancelled) throw_failure(first_cancelled);
  throw internal_error("more than one error where one was expected", group);
}

}  // namespace detail
}  // namespace v0
}  // namespace structio

namespace structio {
inline namespace v0 {

inline std::exception_ptr failure::exception() const {
  if (raw_ == nullptr) return nullptr;
  if (const std::exception_ptr* thrown = detail::payload_of(*this)) return *thrown;
  try {
    detail::throw_failure(*this);
  } catch (...) {
    return std::current_exception();
  }
}

inline exception_group::exception_group(const std::vector<std::exception_ptr>& members) {
  std::vector<failure> owned;
  std::vector<structio_failure*> raw;
  owned.reserve(members.size());
  raw.reserve(members.size());
  for (const auto& member : members) {
    owned.push_back(detail::failure_of(member));
    raw.push_back(owned.back().native());
  }
  structio_failure* made = nullptr;
  detail::check(structio_failure_new_group(raw.data(), raw.size(), &made));
  for (auto& moved : owned) moved.release();
  group_ = failure(made);
}

}  // namespace v0
}  // namespace structio
