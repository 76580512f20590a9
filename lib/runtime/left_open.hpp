// What becomes of scopes and nurseries that a user's function left open: their storage lies in
// frames that are gone, and stays readable only as long as nothing is called above it. Used by
// whoever calls such a function inside a task: the task's body, and calls from threads.
//
//     status = fn(arg);
//     if (t.innermost != before) [[unlikely]] status = close_sheltered(t, before, status);
#pragma once

#include <alloca.h>

#include <cstddef>
#include <cstdint>

#include "context/sanitizer.hpp"
#include "runtime/cancel.hpp"
#include "runtime/nursery.hpp"
#include "runtime/task.hpp"

namespace structio::rt {

// How far below `here` an address of the task's stack lies; 0 for one that lies elsewhere.
[[gnu::always_inline]] inline std::size_t depth_of(const task& t, const void* place,
                                                   std::uintptr_t here) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(place);
  // As task::stack, which is a call where nothing is optimised.
  const auto* stack =
      reinterpret_cast<const ctx::stack*>(reinterpret_cast<const std::byte*>(&t) + task_space);
  return at >= reinterpret_cast<std::uintptr_t>(stack->base) && at < here ? here - at : 0;
}

// How far below `here` the storage of open blocks reaches. Inlined, since a call would be the first
// to write over it. `innermost`: the innermost alone, which can be told without reading it.
[[gnu::always_inline]] inline std::size_t depth_of_open(const task& t, const scope* limit,
                                                        std::uintptr_t here,
                                                        bool innermost) noexcept {
  std::size_t depth = depth_of(t, t.innermost, here);
  const std::size_t of_nursery = depth_of(t, t.open_nurseries, here);
  if (of_nursery > depth) depth = of_nursery;
  for (const scope* s = t.innermost; !innermost && s != t.base && s != limit; s = s->outer) {
    const std::size_t of_scope =
        depth_of(t, s->children ? static_cast<const void*>(s->children) : s, here);
    if (of_scope > depth) depth = of_scope;
  }
  return depth;
}

/// Closes it as far as can be; the function has failed. Returns what it failed with.
int close_what_is_open(task& t, const scope* limit, int status) noexcept;

/// The same, with what lies inside `limit` kept from being written over meanwhile. In one function
/// with the shelter: some compilers take an inlined function's alloca back at its end.
[[gnu::always_inline]] inline int close_sheltered(task& t, const scope* limit,
                                                  int status) noexcept {
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const std::size_t first = depth_of_open(t, limit, here, true) + 256;
  void* volatile shelter = alloca(first);
  ctx::sanitizer::make_readable(shelter, first);
  const std::size_t all = depth_of_open(t, limit, here, false) + 256;
  if (all > first) {
    shelter = alloca(all - first);
    ctx::sanitizer::make_readable(shelter, all - first);
  }
  return close_what_is_open(t, limit, status);
}

}  // namespace structio::rt
