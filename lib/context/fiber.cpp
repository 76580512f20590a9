// Making fibers and switching between them: the only file that names fcontext. A switch costs
// little more than the bare jump; whatever is not needed at every switch stays out of switch_to.
//
// Always true: the data that travels with a jump is either the machine (a switch) or a tagged probe
// call; only a fiber that is `listening` is ever sent the latter by a plain jump.
#include "context/fiber.hpp"

#include <boost/context/detail/fcontext.hpp>
#include <cstdint>
#include <cstdlib>

#include "base/assert.hpp"
#include "context/sanitizer.hpp"
#include "context/stack_pool.hpp"

// Frame pointer zero and return address undefined: backtrace, gdb and profilers stop at the root.
// Written in assembly because a compiled function has already saved the frame pointer it was given.
#if defined(__ELF__) && defined(__x86_64__) && !defined(__ILP32__)
#define STRUCTIO_ROOT_IN_ASSEMBLY 1
asm(R"(
  .text
  .p2align 4
  .globl structio_fiber_root
  .hidden structio_fiber_root
  .type structio_fiber_root, @function
structio_fiber_root:
  .cfi_startproc
  .cfi_undefined rip
  xorl %ebp, %ebp
  subq $8, %rsp
  call structio_fiber_main
  ud2
  .cfi_endproc
  .size structio_fiber_root, .-structio_fiber_root
  .previous
)");
#elif defined(__ELF__) && defined(__aarch64__)
#define STRUCTIO_ROOT_IN_ASSEMBLY 1
asm(R"(
  .text
  .p2align 4
  .globl structio_fiber_root
  .hidden structio_fiber_root
  .type structio_fiber_root, %function
structio_fiber_root:
  .cfi_startproc
  .cfi_undefined x30
  mov x29, xzr
  mov x30, xzr
  bl structio_fiber_main
  brk #1
  .cfi_endproc
  .size structio_fiber_root, .-structio_fiber_root
  .previous
)");
#else
#define STRUCTIO_ROOT_IN_ASSEMBLY 0
#endif

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
namespace {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::ontop_fcontext;
using boost::context::detail::transfer_t;

struct probe_call {
  machine* m;
  fiber* target;
  void (*fn)(void*);
  void* arg;
};

constexpr std::uintptr_t probe_tag = 1;

void* tagged(probe_call& call) noexcept {
  return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(&call) | probe_tag);
}

bool is_probe(const void* data) noexcept {
  return (reinterpret_cast<std::uintptr_t>(data) & probe_tag) != 0;
}

STRUCTIO_SWITCH_INLINE sanitizer::bounds bounds_of(const machine& m, const fiber& f) noexcept {
  if (!f.home) return {m.hub_stack_bottom, m.hub_stack_size};
  const auto* end = reinterpret_cast<const std::byte*>(f.home);
  return {f.home->base, static_cast<std::size_t>(end - f.home->base)};
}

/// Jumps, and returns the context of whoever jumped back.
STRUCTIO_SWITCH_INLINE void* jump(void* to, void* data) noexcept {
#if STRUCTIO_JUMP_BALANCED
  void* from;
  // The caller must not be a leaf function, whose locals could lie below the stack pointer.
  asm volatile(
      "leaq 1f(%%rip), %%rax\n\t"
      "pushq %%rax\n\t"
      "jmp jump_fcontext@PLT\n"
      "1:"
      : "=a"(from), "+D"(to), "+S"(data)
      :
      : "rcx", "rdx", "r8", "r9", "r10", "r11", "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3",
        "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
        "xmm15"
#ifdef __AVX512F__
        ,
        "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6",
        "k7"
#endif
  );
  return from;
#else
  return jump_fcontext(to, data).fctx;
#endif
}

/// What every context does first when it is switched to, already on its own stack.
STRUCTIO_SWITCH_INLINE void arrive(machine& m, fiber& self, void* came_from) noexcept {
  fiber& left = *m.left;
  left.sp = came_from;
  [[maybe_unused]] const sanitizer::bounds old = sanitizer::arrived(self);
  if (sanitizer::enabled && &left == &m.hub) {
    m.hub_stack_bottom = old.bottom;
    m.hub_stack_size = old.size;
  }
  m.switching = false;
}

STRUCTIO_SWITCH_INLINE void run_deferred(fiber& left) noexcept {
  if (auto* action = left.deferred) [[unlikely]] {
    left.deferred = nullptr;
    action(left.deferred_arg);
  }
}

