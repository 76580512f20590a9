// Making fibers, and what is not a switch between two of them: births and probes.
//
// Always true: the data that travels with a jump is either the fiber that is left (a switch) or a
// tagged probe call; only a fiber that is `listening` is ever sent the latter by a plain jump.
#include "context/fiber.hpp"

#include <cstdint>
#include <cstdlib>

#include "base/assert.hpp"
#include "context/sanitizer.hpp"
#include "context/stack_pool.hpp"
#include "context/switch.hpp"

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

namespace structio::ctx {
namespace {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::ontop_fcontext;
using boost::context::detail::transfer_t;

struct probe_call {
  fiber* from;
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

/// Runs probe calls until somebody really switches to this fiber.
STRUCTIO_UNINSTRUMENTED transfer_t serve_probes(transfer_t t) noexcept {
  while (is_probe(t.data)) {
    const auto& call =
        *reinterpret_cast<probe_call*>(reinterpret_cast<std::uintptr_t>(t.data) - probe_tag);
    fiber& self = *call.target;
    fiber& back = *call.from;
    machine& m = *self.owner;
    arrive(m, back, self, t.fctx);
    call.fn(call.arg);
    self.listening = true;
    m.left = &self;
    m.current = &back;
    sanitizer::leaving(self, back, bounds_of(m, back));
    t = jump_fcontext(back.sp, &self);
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
  fiber& left = *static_cast<fiber*>(t.data);
  machine& m = *left.owner;
  fiber& self = *m.current;
  self.listening = false;
  arrive(m, left, self, t.fctx);
  clear_exceptions(m.exceptions);
  self.body(m, self);
  std::abort();  // A body never returns.
}
}

void machine::open() noexcept {
  current = &hub;
  left = &hub;
  hub.owner = this;
  sanitizer::adopt_thread(hub);
}

void machine::close() noexcept {
  STRUCTIO_ASSERT(current == &hub);
  current = nullptr;
}

void prepare(machine& m, fiber& f, stack& home, void* top, fiber_body body) noexcept {
  auto* end = static_cast<std::byte*>(top);
  STRUCTIO_ASSERT(end > home.base && end <= static_cast<std::byte*>(home.top()));
  const auto size = static_cast<std::size_t>(end - home.base);
  sanitizer::drop_frames(f, {home.base, size});
  sanitizer::born(f, home.base, size);
  f.owner = &m;
  f.home = &home;
  f.body = body;
  f.listening = true;
#if STRUCTIO_ROOT_IN_ASSEMBLY
  f.sp = make_fcontext(top, size, reinterpret_cast<void (*)(transfer_t)>(structio_fiber_root));
#else
  f.sp = make_fcontext(top, size, structio_fiber_main);
#endif
}

[[gnu::noinline]] STRUCTIO_UNINSTRUMENTED void switch_to(machine& m, fiber& to) noexcept {
  switch_inline(m, to);
}

[[gnu::noinline]] STRUCTIO_UNINSTRUMENTED void switch_with_runtimes(machine& m,
                                                                    fiber& to) noexcept {
  const saved_exceptions kept(m.exceptions);
  leave_for(m, to);
  kept.restore(m.exceptions);
  asm volatile("");  // as in switch_inline
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

void* probes_end() noexcept {
  return reinterpret_cast<void*>(&on_top);
}

[[gnu::noinline]] STRUCTIO_UNINSTRUMENTED void run_on_top(machine& m, fiber& f, void (*fn)(void*),
                                                          void* arg) noexcept {
  fiber& self = *m.current;
  STRUCTIO_ASSERT(&f != &self && f.sp);
  probe_call call{&self, &f, fn, arg};
  m.left = &self;
  m.current = &f;
  sanitizer::leaving(self, f, bounds_of(m, f));
  const transfer_t t =
      f.listening ? jump_fcontext(f.sp, tagged(call)) : ontop_fcontext(f.sp, tagged(call), on_top);
  arrive(m, f, self, t.fctx);
}

}  // namespace structio::ctx
