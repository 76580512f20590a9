// The quick half of a nursery, for inlining: opening one without options, starting a function on a
// stack that waits for it, ending a task that has nothing to tell, closing when all went well.
// Whatever needs more goes through nursery_open, nursery_spawn, nursery_child_ended, nursery_close.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

#include "runtime/local.hpp"
#include "runtime/runtime.hpp"
#include "runtime/turn.hpp"
#include "runtime/wait.hpp"

namespace structio::rt {

/// A control block of zeros, but for its name, which comes last. Stores are what a spawn spends its
/// time on, so it has few: one after the other, since for the whole at once compilers take a loop
/// of the processor's that begins slowly.
inline task& task_zero(ctx::stack& s) noexcept {
  task& t = *new (&task_on(s)) task;
  auto* const at = reinterpret_cast<std::byte*>(&t);
  constexpr std::size_t piece = 32;
  constexpr std::size_t end = sizeof t - sizeof t.name;
  STRUCTIO_ASSERT(reinterpret_cast<std::byte*>(t.name) <= at + end);
  const auto clear = [at]<std::size_t... i>(std::index_sequence<i...>) {
    (std::memset(at + i * piece, 0, piece), ...);
  };
  clear(std::make_index_sequence<end / piece>{});
  std::memset(at + end / piece * piece, 0, end % piece);
  return t;
}

/// Makes the control block at its place on a stack. Function, name and callable are still to come.
inline task& task_place(runtime& rt, ctx::stack& s, scope& base, local_node* locals) noexcept {
  task& t = task_zero(s);
  t.rt = &rt;
  t.innermost = t.base = &base;
  t.turn_ends = rt.sched.budget();
  t.locals = local_retain(locals);
  ++rt.spawned;
  return t;
}

/// Puts a task that has just been made into the nursery and makes it ready.
inline void nursery_adopt(runtime& rt, nursery& n, task& t) noexcept {
  t.home = &n;
  n.children.push_back(t);
  ++n.count;
  rt.sched.push(t);
}

/// Wakes who waits for the end of a nursery that has no children left.
inline void nursery_wake_owner(runtime& rt, nursery& n) noexcept {
  if (n.owner_waits() && n.pending_starts == 0) wake(rt, *n.owner, 0);
}

/// The very end of a child of which nothing has to be told.
inline void nursery_leave(runtime& rt, nursery& n, task& t) noexcept {
  // Out of the list before looking, since a child may have started others in its last step.
  t.unlink_for_good();
  --n.count;
  if (n.services > 0) [[unlikely]] {
    if (t.is_service) --n.services;
    if (n.count <= n.services) nursery_check_end(n);
  } else if (n.count == 0) {
    nursery_wake_owner(rt, n);
  }
}

/// Opens in the current task, in storage that holds nothing.
inline void nursery_open_plain(runtime& rt, task& self, void* storage) noexcept {
  nursery& n = *new (storage) nursery(self.cancel_in_flight);
  n.rt = &rt;
  n.around.children = &n;
  scope_enter_plain(rt, self, n.around);
  nursery_push(self, n, rt.number);
}

/// As nursery_close, for a body that ended well. True: it is closed, and nothing is to be told.
/// False: nobody lives in it any more, and nursery_sum_up has to say what it ended with.
[[gnu::always_inline]] inline bool nursery_close_well(runtime& rt, task& self,
                                                      nursery& n) noexcept {
  n.state = nursery_state::closing;
  if (n.ended() || n.services > 0) [[unlikely]] {
    nursery_await_children(n, false);
  } else {
    park_shielded_here(rt, self, "children");
    if ((self.attention & attention_interrupt) || !n.ended()) [[unlikely]]
      nursery_await_children(n, true);
  }
  n.state = nursery_state::closed;
  if (!scope_leave_plain(self, n.around)) [[unlikely]]
    return false;
  STRUCTIO_ASSERT(n.failure_count == 0 && n.cancelled == 0);
  self.open_nurseries = n.outer;
  n.owner = nullptr;
  return true;
}

/// Starts a child in a nursery that is open. False: nothing has happened, the long way has to be
/// taken.
inline bool nursery_spawn_quickly(nursery& n, task_fn fn, void* arg) noexcept {
  runtime& rt = *n.rt;
  const task* self = rt.current;
  ctx::stack* s = rt.stacks.next_warm();
  if (!s || !s->prepared || !self) [[unlikely]]
    return false;
  rt.stacks.acquire(0, s);
  if (s->next_free) prefetch_block(task_on(*s->next_free));
  task& t = task_place(rt, *s, n.around, self->locals);
  t.fn = fn;
  t.arg = arg;
  std::memcpy(t.name, self->name, sizeof t.name);
  if (n.around.cancelled) t.attention = attention_cancel;
  nursery_adopt(rt, n, t);
  return true;
}

}  // namespace structio::rt
