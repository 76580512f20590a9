// A step of a task: code that runs as the task's own but on the thread's stack, not on its fiber's,
// so that no frame of it ever stands on a stack that is left.
#pragma once

#include "context/fiber.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt {

/// Runs fn(arg) as a step of the current task, which must not be in one. `fn` must not throw.
inline void run_step(runtime& rt, void (*fn)(void*), void* arg) noexcept {
  STRUCTIO_ASSERT(rt.confined_to == confined::no);
  const confinement here(&rt, confined::stepping);
  ctx::run_on_top(rt.machine, rt.machine.hub, fn, arg);
}

}  // namespace structio::rt