/// Runs probe calls until somebody really switches to this fiber.
STRUCTIO_UNINSTRUMENTED transfer_t serve_probes(transfer_t t) noexcept {
  while (is_probe(t.data)) {
    const auto& call =
        *reinterpret_cast<probe_call*>(reinterpret_cast<std::uintptr_t>(t.data) - probe_tag);
    machine& m = *call.m;
    fiber& self = *call.target;
    arrive(m, self, t.fctx);
    fiber& back = *m.left;  // as long as it says so: the function may look at other fibers itself
    call.fn(call.arg);
    self.listening = true;
    m.switching = true;
    m.left = &self;
    m.current = &back;
    sanitizer::leaving(self, back, bounds_of(m, back));
    t = jump_fcontext(back.sp, nullptr);
  }
  return t;
}

}  // namespace

extern "C" {
#if STRUCTIO_ROOT_IN_ASSEMBLY
[[gnu::visibility("hidden")]] void structio_fiber_root();  // Passes a transfer_t on to main.
#endif

[[noreturn, gnu::used, gnu::visibility("hidden")]] STRUCTIO_UNINSTRUMENTED void structio_fiber_main(
    transfer_t t) {
  t = serve_probes(t);
  machine& m = *static_cast<machine*>(t.data);
  fiber& self = *m.current;
  self.listening = false;
  arrive(m, self, t.fctx);
  clear_exceptions(m.exceptions);
  run_deferred(*m.left);
  self.body(m, self);
  std::abort();  // A body never returns.
}
}

void machine::open() noexcept {
  current = &hub;
  left = &hub;
  sanitizer::adopt_thread(hub);
}

void machine::close() noexcept {
  STRUCTIO_ASSERT(current == &hub);
  current = nullptr;
}

void prepare(fiber& f, stack& home, void* top, fiber_body body) noexcept {
  auto* end = static_cast<std::byte*>(top);
  STRUCTIO_ASSERT(end > home.base && end <= static_cast<std::byte*>(home.top()));
  const auto size = static_cast<std::size_t>(end - home.base);
  sanitizer::drop_frames(f, {home.base, size});
  sanitizer::born(f, home.base, size);
  f.home = &home;
  f.body = body;
  f.listening = true;
  f.deferred = nullptr;
#if STRUCTIO_ROOT_IN_ASSEMBLY
  f.sp = make_fcontext(top, size, reinterpret_cast<void (*)(transfer_t)>(structio_fiber_root));
#else
  f.sp = make_fcontext(top, size, structio_fiber_main);
#endif
}

[[gnu::noinline]] STRUCTIO_UNINSTRUMENTED void switch_to(machine& m, fiber& to) noexcept {
  fiber& self = *m.current;
  STRUCTIO_ASSERT(&to != &self);
  const saved_exceptions kept(m.exceptions);
  m.switching = true;
  m.left = &self;
  m.current = &to;
  sanitizer::leaving(self, to, bounds_of(m, to));
  void* const came_from = jump(to.sp, &m);
  arrive(m, self, came_from);
  kept.restore(m.exceptions);
  run_deferred(*m.left);
  asm volatile("");  // Keeps the call above from being the last, so that this is no leaf: see jump.
}

namespace {

STRUCTIO_UNINSTRUMENTED transfer_t on_top(transfer_t t) noexcept {
  fiber& self =
      *reinterpret_cast<probe_call*>(reinterpret_cast<std::uintptr_t>(t.data) - probe_tag)->target;
  t = serve_probes(t);
  self.listening = false;
  return t;
}

}  // namespace

[[gnu::noinline]] STRUCTIO_UNINSTRUMENTED void run_on_top(machine& m, fiber& f, void (*fn)(void*),
                                                          void* arg) noexcept {
  fiber& self = *m.current;
  STRUCTIO_ASSERT(&f != &self && f.sp);
  probe_call call{&m, &f, fn, arg};
  m.switching = true;
  m.left = &self;
  m.current = &f;
  sanitizer::leaving(self, f, bounds_of(m, f));
  const transfer_t t =
      f.listening ? jump_fcontext(f.sp, tagged(call)) : ontop_fcontext(f.sp, tagged(call), on_top);
  arrive(m, self, t.fctx);
}

}  // namespace structio::ctx
