// A callable that another thread runs while this one waits, and its value. Used by thread.hpp and
// portal.hpp.
#pragma once

#include <structio/detail/outcome.hpp>
#include <structio/detail/trampoline.hpp>

#include <functional>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {
namespace detail {

/// Calls `fn` and keeps what it returns.
template <class Value, class Fn>
void call_into_outcome(outcome<Value>& result, Fn&& fn) {
  if constexpr (std::is_void_v<Value>) {
    std::invoke(std::forward<Fn>(fn));
    result = true;
  } else {
    result.emplace(std::invoke(std::forward<Fn>(fn)));
  }
}

/// Lives in the frame of who waits.
template <class Fn>
struct call_frame {
  using value_type = std::decay_t<std::invoke_result_t<Fn>>;

  std::remove_reference_t<Fn>* fn;
  outcome<value_type> result{};

  static int entry(void* arg) noexcept {
    auto& frame = *static_cast<call_frame*>(arg);
    return enter([&] { call_into_outcome<value_type>(frame.result, std::forward<Fn>(*frame.fn)); });
  }

  value_type value() && {
    if constexpr (!std::is_void_v<value_type>) return *std::move(result);
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace structio
