// Calls of the user's functions from within calls of ours, in the current task.
#pragma once

#include "runtime/left_open.hpp"
#include "runtime/runtime.hpp"
#include "runtime/task.hpp"

namespace structio::rt {

/// What fn() returns, which calls a function of the user's and nothing after it. Scopes and
/// nurseries that this has left open are closed behind it, while their storage can still be read,
/// and it has failed then. It cannot leave those of its caller (capi/check.hpp).
template <class Fn>
[[gnu::always_inline]] inline auto call_user(runtime& rt, Fn fn) {
  task& t = *rt.current;
  scope* before = t.innermost;
  const bool at_base = before == t.base;  // which is another one once the task has said "started"
  const bool was_pinned = before->pinned;
  if (!at_base) before->pinned = true;
  auto result = fn();
  if (at_base) {
    before = t.base;
  } else {
    before->pinned = was_pinned;
  }
  if (t.innermost != before) [[unlikely]] {
    result = close_sheltered(t, before, result < 0 ? static_cast<int>(result) : 0);
  }
  return result;
}

}  // namespace structio::rt
