// What a block hands back that may be cut off by cancellation. Used by scope.hpp and nursery.hpp.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {
namespace detail {

/// A body may take the block's object, or nothing.
template <class Body, class Block>
struct body_result {
  using type = std::invoke_result_t<Body>;
};
template <class Body, class Block>
requires std::is_invocable_v<Body, Block&>
struct body_result<Body, Block> {
  using type = std::invoke_result_t<Body, Block&>;
};
template <class Body, class Block>
using body_result_t = typename body_result<Body, Block>::type;

template <class Body, class Block>
concept body_for = std::is_invocable_v<Body, Block&> || std::is_invocable_v<Body>;

/// bool for a body without a value (true: it ran to its end), std::optional<T> for one with.
template <class T>
using outcome = std::conditional_t<std::is_void_v<T>, bool, std::optional<std::decay_t<T>>>;

template <class Body, class Block>
decltype(auto) call_body(Body&& body, Block& block) {
  if constexpr (std::is_invocable_v<Body, Block&>) {
    return std::invoke(std::forward<Body>(body), block);
  } else {
    return std::invoke(std::forward<Body>(body));
  }
}

/// Runs the body into `result` and returns what it threw, if anything.
template <class T, class Body, class Block>
std::exception_ptr capture(outcome<T>& result, Body&& body, Block& block) noexcept {
  try {
    if constexpr (std::is_void_v<T>) {
      call_body(std::forward<Body>(body), block);
      result = true;
    } else {
      result.emplace(call_body(std::forward<Body>(body), block));
    }
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace structio
