// Drop functions of the user's: they run within whatever call lets go of the value last.
#pragma once

#include "runtime/runtime.hpp"
#include "runtime/task.hpp"

namespace structio::rt {

/// Drops a value. The function may look, set and unlock, but not wait nor open a block: nobody
/// would close it. In a task that has told its end it is no task's any more.
inline void call_drop(void (*drop)(void*), void* value) noexcept {
  runtime* rt = current_runtime();
  const bool ended = rt && rt->current && rt->current->wait.state == wait_state::ended;
  const confinement here(rt, ended ? confined::task : confined::waiting);
  drop(value);
}

}  // namespace structio::rt
