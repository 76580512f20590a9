// Tests that speak the C ABI with lambdas as tasks: a lambda is called through its address, so it
// must outlive the task. What a lambda returns is the task's status.
#pragma once

#include <structio/structio.h>
#include <structio/structio_debug.h>
#include <structio/structio_testing.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <type_traits>
#include <vector>

#include "support/seed.hpp"

namespace c_tasks {

template <class Fn>
int call(void* arg) {
  return (*static_cast<Fn*>(arg))();
}

inline structio_run_options run_options() {
  structio_run_options options{};
  options.struct_size = sizeof options;
  options.interrupt = STRUCTIO_INTERRUPT_IGNORE;
  options.seed = support::seed();
  return options;
}

template <class Fn>
int run(Fn&& fn, const structio_run_options& options = run_options()) {
  using function = std::remove_reference_t<Fn>;
  return structio_run(call<function>, &fn, &options);
}

/// Starts a named child. The lambda must outlive it.
template <class Fn>
requires std::is_class_v<Fn>
int spawn(structio_nursery& n, const char* name, Fn& fn) {
  structio_task_options options = STRUCTIO_TASK_OPTIONS_INIT;
  options.name = name;
  return structio_nursery_spawn(&n, &options, call<Fn>, &fn);
}

inline int spawn(structio_nursery& n, const char* name, structio_task_fn fn) {
  structio_task_options options = STRUCTIO_TASK_OPTIONS_INIT;
  options.name = name;
  return structio_nursery_spawn(&n, &options, fn, nullptr);
}

/// Part of an object that a task runs on. An object that goes while its task still runs would
/// leave the task with a frame that is gone, which few tools see: that ends the program.
class running_task {
 public:
  running_task() = default;
  running_task(const running_task&) {}
  running_task& operator=(const running_task&) { return *this; }
  ~running_task() {
    if (!running_ || std::uncaught_exceptions() != 0) return;
    std::fputs("test: an object goes before the task that runs on it has ended\n", stderr);
    std::abort();
  }

  /// Around what the task does.
  template <class Fn>
  int run(Fn&& fn) {
    const int status = fn();
    running_ = false;
    return status;
  }
  void starts() { running_ = true; }

 private:
  bool running_ = false;
};

/// A virtual clock for one test.
class virtual_clock {
 public:
  explicit virtual_clock(int64_t autojump = -1, int64_t start = 0) {
    structio_virtual_clock_options options{sizeof options, start, autojump, 0};
    structio_virtual_clock_new(&options, &handle);
  }
  virtual_clock(const virtual_clock&) = delete;
  virtual_clock& operator=(const virtual_clock&) = delete;
  ~virtual_clock() { structio_virtual_clock_free(handle); }

  int jump(int64_t duration) { return structio_virtual_clock_jump(handle, duration); }
  int64_t now() {
    int64_t moment = 0;
    structio_virtual_clock_now(handle, &moment);
    return moment;
  }

  structio_run_options options() {
    structio_run_options o = run_options();
    o.clock = handle;
    return o;
  }

  structio_clock* handle = nullptr;
};

/// The whole text of a function that writes like snprintf.
inline std::string text_of(int64_t (*describe)(char*, size_t)) {
  const int64_t length = describe(nullptr, 0);
  if (length < 0) return {};
  std::string text(static_cast<std::size_t>(length) + 1, '?');
  describe(text.data(), text.size());
  text.pop_back();
  return text;
}

inline std::vector<structio_task_id> children_of(const structio_nursery* n) {
  std::vector<structio_task_id> ids(16);
  const int64_t count = structio_debug_children(n, ids.data(), ids.size());
  ids.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return ids;
}

inline std::vector<structio_nursery*> nurseries_of(structio_task_id task) {
  std::vector<structio_nursery*> found(16);
  const int64_t count = structio_debug_nurseries(task, found.data(), found.size());
  found.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return found;
}

}  // namespace c_tasks
