// run(): turns the calling thread into a runtime until its main task has ended.
#pragma once

#include <structio/structio.h>
#include <structio/detail/cxx_runtime.hpp>
#include <structio/detail/outcome.hpp>
#include <structio/detail/trampoline.hpp>
#include <structio/error.hpp>
#include <structio/group.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {

/// A clock other than the system's; testing::virtual_clock converts to it.
struct clock_ref {
  structio_clock* native = nullptr;
};

/// What a run does about SIGINT (Ctrl-C).
enum class interrupt_mode : std::uint32_t {
  automatic = STRUCTIO_INTERRUPT_AUTO,  ///< handled in the main thread when nobody else does
  ignore = STRUCTIO_INTERRUPT_IGNORE,
  handle = STRUCTIO_INTERRUPT_HANDLE,  ///< handled whatever was there; restored at the end
};

struct run_options {
  const char* name = nullptr;  ///< of the main task; null: "main"
  std::size_t stack_size = 0;  ///< default of tasks in bytes, guard included; 0: 256 KiB, virtual
  std::uint32_t budget = 0;    ///< checkpoints without giving way; 0: 32, or 1 on a virtual clock
  std::uint64_t seed = 0;      ///< not 0: the order of ready tasks is shuffled, repeatably
  interrupt_mode interrupt = interrupt_mode::automatic;
  bool overflow_report = true;  ///< false: SIGSEGV, SIGBUS and the alternate stack are left alone
  bool deadlock_check = true;   ///< false: a run in which nothing can ever happen waits for ever
  clock_ref clock = {};         ///< borrowed for the run
  structio_task_enter_fn task_enter = nullptr;  ///< see structio_run.h; both must not throw
  structio_task_leave_fn task_leave = nullptr;
  void* task_hooks_arg = nullptr;
};

/// The calling thread is inside a run, in a task or in a hook. Any thread.
inline bool in_run() noexcept {
  return structio_in_run() == 1;
}

/// Called from a task, where calls may block. Any thread.
inline bool in_task() noexcept {
  return structio_in_task() == 1;
}

namespace detail {

inline structio_run_options to_c(const run_options& options, structio_failure** why) noexcept {
  structio_run_options raw{};
  raw.struct_size = sizeof raw;
  raw.version = STRUCTIO_VERSION;
  raw.budget = options.budget;
  raw.seed = options.seed;
  raw.name = options.name;
  raw.stack_size = options.stack_size;
  // Through another pointer type, since compilers warn of a cast between these two.
  auto* globals = reinterpret_cast<void (*)()>(&abi::__cxa_get_globals);
  raw.cxa_get_globals = reinterpret_cast<void* (*)()>(globals);
  raw.interrupt = static_cast<std::uint32_t>(options.interrupt);
  raw.no_overflow_report = options.overflow_report ? 0 : 1;
  raw.no_deadlock_check = options.deadlock_check ? 0 : 1;
  raw.clock = options.clock.native;
  raw.failure = why;
  raw.task_enter = options.task_enter;
  raw.task_leave = options.task_leave;
  raw.task_hooks_arg = options.task_hooks_arg;
  return raw;
}

/// Throws why a run failed: main's own exception, or what ended the run over its head.
[[noreturn]] inline void throw_run_failure(int code, const failure& why) {
  if (!why) throw_status(code);
  if (code == STRUCTIO_EINTERNAL && why.kind() != failure_kind::payload) {
    throw internal_error(why.message(), why.kind() == failure_kind::status ? why[0] : why);
  }
  if (why.code() == code) throw_failure(why);
  throw_code(code, why.message(), why);
}

/// Lives in the frame of run(), which waits for the main task.
template <class Fn, class Value>
struct main_frame {
  std::remove_reference_t<Fn>* fn;
  outcome<Value> result{};

  static int entry(void* arg) noexcept {
    auto& frame = *static_cast<main_frame*>(arg);
    return enter([&] {
      if constexpr (std::is_void_v<Value>) {
        std::invoke(std::forward<Fn>(*frame.fn));
      } else {
        frame.result.emplace(std::invoke(std::forward<Fn>(*frame.fn)));
      }
    });
  }
};

}  // namespace detail

/// Runs `fn()` as the main task, with everything that it starts, on the calling thread; returns its
/// value when all of it has ended. Throws the very exception that left `fn`; usage_error inside a
/// run; deadlock, internal_error, interrupted; `error` with a code of the system.
template <class Fn>
requires std::is_invocable_v<Fn> std::decay_t<std::invoke_result_t<Fn>> run(
    const run_options& options, Fn&& fn) {
  using value = std::decay_t<std::invoke_result_t<Fn>>;
  detail::main_frame<Fn, value> frame{std::addressof(fn)};
  structio_failure* raw_why = nullptr;
  const structio_run_options raw = detail::to_c(options, &raw_why);
  const int status = structio_run(&decltype(frame)::entry, &frame, &raw);
  const failure why(raw_why);
  if (status < 0) detail::throw_run_failure(status, why);
  if constexpr (!std::is_void_v<value>) return *std::move(frame.result);
}

template <class Fn>
requires std::is_invocable_v<Fn> std::decay_t<std::invoke_result_t<Fn>> run(Fn&& fn) {
  return run(run_options{}, std::forward<Fn>(fn));
}

}  // namespace v0
}  // namespace structio
