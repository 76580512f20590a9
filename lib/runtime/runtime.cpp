// Beginning and ending a run.
#include "runtime/runtime.hpp"

#include <cstdio>
#include <utility>

#include "base/log.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "context/overflow.hpp"
#include "runtime/failure.hpp"
#include "runtime/interrupt.hpp"
#include "runtime/local.hpp"
#include "runtime/wait.hpp"

namespace structio::rt {

thread_local constinit runtime* current_runtime_slot STRUCTIO_TLS_MODEL = nullptr;

namespace {

void name_for_overflow(ctx::stack& s, char* buffer, std::size_t size) {
  std::snprintf(buffer, size, "%s", task_on(s).name);
}

// Numbers runs from 1 to 255 and round again.
std::uint8_t next_run_number() noexcept {
  static std::atomic<std::uint32_t> runs{0};
  return static_cast<std::uint8_t>(runs.fetch_add(1, std::memory_order_relaxed) % 255 + 1);
}

int open(runtime& rt) noexcept {
  failure_no_memory();  // made while there is memory
  if (const int code = rt.kernel.open()) {
    return base::fail(code, "the event loop cannot be made: %s", reactor::os_error_text(code));
  }
  rt.door = portal_core::make(rt);
  if (!rt.door) return base::fail(STRUCTIO_ENOMEM, "no memory for a run");
  rt.machine.open();
  if (rt.options.eh_getter) rt.machine.exceptions.add(rt.options.eh_getter);
  if (rt.options.overflow_report) overflow_watch_begin(rt.machine, name_for_overflow);
  interrupt_begin(rt, rt.options.interrupt);
  rt.first_locals = local_retain(thread_locals());
  rt.main_scope.rt = &rt;
  rt.main_scope.state = scope_state::inside;
  rt.system.rt = &rt;
  rt.system.kind = nursery_kind::system;
  rt.system.around.rt = &rt;
  rt.system.around.state = scope_state::inside;
  rt.system.around.children = &rt.system;
  return 0;
}

int start_main(runtime& rt) noexcept {
  spawn_request request;
  request.fn = rt.options.fn;
  request.arg = rt.options.arg;
  request.name = rt.options.name ? rt.options.name : "main";
  if (const int code = task_make(rt, request, rt.main_scope, rt.main)) return code;
  rt.main_id = rt.main->id();
  rt.sched.push(*rt.main);
  return 0;
}

// STRUCTIO_EINTERNAL with its cause beneath it. Consumes `cause`, which may be null.
failure* internal_failure(const char* text, failure* cause) noexcept {
  failure* f = failure_status(STRUCTIO_EINTERNAL, text);
  if (f && cause && failure_set_cause(*f, cause)) return f;
  failure_release(cause);
  return f ? f : failure_no_memory();
}

// What system tasks failed of, or null. Those of their children that were merely cancelled at the
// end did not fail.
failure* take_system_failures(nursery& system) noexcept {
  if (system.failure_count == 0) return nullptr;
  failure* all = failure_group(system.failures, system.failure_count);
  if (!all) return failure_no_memory();
  system.failure_count = 0;  // they are the group's now
  failure_filter_cancelled(all);
  return all;
}

// All that is left to say about a run that has ended.
int outcome(runtime& rt, failure*& f) noexcept {
  if (rt.run_failure) {
    f = rt.run_failure;
    failure_release(rt.main_failure);
  } else if (failure* cause = take_system_failures(rt.system)) {
    f = internal_failure("a system task failed", cause);
    failure_release(rt.main_failure);
  } else if (rt.main_failure) {
    f = rt.main_failure;
  } else if (rt.interrupt_left || (interrupt_taken(rt) && interrupt_counts(rt))) {
    f = failure_status(STRUCTIO_EINTERRUPTED, nullptr);
    if (!f) f = failure_no_memory();
  } else {
    return rt.main_status;
  }
  return f->code;
}

void close(runtime& rt) noexcept {
  if (rt.clock) rt.clock->user.store(nullptr);
  if (rt.options.overflow_report) overflow_watch_end(rt.machine);
  scope_release(rt.main_scope);
  scope_release(rt.system.around);
  while (rt.run_locals) local_release(std::exchange(rt.run_locals, nullptr));
  local_release(rt.first_locals);
  nursery_forget(rt.system);
  rt.machine.close();
}

// In a child that was forked: loop and stacks are the parent's to close.
int leave_to_parent(runtime& rt) noexcept {
  rt.kernel.abandon();
  rt.stacks.leave_mapped();
  return base::fail(STRUCTIO_EMISUSE,
                    "structio_run: the process was forked inside the run: after that only exec or "
                    "_exit may follow in the child");
}

}  // namespace

runtime::runtime(const run_options& o) noexcept
    : hooks(o.hooks.enter || o.hooks.leave ? &o.hooks : nullptr),
      stacks(ctx::stack_pool_options{o.stack_size ? o.stack_size : STRUCTIO_DEFAULT_STACK_SIZE}),
      clock(o.clock),
      options(o),
      chance(o.seed ? o.seed : 0x9E3779B97F4A7C15ULL),
      number(next_run_number()) {
  const std::uint32_t usual = o.clock ? 1 : scheduler::default_budget;
  sched.configure(o.budget > 0 ? static_cast<std::uint32_t>(o.budget) : usual, o.seed);
}

int rt_run(const run_options& options, failure*& f) noexcept {
  f = nullptr;
  if (current_runtime()) {
    return base::fail(STRUCTIO_EMISUSE,
                      "structio_run was called from inside a run: start a task in a nursery, or "
                      "use another thread");
  }
  runtime rt(options);
  runtime* nobody = nullptr;
  if (rt.clock && !rt.clock->user.compare_exchange_strong(nobody, &rt)) {
    return base::fail(STRUCTIO_EMISUSE, "the virtual clock is in use by another run");
  }
  if (const int code = open(rt)) {
    interrupt_end(rt);
    rt.kernel.close();
    if (rt.door) rt.door->release();
    if (rt.clock) rt.clock->user.store(nullptr);
    return code;
  }
  current_runtime_slot = &rt;
  int code = start_main(rt);
  if (code == 0) {
    hub_loop(rt);
    rt.ending = true;
  }
  if (current_runtime() != &rt) return leave_to_parent(rt);
  interrupt_end(rt);  // its handler wakes the loop, so it goes first
  rt.door->close(rt);
  while (run_object* object = rt.objects.pop_front()) {
    const bool may_be_gone = object->frees_itself;
    object->orphan(*object);
    if (!may_be_gone) object->rt = nullptr;
  }
  rt.kernel.close();
  if (code == 0) code = outcome(rt, f);
  close(rt);
  current_runtime_slot = nullptr;
  rt.door->release();
  return code;
}

void rt_shut_down(runtime& rt, const char* why) noexcept {
  scope_cancel(rt.main_scope, cancel_source::shutdown, nullptr, why);
  if (rt.main) {
    // The main scope is nobody's own: its main task and that one's nurseries are reached from here.
    task_refresh(*rt.main);
  }
}

void rt_fail_internally(runtime& rt, const char* what, failure* cause) noexcept {
  char text[360];
  char line[300] = "";
  if (cause) failure_one_line(*cause, line, sizeof line);
  std::snprintf(text, sizeof text, "%s%s%.300s", what, cause ? ": " : "", line);
  base::log(base::log_level::error, "internal error: %s", text);
  if (rt.run_failure) {
    failure_release(cause);
  } else {
    rt.run_failure = internal_failure(text, cause);
  }
  rt_shut_down(rt, "internal error");
}

void rt_system_failed(runtime& rt) noexcept {
  rt_shut_down(rt, "a system task failed");
}

}  // namespace structio::rt
