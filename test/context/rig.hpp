// What the white-box tests of lib/context share: a machine with a pool, and fibers that run a
// std::function and come back to the hub. No runtime, no tasks.
#pragma once

#include <cxxabi.h>

#include <cstdio>
#include <functional>

#include "context/fiber.hpp"
#include "context/stack_pool.hpp"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

inline void* users_exception_globals() {
  return abi::__cxa_get_globals();
}

class rig {
 public:
  explicit rig(structio::ctx::stack_pool_options options = {}) : pool(options) {
    m.open();
    m.exceptions.add(users_exception_globals);
  }
  ~rig() { m.close(); }

  /// A fiber that has not run yet. Its body loops: see `again`.
  structio::ctx::stack& spawn(std::function<void()> work, std::size_t size = 0) {
    structio::ctx::stack* s = nullptr;
    if (pool.acquire(size, s) != 0) std::abort();
    s->user = new job{this, std::move(work), false};
    structio::ctx::prepare(m, s->fib, *s, s->top(), run);
    return *s;
  }

  /// Gives the loop of a fiber that has finished its work something else to do.
  void again(structio::ctx::stack& s, std::function<void()> work) {
    *static_cast<job*>(s.user) = job{this, std::move(work), false};
  }

  void resume(structio::ctx::stack& s) { structio::ctx::switch_to(m, s.fib); }
  void yield() { structio::ctx::switch_to(m, m.hub); }

  bool finished(const structio::ctx::stack& s) const { return static_cast<job*>(s.user)->finished; }

  void end(structio::ctx::stack& s) {
    delete static_cast<job*>(s.user);
    s.user = nullptr;
    pool.release(s);
  }

  structio::ctx::machine m;
  structio::ctx::stack_pool pool;

 private:
  struct job {
    rig* owner;
    std::function<void()> work;
    bool finished;
  };

  static void run(structio::ctx::machine& m, structio::ctx::fiber& self) noexcept {
    for (;;) {
      auto& todo = *static_cast<job*>(self.home->user);
      todo.work();
      todo.finished = true;
      structio::ctx::switch_to(m, m.hub);
    }
  }
};

/// Whether an address lies on this stack.
inline bool lies_on(const structio::ctx::stack& s, const void* address) {
  const auto* at = static_cast<const std::byte*>(address);
  return at >= s.base && at < s.base + s.size;
}

inline int count_mappings() {
  std::FILE* maps = std::fopen("/proc/self/maps", "re");
  if (!maps) return -1;
  int lines = 0;
  for (int c; (c = std::fgetc(maps)) != EOF;) lines += c == '\n';
  std::fclose(maps);
  return lines;
}
