// Fibers: making one on a stack and switching between them. Knows nothing of tasks. The scheduler
// calls switch_to; every fiber belongs to the thread whose machine it was made for, for ever.
//
// Always true: exactly one fiber of a machine runs, machine.current; the hub is the thread's own
// stack. A fiber's `sp` is valid whenever it is not running; it is stored by whoever comes next.
#pragma once

#include <cstddef>
#include <cstdint>

#include "context/exception_state.hpp"

namespace structio::ctx {

struct stack;
struct machine;
struct fiber;

/// Runs on the fiber's own stack. Must never return; it loops over tasks and switches away.
using fiber_body = void (*)(machine& m, fiber& self) noexcept;

struct fiber {
  void* sp = nullptr;               ///< saved context while suspended
  machine* owner = nullptr;         ///< the one it was made for
  stack* home = nullptr;            ///< null for the hub
  void* sanitizer_stack = nullptr;  ///< ASan's fake stack while suspended
  void* sanitizer_fiber = nullptr;  ///< TSan's handle, made once per stack
  fiber_body body = nullptr;        ///< what it runs when it is switched to for the first time
  bool listening = false;  ///< whoever waits at `sp` takes probes: unborn, or on top of a probe
};

/// One per runtime thread.
struct machine {
  fiber* current = nullptr;
  fiber* left = nullptr;  ///< the one before current: for who looks on while a switch is under way
  fiber hub;
  exception_slots exceptions;
  const void* hub_stack_bottom = nullptr;  ///< bounds of the thread's own stack, for ASan
  std::size_t hub_stack_size = 0;

  void open() noexcept;   ///< on the thread's own stack, before any switch
  void close() noexcept;  ///< on the thread's own stack, after the last one
};

/// Makes `f` ready to be switched to: its first frame begins below `top`, which lies within
/// `home` and need not be aligned. May be called again on a fiber that is suspended for good.
void prepare(machine& m, fiber& f, stack& home, void* top, fiber_body body) noexcept;

/// Leaves the current fiber and resumes `to`. Returns when somebody switches back. Swaps the
/// exception state, tells the sanitizers.
void switch_to(machine& m, fiber& to) noexcept;

/// Runs `fn(arg)` on the stack of a suspended fiber, above its frames, and comes back: the way to
/// walk a suspended task's stack with the plain unwinder. `fn` must not switch. `f` stays
/// suspended. Doing it again and again does not use more and more of the stack of `f`.
void run_on_top(machine& m, fiber& f, void (*fn)(void*), void* arg) noexcept;

/// The function whose frame lies between `fn` and those of `f`, for who walks the stack from `fn`.
void* probes_end() noexcept;

}  // namespace structio::ctx
