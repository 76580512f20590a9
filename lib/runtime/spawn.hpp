// The quick half of a task's begin and end, for inlining: a function without options on a stack
// that waits for it, and one that has nothing to tell its nursery. Whatever needs more goes through
// nursery_spawn and nursery_child_ended.
#pragma once

#include <cstring>
#include <new>

#include "runtime/local.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt {

/// A control block of zeros. Stores are what a spawn spends its time on, so it has few: a line at a
/// time, since for the whole at once compilers take a loop of the processor's that begins slowly.
inline task& task_zero(ctx::stack& s) noexcept {
  task& t = *new (&task_on(s)) task;
  auto* line = reinterpret_cast<std::byte*>(&t);
  static_assert(sizeof(task) % 64 == 0 || sizeof(void*) != 8);
  for (std::size_t left = sizeof(task); left >= 64; left -= 64, line += 64) {
    std::memset(line, 0, 64);
  }
  std::memset(line, 0, sizeof(task) % 64);
  return t;
}

/// Makes the control block at its place on a stack. Function, name and callable are still to come.
inline task& task_place(runtime& rt, ctx::stack& s, scope& base) noexcept {
  task& t = task_zero(s);
  t.rt = &rt;
  t.innermost = t.base = &base;
  t.turn_ends = rt.sched.budget();
  t.locals = local_retain(rt.current ? rt.current->locals : rt.first_locals);
  ++rt.spawned;
  return t;
}

/// Puts a task that has just been made into the nursery and makes it ready.
inline void nursery_adopt(nursery& n, task& t) noexcept {
  t.home = &n;
  n.children.push_back(t);
  ++n.count;
  n.rt->sched.push(t);
}

/// The very end of a child of which nothing has to be told.
inline void nursery_leave(nursery& n, task& t) noexcept {
  // Out of the list before looking, since a child may have started others in its last step.
  t.unlink();
  t.home = nullptr;
  --n.count;
  if (t.is_service) --n.services;
  if (n.count <= n.services) nursery_check_end(n);
}

/// Starts a child in a nursery that is open. False: nothing has happened, the long way has to be
/// taken.
inline bool nursery_spawn_quickly(nursery& n, task_fn fn, void* arg) noexcept {
  runtime& rt = *n.rt;
  ctx::stack* s = rt.stacks.next_warm();
  if (!s || !s->prepared || !rt.current) [[unlikely]]
    return false;
  rt.stacks.acquire(0, s);
  prefetch_block(task_on(*(s->next_free ? s->next_free : s)));
  task& t = task_place(rt, *s, n.around);
  t.fn = fn;
  t.arg = arg;
  std::memcpy(t.name, rt.current->name, sizeof t.name);
  if (n.around.cancelled) t.attention = attention_cancel;
  nursery_adopt(n, t);
  return true;
}

}  // namespace structio::rt
