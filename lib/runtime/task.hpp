// A task: one fiber with a name, a place in the tree, a stack of scopes and nurseries, and the one
// cell through which it waits. The control block lies at the top of the task's own stack, beneath
// the stack's descriptor: spawning allocates nothing.
//
// Always true: a task is in exactly one of running (runtime.current), ready (in the scheduler's
// queue) or parked (wait.state). A new one is all zero. `attention` tells at one load whether a
// checkpoint has anything to report.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/list.hpp"
#include "context/stack_pool.hpp"

namespace structio::rt {

struct runtime;
struct nursery;
struct scope;
struct failure;
struct local_node;
struct place;
struct task_cell;
struct start_wait;
struct end_watch;
struct sibling_tag;

using task_fn = int (*)(void*);
using task_id = std::uint64_t;

/// Bits of task::attention.
enum : std::uint8_t { attention_cancel = 1, attention_interrupt = 2 };

/// Of those that are awake one runs, runtime.current, and the others are ready.
enum class wait_state : std::uint8_t { unborn, awake, parked, ended };

/// Called when a wait is to end early. Returns abort_done (undone, nobody will wake) or
/// abort_later; one of the library's own also abort_again: as later, and it is called again
/// whenever what the task has to attend to changes, even to nothing.
using abort_fn = int (*)(void* arg);
inline constexpr int abort_done = 1;
inline constexpr int abort_later = 2;
inline constexpr int abort_again = 3;

struct wait_cell {
  wait_state state;
  bool abort_asked;     ///< at most once a wait, but for abort_again
  bool abort_foreign;   ///< user code: run only once the tree is consistent again
  std::uint32_t epoch;  ///< grows with each wait: a wake-up for an older one is nothing
  abort_fn abort;       ///< null: may be undone at any time
  void* abort_arg;
  const char* what;  ///< for dumps; a literal
  std::int64_t result;
  place* in;  ///< where it waits, when that is one queue alone
};

struct alignas(64) task : base::list_node<sibling_tag> {
  // What every switch and checkpoint touches.
  runtime* rt;
  task* ready_next;
  std::uint8_t attention;
  bool is_service;
  bool cancel_in_flight;          ///< "cancelled" was reported and not absorbed by a scope yet
  bool interrupt_held;            ///< one came while it was in scopes that hold it back
  std::uint16_t interrupt_holds;  ///< such scopes that it is in
  bool abort_queued;
  bool has_started;  ///< it has called started, as a task that was begun by start
  std::uint64_t cancel_points;
  /// Passed so far; a call that its budget lets on counts, since whether one gives way in fact is
  /// for the others' sake, and chance to who asks.
  std::uint64_t schedule_points;
  std::uint64_t turn_ends;  ///< the schedule point at which the budget is spent

  wait_cell wait;
  scope* innermost;  ///< innermost scope around the task; its own or its base
  scope* base;       ///< scope of the nursery (or run) it lives in

  scope* outermost;         ///< outermost scope of its own, null when it is in none
  nursery* home;            ///< null for the main task
  nursery* open_nurseries;  ///< innermost first, linked by nursery::outer
  failure* in_flight;       ///< what belongs to the code that is being returned
  local_node* locals;
  end_watch* end_watches;  ///< who is told when it ends, the latest first
  task_cell* cell;         ///< when somebody has a handle, or it is a service
  start_wait* starting;    ///< until it calls started

  // What only its begin needs, and who looks at it.
  task_fn fn;
  void* arg;
  task* abort_next;  ///< of the run's abort_queue
  char name[32];

  ctx::stack& stack() noexcept;
  const ctx::stack& stack() const noexcept;
  task_id id() const noexcept;
  ctx::fiber& fiber() noexcept { return stack().fib; }

  /// Counts a schedule point. True when the budget lets the task on.
  bool may_go_on() noexcept { return ++schedule_points < turn_ends; }
};

/// Room for the callables of most starters, in the control block's own page.
inline constexpr std::size_t inline_storage = 192;
inline constexpr std::size_t storage_align = alignof(std::max_align_t);
inline constexpr std::size_t task_space = (sizeof(task) + 63) & ~std::size_t{63};
static_assert(sizeof(void*) != 8 || task_space == 256, "four cache lines, as many as are fetched");

inline ctx::stack& task::stack() noexcept {
  return *reinterpret_cast<ctx::stack*>(reinterpret_cast<std::byte*>(this) + task_space);
}
inline const ctx::stack& task::stack() const noexcept {
  return *reinterpret_cast<const ctx::stack*>(reinterpret_cast<const std::byte*>(this) +
                                              task_space);
}
inline task& task_on(ctx::stack& s) noexcept {
  return *reinterpret_cast<task*>(static_cast<std::byte*>(s.top()) - task_space);
}

/// Has the processor fetch what a task that will soon run needs: its control block and the first
/// line of its descriptor; then, once those are there, the frames that it left.
inline void prefetch_block(const task& t) noexcept {
  const auto* at = reinterpret_cast<const std::byte*>(&t);
  for (std::size_t i = 0; i <= task_space; i += 64) __builtin_prefetch(at + i, 1);
}
inline void prefetch_stack(const task& t) noexcept {
  const auto* at = static_cast<const std::byte*>(t.stack().fib.sp);
  for (int i = 0; i < 256; i += 64) __builtin_prefetch(at + i, 1);
}

struct spawn_request {
  task_fn fn = nullptr;
  void* arg = nullptr;
  const char* name = nullptr;
  std::size_t stack_size = 0;
  std::size_t storage_size = 0;
  void (*storage_init)(void* storage, void* arg) = nullptr;
};

/// Makes a task that is ready to run, with the given place in the tree, but in nobody's list.
/// 0, STRUCTIO_ENOMEM, STRUCTIO_EINVALID (sizes).
int task_make(runtime& rt, const spawn_request& request, scope& base, task*& out) noexcept;

/// The living task with this id, or null.
task* task_find(const runtime& rt, task_id id) noexcept;

/// Renames; cut to what fits.
void task_rename(task& t, const char* name) noexcept;

}  // namespace structio::rt
