// Blocking while an exception unwinds: a destructor that waits must not be cancelled, since
// throwing there would end the program. Used by all that waits and by all blocks that catch.
// Always true: with no exception in flight all of this costs two loads and two comparisons.
#pragma once

#include <structio/structio.h>
#include <structio/detail/cxx_runtime.hpp>

#include <new>
#include <utility>

namespace structio {
inline namespace v0 {
namespace detail {

/// Where the C++ runtime counts this thread's exceptions in flight. Fibers stay on their thread,
/// and their counts are put there when they are switched to.
inline thread_local constinit const unsigned int* uncaught_count = nullptr;

[[gnu::noinline, gnu::cold]] inline const unsigned int* find_uncaught_count() noexcept {
  // Layout fixed by the Itanium C++ ABI, section 2.2.2: a pointer, then the count.
  const auto* globals = reinterpret_cast<const char*>(abi::__cxa_get_globals());
  return uncaught_count = reinterpret_cast<const unsigned int*>(globals + sizeof(void*));
}

/// The same as std::uncaught_exceptions(), which takes as long as a whole checkpoint.
inline int exceptions_in_flight() noexcept {
  const unsigned int* count = uncaught_count;
  if (count == nullptr) [[unlikely]]
    count = find_uncaught_count();
  return static_cast<int>(*count);
}

/// From how many exceptions in flight on a cancellation can no longer be thrown, in one task. A
/// task without a floor of its own has 0. Children inherit their starter's, which does not concern
/// them: their exceptions are counted anew.
struct floor_cell {
  structio_task_id task;
  int count;
};

/// Names the task-local that holds the floor_cell.
inline const char unwind_floor_key = 0;

/// The calling task's own cell, or null.
inline floor_cell* find_floor() noexcept {
  void* held = nullptr;
  if (structio_local_get(&unwind_floor_key, &held) < 0) return nullptr;
  auto* cell = static_cast<floor_cell*>(held);
  return cell->task == structio_task_current() ? cell : nullptr;
}

/// The same, made when there is none; it stays as long as the task. Null when memory is short.
inline floor_cell* make_floor() noexcept {
  if (floor_cell* own = find_floor(); own != nullptr) return own;
  auto* made = new (std::nothrow) floor_cell{structio_task_current(), 0};
  if (made == nullptr) return nullptr;
  const structio_drop_fn drop = [](void* cell) { delete static_cast<floor_cell*>(cell); };
  if (structio_local_set(&unwind_floor_key, made, drop, nullptr) >= 0) return made;
  delete made;
  return nullptr;
}

/// Blocks that catch set this floor while they run, when they run inside a destructor during
/// unwinding: what is thrown within them does not leave the destructor.
class unwind_floor {
 public:
  unwind_floor() noexcept {
    const int in_flight = exceptions_in_flight();
    if (in_flight == 0) [[likely]]
      return;
    cell_ = make_floor();
    if (cell_ != nullptr) before_ = std::exchange(cell_->count, in_flight);
  }
  ~unwind_floor() {
    if (cell_ != nullptr) cell_->count = before_;
  }
  unwind_floor(const unwind_floor&) = delete;
  unwind_floor& operator=(const unwind_floor&) = delete;

 private:
  floor_cell* cell_ = nullptr;
  int before_ = 0;
};

/// True when an exception thrown now would meet another on its way out of a destructor, which
/// ends the program.
inline bool must_not_throw() noexcept {
  const int in_flight = exceptions_in_flight();
  if (in_flight == 0) [[likely]]
    return false;
  const floor_cell* floor = find_floor();
  return in_flight > (floor == nullptr ? 0 : floor->count);
}

/// Makes a call that neither a cancellation from outside nor Ctrl-C reaches.
template <class Call>
[[gnu::noinline]] auto behind_shield(Call&& call) {
  structio_scope scope;
  structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
  options.shield = 1;
  options.hold_interrupt = 1;
  const bool inside =
      structio_scope_init(&scope, &options) >= 0 && structio_scope_enter(&scope) >= 0;
  const auto status = call();
  if (inside) {
    structio_failure* none = nullptr;
    structio_scope_leave(&scope, 0, &none);
  }
  return status;
}

/// Makes a blocking call and returns its status; behind a shield where a cancellation could not be
/// thrown.
template <class Call>
auto uncancelled_in_cleanup(Call&& call) {
  if (must_not_throw()) [[unlikely]]
    return behind_shield(call);
  return call();
}

}  // namespace detail
}  // namespace v0
}  // namespace structio
