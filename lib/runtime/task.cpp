// A task's life on its fiber: made at the top of a stack, run by a body that loops over the stack's
// tenants, ended in the order that others rely on.
#include "runtime/task.hpp"

#include <new>
#include <utility>

#include "base/message.hpp"
#include "base/status.hpp"
#include "context/switch.hpp"
#include "runtime/cell.hpp"
#include "runtime/end_watch.hpp"
#include "runtime/failure.hpp"
#include "runtime/left_open.hpp"
#include "runtime/local.hpp"
#include "runtime/runtime.hpp"
#include "runtime/spawn.hpp"
#include "runtime/task_hooks.hpp"
#include "runtime/wait.hpp"

namespace structio::rt {
namespace {

std::byte* inline_storage_of(task& t) noexcept {
  return reinterpret_cast<std::byte*>(&t) - inline_storage;
}

// The innermost scope of a task that has left everything it entered.
[[gnu::always_inline]] inline const scope* own_scope(const task& t) noexcept {
  return t.cell && t.outermost == &t.cell->own ? &t.cell->own : t.base;
}

void main_ended(runtime& rt, task& t, int status, failure* in_flight) noexcept {
  rt.main_status = status;
  rt.main_failure = status < 0 ? failure_of(rt, t, status, in_flight) : nullptr;
  if (status >= 0) failure_release(in_flight);
  if ((t.attention & attention_interrupt) || t.interrupt_held) rt.interrupt_left = true;
  rt.main = nullptr;
}

// The task is alive as yet: a value's drop function may set other locals, or lock without waiting.
// What it leaves in flight is nobody's.
void drop_locals(task& t) noexcept {
  while (t.locals) local_release(std::exchange(t.locals, nullptr));
  failure_release(std::exchange(t.in_flight, nullptr));
}

// Somebody has to be told of its end, or has something of it.
[[gnu::noinline]] void finish_telling(task& t, int status) noexcept {
  runtime& rt = *t.rt;
  failure* in_flight = std::exchange(t.in_flight, nullptr);
  if (t.locals) drop_locals(t);
  if (t.end_watches) tell_end_watches(t);
  if (t.cell) status = cell_task_ended(t, status, in_flight);
  t.wait.state = wait_state::ended;
  ++rt.ended;
  if (t.home) {
    nursery_child_ended(*t.home, t, status, in_flight);
  } else {
    main_ended(rt, t, status, in_flight);
  }
}

bool nothing_to_tell(const task& t) noexcept {
  const auto any =
      reinterpret_cast<std::uintptr_t>(t.in_flight) | reinterpret_cast<std::uintptr_t>(t.locals) |
      reinterpret_cast<std::uintptr_t>(t.end_watches) | reinterpret_cast<std::uintptr_t>(t.cell);
  return any == 0;
}

[[gnu::always_inline]] inline void finish(runtime& rt, task& t, int status) noexcept {
  if (status < 0 || !t.home || !nothing_to_tell(t)) [[unlikely]] {
    finish_telling(t, status);
    return;
  }
  t.wait.state = wait_state::ended;
  ++rt.ended;
  nursery_leave(rt, *t.home, t);
}

// One fiber serves tenant after tenant, all at the same place: it gives its stack back while still
// standing on it, which is allowed until the next acquire, and leaves for whoever is next.
void body(ctx::machine& m, ctx::fiber& self) noexcept {
  task& t = task_on(*self.home);
  runtime& rt = *t.rt;
  for (;;) {
    t.wait.state = wait_state::awake;
    if (rt.hooks) [[unlikely]]
      tell_enter(rt, t);
    int status = t.fn(t.arg);
    if (t.innermost != t.base) [[unlikely]] {
      const scope* own = own_scope(t);
      if (t.innermost != own) {
        t.stack().prepared = false;  // the next tenant begins with a fresh frame of ours
        status = close_sheltered(t, own, status);
      }
    }
    finish(rt, t, status);
    if (rt.hooks) [[unlikely]]
      tell_leave(rt, t, true);
    rt.stacks.release(t.stack());
    task* next = rt.sched.take();
    rt.current = next;
    ctx::switch_here(m, next ? next->fiber() : m.hub);
  }
}

// Puts the callable's memory where it belongs and has the fiber ready to begin.
void* place_storage(ctx::stack& s, task& t, std::size_t size) noexcept {
  if (size <= inline_storage) {
    if (!s.prepared) {
      ctx::prepare(t.rt->machine, s.fib, s, inline_storage_of(t), body);
      s.prepared = true;
    }
    return inline_storage_of(t);
  }
  const std::size_t rounded = (size + storage_align - 1) & ~(storage_align - 1);
  std::byte* place = reinterpret_cast<std::byte*>(&t) - rounded;
  ctx::prepare(t.rt->machine, s.fib, s, place, body);
  s.prepared = false;  // the next tenant gets its frames back at the usual place
  return place;
}

}  // namespace

static_assert(inline_storage % storage_align == 0 && task_space % storage_align == 0);

int task_make(runtime& rt, const spawn_request& request, scope& base, task*& out) noexcept {
  ctx::stack* s = nullptr;
  if (const int code = rt.stacks.acquire(request.stack_size, s)) {
    return base::fail(code, code == STRUCTIO_EINVALID ? "a stack of that size cannot be had"
                                                      : "no memory for a task's stack");
  }
  if (request.storage_size > s->size / 2) {
    rt.stacks.release(*s);
    return base::fail(STRUCTIO_EINVALID, "storage of %zu bytes needs a larger stack",
                      request.storage_size);
  }
  task& t = task_place(rt, *s, base, rt.current ? rt.current->locals : rt.first_locals);
  t.fn = request.fn;
  t.arg = request.arg;
  void* storage = place_storage(*s, t, request.storage_size);
  if (request.storage_init) {
    const confinement here(&rt, confined::waiting);  // the task is half made
    request.storage_init(storage, request.arg);
    t.arg = storage;
  }
  const char* inherited = rt.current ? rt.current->name : "task";
  task_rename(t, request.name ? request.name : inherited);
  out = &t;
  return 0;
}

task* task_find(const runtime& rt, task_id id) noexcept {
  if (id >> id_run_shift != rt.number || (id & id_index_mask) == 0) return nullptr;
  ctx::stack* s = rt.stacks.at(static_cast<std::uint32_t>((id & id_index_mask) - 1));
  if (!s || s->generation != static_cast<std::uint32_t>(id >> id_index_bits)) return nullptr;
  task& t = task_on(*s);
  return t.wait.state == wait_state::ended ? nullptr : &t;
}

void task_rename(task& t, const char* name) noexcept {
  std::size_t i = 0;
  for (; i + 1 < sizeof t.name && name[i]; ++i) t.name[i] = name[i];
  t.name[i] = 0;
}

}  // namespace structio::rt
