// Calls of the user's functions from within calls of ours, in the current task.
#pragma once

#include "runtime/left_open.hpp"
#include "runtime/runtime.hpp"
#include "runtime/task.hpp"

namespace structio::rt {

/// What fn() returns, which is the user's. Scopes and nurseries that it has left open are closed
/// behind it, while their storage can still be read, and it has failed then.
template <class Fn>
[[gnu::always_inline]] inline auto call_user(runtime& rt, Fn fn) {
  task& t = *rt.current;
  const scope* before = t.innermost;
  auto result = fn();
  if (t.innermost != before) [[unlikely]] {
    result = close_sheltered(t, before, result < 0 ? static_cast<int>(result) : 0);
  }
  return result;
}

}  // namespace structio::rt
