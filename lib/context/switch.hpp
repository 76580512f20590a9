// The switch itself, for inlining where tasks leave: every nanosecond of it is paid at each wait.
// Code that switches now and then calls switch_to of fiber.hpp, which is the same out of line.
//
// Always true: the data that travels with a jump is either the fiber that is left (a switch) or a
// tagged probe call (see fiber.cpp); who waits in `jump` is only ever sent the former.
#pragma once

#include <boost/context/detail/fcontext.hpp>

#include "base/assert.hpp"
#include "context/fiber.hpp"
#include "context/sanitizer.hpp"
#include "context/stack_pool.hpp"

// A switch leaves jump_fcontext by an indirect jump, never by a return. Entered by a call, it would
// leave the processor's stack of predicted returns one entry out of step, and each return that
// follows, through every caller, would be mispredicted: a whole multiple of the price of the jump.
// So we push the address and jump. With shadow stacks the call is needed, sanitizers prefer it.
#if defined(__ELF__) && defined(__x86_64__) && !defined(__ILP32__) && !STRUCTIO_FIBERS_ASAN && \
    !STRUCTIO_FIBERS_TSAN && !(defined(__CET__) && (__CET__ & 2))
#define STRUCTIO_JUMP_BALANCED 1
#else
#define STRUCTIO_JUMP_BALANCED 0
#endif

namespace structio::ctx {

STRUCTIO_SWITCH_INLINE sanitizer::bounds bounds_of(const machine& m, const fiber& f) noexcept {
  if (!f.home) return {m.hub_stack_bottom, m.hub_stack_size};
  const auto* end = reinterpret_cast<const std::byte*>(f.home);
  return {f.home->base, static_cast<std::size_t>(end - f.home->base)};
}

/// Jumps, and returns the context of whoever jumped back, with the data that he sent.
STRUCTIO_SWITCH_INLINE boost::context::detail::transfer_t jump(void* to, void* data) noexcept {
#if STRUCTIO_JUMP_BALANCED
  boost::context::detail::transfer_t from;
  // The caller must not be a leaf function, whose locals could lie below the stack pointer.
  asm volatile(
      "leaq 1f(%%rip), %%rax\n\t"
      "pushq %%rax\n\t"
      "jmp jump_fcontext@PLT\n"
      "1:"
      : "=a"(from.fctx), "=d"(from.data), "+D"(to), "+S"(data)
      :
      : "rcx", "r8", "r9", "r10", "r11", "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
        "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#ifdef __AVX512F__
        ,
        "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6",
        "k7"
#endif
  );
  return from;
#else
  return boost::context::detail::jump_fcontext(to, data);
#endif
}

/// What every context does first when it is switched to, already on its own stack. That `left` came
/// in a register matters: looked up in memory, by way of the stack that has just been reached, it
/// would make each switch wait for the loads of the one before.
STRUCTIO_SWITCH_INLINE void arrive(machine& m, fiber& left, fiber& self, void* came_from) noexcept {
  left.sp = came_from;
  [[maybe_unused]] const sanitizer::bounds old = sanitizer::arrived(self);
  if (sanitizer::enabled && &left == &m.hub) {
    m.hub_stack_bottom = old.bottom;
    m.hub_stack_size = old.size;
  }
}

STRUCTIO_SWITCH_INLINE void leave_for(machine& m, fiber& to) noexcept {
  fiber& self = *m.current;
  STRUCTIO_ASSERT(&to != &self);
  m.left = &self;
  m.current = &to;
  sanitizer::leaving(self, to, bounds_of(m, to));
  const boost::context::detail::transfer_t t = jump(to.sp, &self);
  arrive(m, *static_cast<fiber*>(t.data), self, t.fctx);
}

/// A switch in a program with several C++ runtimes.
void switch_with_runtimes(machine& m, fiber& to) noexcept;

/// See switch_to. One C++ runtime is the rule, and costs two moves.
STRUCTIO_SWITCH_INLINE void switch_inline(machine& m, fiber& to) noexcept {
  const exception_slots& slots = m.exceptions;
  if (slots.count > 1) [[unlikely]]
    return switch_with_runtimes(m, to);
  const eh_globals kept = *slots.at[0];
  leave_for(m, to);
  *slots.at[0] = kept;
  if (slots.count > 1) [[unlikely]]
    clear_exceptions(slots, 1);  // registered while the fiber was away
  asm volatile("");  // Keeps the call in there from being the last, so that nothing that this is
                     // inlined into is a leaf: see jump.
}

/// The same for any function: one that is instrumented must not have it inlined.
[[gnu::always_inline]] inline void switch_here(machine& m, fiber& to) noexcept {
  if constexpr (sanitizer::enabled) {
    switch_to(m, to);
  } else {
    switch_inline(m, to);
  }
}

}  // namespace structio::ctx
