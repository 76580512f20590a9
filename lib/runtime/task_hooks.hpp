// What the host of a run wants to know of each switch: called when a task begins to run and when it
// stops, on that task's stack. A run without hooks pays one branch.
#pragma once

#include "runtime/runtime.hpp"

namespace structio::rt {

/// The task runs from here on. Between the tasks nothing is entered: the hub and its callbacks.
inline void tell_enter(runtime& rt, const task& t) noexcept {
  if (!rt.hooks->enter) return;
  const confinement here(&rt, confined::waiting);
  rt.hooks->enter(t.id(), rt.hooks->arg);
}

inline void tell_leave(runtime& rt, const task& t, bool ended) noexcept {
  if (!rt.hooks->leave) return;
  const confinement here(&rt, ended ? confined::task : confined::waiting);
  rt.hooks->leave(t.id(), ended ? 1 : 0, rt.hooks->arg);
}

}  // namespace structio::rt
