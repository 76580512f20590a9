// A call that another task must be able to end, whatever it waits in: it runs in a scope of its
// own.
#pragma once

#include <utility>

#include "base/message.hpp"
#include "runtime/failure.hpp"
#include "runtime/user_call.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::stream {

/// Calls fn() in a scope that `place` leads to meanwhile, for end_call. Returns what it returned; 0
/// less what its own scope was cancelled for, which is the only way to come back with `ended`.
template <class Fn>
std::int64_t in_scope(runtime& rt, scope*& place, bool& ended, Fn fn) noexcept {
  task& self = *rt.current;
  scope call;
  ended = false;
  if (scope_enter(rt, self, call) != 0) return base::last_code();
  place = &call;
  const std::int64_t result = call_user(rt, fn);
  place = nullptr;
  failure* f = result < 0 ? std::exchange(self.in_flight, nullptr) : nullptr;
  const int status = scope_leave(call, result < 0 ? static_cast<int>(result) : 0, f);
  if (f) {
    failure_release(self.in_flight);
    self.in_flight = f;
  }
  if (result >= 0) return result;
  ended = status == 0;
  return status;
}

/// Ends the call that is under way there, if there is one. Any fiber of the run.
inline void end_call(scope* place, const task* by, const char* why) noexcept {
  if (place) scope_cancel(*place, cancel_source::explicit_call, by, why);
}

}  // namespace structio::rt::stream
