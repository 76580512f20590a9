// Running, checkpoints, sleeping, and what a task asks about itself.
#include <cstdio>

#include "check.hpp"
#include "debug/tree.hpp"
#include "runtime/failure.hpp"
#include "runtime/wait.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

constexpr std::size_t largest_stack = std::size_t{1} << 30;  // as for a single task's

int report(int code, rt::failure* f, structio_failure** out) noexcept {
  if (f) {
    char text[360];
    rt::failure_one_line(*f, text, sizeof text);
    base::fail(code, "%s", text);
  }
  if (out) {
    *out = f ? static_cast<structio_failure*>(f->handle) : nullptr;
  } else {
    rt::failure_release(f);
  }
  return code;
}

int clock_of(const structio_run_options& options, rt::virtual_time*& out) noexcept {
  if (!options.clock) return 0;
  out = handle<rt::virtual_time>(base::handle_kind::clock, options.clock, "structio_run");
  return out ? 0 : refused();
}

}  // namespace

int structio_run(structio_task_fn fn, void* arg, const structio_run_options* given) {
  if (!options_fit(given, "structio_run")) return refused();
  const structio_run_options options = whole(given);
  if (options.failure) *options.failure = nullptr;
  if (!fn) return null_argument("structio_run", "fn");
  if (options.version != 0 && options.version >> 16 != STRUCTIO_VERSION_MAJOR) {
    return fail(
        STRUCTIO_EVERSION,
        "structio_run: the header is of version %u.%u, the library of %u.%u: the first number "
        "has to be the same",
        options.version >> 16, options.version >> 8 & 255,
        static_cast<unsigned>(STRUCTIO_VERSION_MAJOR),
        static_cast<unsigned>(STRUCTIO_VERSION_MINOR));
  }
  if (options.interrupt > STRUCTIO_INTERRUPT_HANDLE || options.budget > INT32_MAX) {
    return fail(STRUCTIO_EINVALID, "structio_run: an option is out of range");
  }
  if (options.stack_size > largest_stack) {
    return fail(STRUCTIO_EINVALID, "structio_run: a stack has at most 1 GiB");
  }
  rt::run_options inner;
  inner.fn = fn;
  inner.arg = arg;
  inner.name = options.name;
  inner.stack_size = options.stack_size;
  inner.budget = static_cast<std::int32_t>(options.budget);
  inner.seed = options.seed;
  inner.eh_getter = options.cxa_get_globals;
  inner.interrupt = options.interrupt;
  inner.on_interrupt = options.on_interrupt;
  inner.on_interrupt_arg = options.on_interrupt_arg;
  inner.overflow_report = options.no_overflow_report == 0;
  inner.deadlock_check = options.no_deadlock_check == 0;
  inner.hooks = {options.task_enter, options.task_leave, options.task_hooks_arg};
  inner.describe_tree = rt::debug::describe_tree;
  if (const int code = clock_of(options, inner.clock)) return code;
  rt::failure* f = nullptr;
  const int code = rt::rt_run(inner, f);
  return report(code, f, options.failure);
}

int structio_in_run(void) {
  return rt::current_runtime() != nullptr;
}

int structio_in_task(void) {
  const rt::runtime* r = rt::current_runtime();
  return r && r->current;
}

int structio_add_cxa_get_globals(void* (*getter)(void)) {
  constexpr const char* call = "structio_add_cxa_get_globals";
  if (!getter) return null_argument(call, "getter");
  rt::runtime* r = in_body(call);
  if (!r) return refused();
  if (r->machine.exceptions.add(getter)) return 0;
  return fail(STRUCTIO_ELIMIT, "%s: at most %d C++ runtimes can be kept apart", call,
              ctx::exception_slots::max);
}

int structio_checkpoint(void) {
  rt::runtime* r = in_task("structio_checkpoint");
  return r ? rt::checkpoint(*r) : refused();
}

int structio_checkpoint_if_cancelled(void) {
  rt::runtime* r = in_task("structio_checkpoint_if_cancelled");
  if (!r) return refused();
  return rt::cancel_check(*r);
}

int structio_cancel_shielded_checkpoint(void) {
  rt::runtime* r = in_task("structio_cancel_shielded_checkpoint");
  if (!r) return refused();
  rt::yield(*r);
  return 0;
}

int64_t structio_now(void) {
  rt::runtime* r = in_run("structio_now");
  return r ? r->now() : 0;
}

int structio_sleep(int64_t duration) {
  rt::runtime* r = in_task("structio_sleep");
  if (!r) return refused();
  if (duration < 0) return fail(STRUCTIO_EINVALID, "structio_sleep: the duration is negative");
  if (duration == 0) return rt::checkpoint(*r);
  return rt::sleep_until(*r, base::deadline_after(r->now(), duration));
}

int structio_sleep_until(int64_t moment) {
  rt::runtime* r = in_task("structio_sleep_until");
  return r ? rt::sleep_until(*r, moment) : refused();
}

int structio_sleep_forever(void) {
  rt::runtime* r = in_task("structio_sleep_forever");
  return r ? rt::sleep_until(*r, base::forever) : refused();
}

structio_task_id structio_task_current(void) {
  const rt::runtime* r = rt::current_runtime();
  return r && r->current ? r->current->id() : 0;
}

const char* structio_task_name(structio_task_id task) {
  const rt::runtime* r = in_run("structio_task_name");
  const rt::task* t = r ? rt::task_find(*r, task) : nullptr;
  return t ? t->name : nullptr;
}

int structio_task_set_name(const char* name) {
  rt::runtime* r = in_body("structio_task_set_name");
  if (!r) return refused();
  if (!name) return null_argument("structio_task_set_name", "name");
  rt::task_rename(*r->current, name);
  return 0;
}

int structio_task_stack(void** low, void** high) {
  rt::runtime* r = in_task_without_waiting("structio_task_stack");
  if (!r) return refused();
  if (low) *low = r->current->stack().base;
  if (high) *high = r->current->stack().top();
  return 0;
}
