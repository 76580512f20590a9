// One run: a thread, its loop, its tasks. Owned by rt_run's frame; found through one thread-local
// pointer.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/config.hpp"
#include "base/list.hpp"
#include "context/fiber.hpp"
#include "context/stack_pool.hpp"
#include "reactor/uv_reactor.hpp"
#include "runtime/cancel.hpp"
#include "runtime/living_run.hpp"
#include "runtime/nursery.hpp"
#include "runtime/portal.hpp"
#include "runtime/run_object.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/task.hpp"
#include "runtime/timers.hpp"
#include "runtime/virtual_time.hpp"

namespace structio::rt {

struct idle_tag;

/// Somebody who waits until everybody waits; lives in his frame.
struct idle_wait : base::list_node<idle_tag> {
  task* waiter = nullptr;
  std::int64_t cushion = 0;
};

/// See structio_run_options. Each may be null.
struct task_hooks {
  void (*enter)(task_id task, void* arg) = nullptr;
  void (*leave)(task_id task, int ended, void* arg) = nullptr;
  void* arg = nullptr;
};

struct run_options {
  task_fn fn = nullptr;
  void* arg = nullptr;
  const char* name = nullptr;
  std::size_t stack_size = 0;
  std::int32_t budget = 0;
  std::uint64_t seed = 0;
  ctx::eh_getter eh_getter = nullptr;
  unsigned interrupt = 0;
  int (*on_interrupt)(void*) = nullptr;  ///< decides about interrupts; null: main gets them
  void* on_interrupt_arg = nullptr;
  bool overflow_report = true;
  bool deadlock_check = true;
  virtual_time* clock = nullptr;
  task_hooks hooks;
  /// Writes the tree of tasks for a deadlock report. As snprintf; may be null.
  std::size_t (*describe_tree)(runtime&, char* text, std::size_t size) = nullptr;
};

/// What the user's code that runs inside a call is cut off from.
enum class confined : std::uint8_t {
  no,        ///< nothing
  stepping,  ///< waiting: a step of the current task, which stands on the hub's stack
  waiting,   ///< that, and the task's scopes and nurseries: functions of items, task hooks
  task,      ///< and the task is not its own: abort functions, on whatever fiber
};

struct runtime {
  explicit runtime(const run_options& o) noexcept;
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  std::int64_t now() noexcept {
    if (!clock) return kernel.now();
    return clock->stands() ? clock->reading : clock->at(kernel.now());
  }

  std::uint64_t living() const noexcept { return spawned - ended; }

  // The engine.
  ctx::machine machine;
  task* current = nullptr;  ///< null on the hub
  const task_hooks* hooks;  ///< null: none
  scheduler sched;
  timer_queue timers;
  ctx::stack_pool stacks;
  reactor::uv_reactor kernel;
  virtual_time* clock;
  const run_options& options;
  std::uint64_t chance;     ///< never 0; from it who chooses among equals draws
  std::uint8_t number = 0;  ///< tells the tasks of different runs apart, as far as eight bits go
  living_run life;          ///< tells the run apart from all others

  // The tree.
  scope main_scope;      ///< outermost of the main task and its nurseries
  nursery system;        ///< system tasks; its scope is theirs
  task* main = nullptr;  ///< null once it has ended
  task_id main_id = 0;
  // Two counts that only grow: a spawn then waits for no store of a task that has just ended.
  std::uint64_t spawned = 0;
  std::uint64_t ended = 0;
  std::int64_t jobs = 0;          ///< threads that work for the run: each comes back by a post
  std::int64_t jobs_blocked = 0;  ///< of those, in a call into the run: it is for the run to answer
  std::uint64_t polls = 0;
  std::int64_t idle_since = base::long_ago;  ///< real; long_ago: something has happened since
  std::int64_t fires_next = base::long_ago;  ///< real; before that no deadline wakes an idle run
  std::int64_t trim_at = base::forever;      ///< when the stack pool wants to let go of more
  bool ending = false;                       ///< no new system tasks
  bool forced = false;  ///< a deadlock survived its own cancellation: waits are ended by force

  // What the main task came to.
  int main_status = 0;
  failure* main_failure = nullptr;
  failure* run_failure = nullptr;  ///< deadlock or internal error: outranks the main task's

  // Propagation (propagate.cpp).
  task* abort_queue = nullptr;
  task** abort_tail = &abort_queue;
  scope_watch* watches_to_tell = nullptr;
  bool aborting = false;
  confined confined_to = confined::no;
  bool in_hook = false;             ///< a callback of the user's runs on the hub
  failure* hook_failure = nullptr;  ///< what such a callback has in flight

  char waiting_answer[160] = {0};  ///< of structio_debug_waiting_for, for its caller to read

  // Outside.
  portal_core* door = nullptr;
  std::atomic<bool> interrupted{false};
  bool interrupt_left = false;  ///< one that main has not looked for is the run's to report
  std::atomic<std::uint32_t> interrupts_seen{0};

  base::list<idle_wait, idle_tag> idle_waits;
  base::list<run_object, run_object_tag> objects;
  local_node* run_locals = nullptr;
  local_node* first_locals = nullptr;  ///< what system tasks begin with
};

constexpr int id_run_shift = 56;
constexpr int id_index_bits = 24;
constexpr task_id id_index_mask = (task_id{1} << id_index_bits) - 1;

inline task_id id_of(std::uint8_t run_number, const ctx::tenancy& on) noexcept {
  return (task_id{run_number} << id_run_shift) | (task_id{on.generation} << id_index_bits) |
         ((task_id{on.index} + 1) & id_index_mask);
}

inline task_id task::id() const noexcept {
  return id_of(rt->number, stack());
}

inline task_id nursery::owner_id() const noexcept {
  return id_of(run_number, owner_is);
}

extern thread_local constinit runtime* current_runtime_slot STRUCTIO_TLS_MODEL;

/// The run of the calling thread, or null.
inline runtime* current_runtime() noexcept {
  return current_runtime_slot;
}

/// Code of the user's runs as long as this lives. Without a run there is nothing to confine.
class confinement {
 public:
  confinement(runtime* rt, confined how) noexcept
      : rt_(rt), before_(rt ? rt->confined_to : confined::no) {
    if (rt_ && before_ < how) rt_->confined_to = how;
  }
  ~confinement() {
    if (rt_) rt_->confined_to = before_;
  }
  confinement(const confinement&) = delete;
  confinement& operator=(const confinement&) = delete;

 private:
  runtime* rt_;
  confined before_;
};

/// Runs a main task to its end; see structio_run. `f` receives why it failed (a reference), or
/// null.
int rt_run(const run_options& options, failure*& f) noexcept;

/// The loop of the hub: from the first step of the main task until nothing is left (hub.cpp).
void hub_loop(runtime& rt) noexcept;

/// Nothing can ever happen any more: reports, and begins to take the run down (deadlock.cpp).
void deadlock_found(runtime& rt) noexcept;

/// Some task waits again and again whatever it is told: the run ends without it, and its memory
/// stays.
void deadlock_given_up(runtime& rt) noexcept;

/// Something that must not fail has failed: the run will end with STRUCTIO_EINTERNAL. Consumes
/// `cause`.
void rt_fail_internally(runtime& rt, const char* what, failure* cause = nullptr) noexcept;

/// A system task has failed: its failures are the run's.
void rt_system_failed(runtime& rt) noexcept;

/// Cancels the main task because the run cannot go on.
void rt_shut_down(runtime& rt, const char* why) noexcept;

}  // namespace structio::rt
