// What ASan, TSan and Valgrind must be told of fibers. Everything here is empty in a plain build.
// Used by fiber.cpp and the stack pool only.
//
// Always true: between `leaving` and `arrived` no instrumented code runs, so both are always
// inlined into functions that are themselves left uninstrumented.
#pragma once

#include <cstddef>

#include "context/fiber.hpp"

#if __has_include("base/config.hpp")
#include "base/config.hpp"
#endif

#if defined(__SANITIZE_ADDRESS__)
#define STRUCTIO_FIBERS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STRUCTIO_FIBERS_ASAN 1
#endif
#endif
#ifndef STRUCTIO_FIBERS_ASAN
#define STRUCTIO_FIBERS_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define STRUCTIO_FIBERS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STRUCTIO_FIBERS_TSAN 1
#endif
#endif
#ifndef STRUCTIO_FIBERS_TSAN
#define STRUCTIO_FIBERS_TSAN 0
#endif

#if STRUCTIO_FIBERS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if STRUCTIO_FIBERS_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if defined(STRUCTIO_HAVE_VALGRIND) && STRUCTIO_HAVE_VALGRIND
#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>
#endif

#define STRUCTIO_UNINSTRUMENTED __attribute__((no_sanitize("address", "thread")))
// Uninstrumented as well: what is inlined into such a function brings its own marks along, and they
// would stay in the shadow of the frame.
#define STRUCTIO_SWITCH_INLINE STRUCTIO_UNINSTRUMENTED __attribute__((always_inline)) inline

namespace structio::ctx::sanitizer {

inline constexpr bool enabled = STRUCTIO_FIBERS_ASAN || STRUCTIO_FIBERS_TSAN;

struct bounds {
  const void* bottom;
  std::size_t size;
};

/// The last thing before the stack pointer moves to `to`.
STRUCTIO_SWITCH_INLINE void leaving([[maybe_unused]] fiber& self, [[maybe_unused]] fiber& to,
                                    [[maybe_unused]] bounds there) noexcept {
#if STRUCTIO_FIBERS_ASAN
  __sanitizer_start_switch_fiber(&self.sanitizer_stack, there.bottom, there.size);
#endif
#if STRUCTIO_FIBERS_TSAN
  __tsan_switch_to_fiber(to.sanitizer_fiber, 0);
#endif
}

/// The first thing after it; returns the bounds of the stack that was left.
STRUCTIO_SWITCH_INLINE bounds arrived([[maybe_unused]] fiber& self) noexcept {
  bounds from{nullptr, 0};
#if STRUCTIO_FIBERS_ASAN
  __sanitizer_finish_switch_fiber(self.sanitizer_stack, &from.bottom, &from.size);
  self.sanitizer_stack = nullptr;
#endif
  return from;
}

/// The thread's own stack takes part in switching from now on.
inline void adopt_thread([[maybe_unused]] fiber& hub) noexcept {
#if STRUCTIO_FIBERS_TSAN
  hub.sanitizer_fiber = __tsan_get_current_fiber();
#endif
}

/// The frames that `f` may have had are gone; new ones will be made in [bottom, bottom + size).
inline void born([[maybe_unused]] fiber& f, [[maybe_unused]] void* bottom,
                 [[maybe_unused]] std::size_t size) noexcept {
#if STRUCTIO_FIBERS_ASAN
  __asan_unpoison_memory_region(bottom, size);
#endif
#if STRUCTIO_FIBERS_TSAN
  if (!f.sanitizer_fiber) f.sanitizer_fiber = __tsan_create_fiber(0);
#endif
}

/// The frames of a suspended fiber will never run again. ASan's fake stack can only be destroyed by
/// leaving it for good, so we pretend to go there and to come back.
STRUCTIO_UNINSTRUMENTED inline void drop_frames([[maybe_unused]] fiber& f,
                                                [[maybe_unused]] bounds there) noexcept {
#if STRUCTIO_FIBERS_ASAN
  if (!f.sanitizer_stack) return;
  void* mine = nullptr;
  bounds here{nullptr, 0};
  __sanitizer_start_switch_fiber(&mine, there.bottom, there.size);
  __sanitizer_finish_switch_fiber(f.sanitizer_stack, &here.bottom, &here.size);
  __sanitizer_start_switch_fiber(nullptr, here.bottom, here.size);
  __sanitizer_finish_switch_fiber(mine, nullptr, nullptr);
  f.sanitizer_stack = nullptr;
#endif
}

/// The stack below `f` goes back to the system.
inline void forget([[maybe_unused]] fiber& f, [[maybe_unused]] bounds there) noexcept {
  drop_frames(f, there);
#if STRUCTIO_FIBERS_TSAN
  if (f.sanitizer_fiber) __tsan_destroy_fiber(f.sanitizer_fiber);
  f.sanitizer_fiber = nullptr;
#endif
}

/// Memory that held stacks is about to be unmapped or to hold new ones.
inline void unpoison([[maybe_unused]] void* bottom, [[maybe_unused]] std::size_t size) noexcept {
#if STRUCTIO_FIBERS_ASAN
  __asan_unpoison_memory_region(bottom, size);
#endif
}

/// Valgrind takes a jump of the stack pointer between registered ranges for a change of stacks.
inline unsigned register_stack([[maybe_unused]] void* bottom, [[maybe_unused]] void* top) noexcept {
#if defined(STRUCTIO_HAVE_VALGRIND) && STRUCTIO_HAVE_VALGRIND
  return static_cast<unsigned>(VALGRIND_STACK_REGISTER(bottom, top));
#else
  return 0;
#endif
}

inline void unregister_stack([[maybe_unused]] unsigned id) noexcept {
#if defined(STRUCTIO_HAVE_VALGRIND) && STRUCTIO_HAVE_VALGRIND
  VALGRIND_STACK_DEREGISTER(id);
#endif
}

/// Valgrind's tool that tells memory apart; its other tools see the path that everybody runs. The
/// request is memcheck's own: without it, and elsewhere, the answer is 0.
inline bool under_memcheck() noexcept {
#if defined(STRUCTIO_HAVE_VALGRIND) && STRUCTIO_HAVE_VALGRIND
  const unsigned char byte = 0;
  unsigned char bits = 0;
  return VALGRIND_GET_VBITS(&byte, &bits, 1) != 0;
#else
  return false;
#endif
}

/// A tenant may place objects where an earlier one had frames, which Valgrind holds to be gone.
inline void make_usable([[maybe_unused]] void* bottom, [[maybe_unused]] std::size_t size) noexcept {
#if defined(STRUCTIO_HAVE_VALGRIND) && STRUCTIO_HAVE_VALGRIND
  VALGRIND_MAKE_MEM_UNDEFINED(bottom, size);
#endif
}

/// Frames that were left are about to be read on purpose: to Valgrind nothing is there any more.
inline void make_readable([[maybe_unused]] void* bottom,
                          [[maybe_unused]] std::size_t size) noexcept {
#if defined(STRUCTIO_HAVE_VALGRIND) && STRUCTIO_HAVE_VALGRIND
  VALGRIND_MAKE_MEM_DEFINED(bottom, size);
#endif
}

}  // namespace structio::ctx::sanitizer
