// How anything waits: park and wake for those who build their own primitives, and parking lots.
#pragma once

#include <structio/structio.h>
#include <structio/detail/trampoline.hpp>
#include <structio/error.hpp>
#include <structio/task.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {

/// What an abort function answers.
enum class abort_result : int {
  done = STRUCTIO_ABORT_DONE,    ///< undone: the wait ends now, with `cancelled`
  later = STRUCTIO_ABORT_LATER,  ///< cannot be undone: somebody will wake the task, wait on
};

/// Names the next wait of the task that made it: give it to whoever shall wake the task, then park.
/// Good for one wait.
class waiter {
 public:
  /// Throws usage_error outside of a task.
  waiter() { detail::check(structio_waiter_init(&raw_)); }
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  /// Sleeps until woken, and returns what wake() was given; a negative value is thrown as the code
  /// that it is, an exception as itself. `what` says in dumps what the task waits for: a literal.
  /// Returns at once when it was woken before. Checkpoint. Throws `cancelled`, `interrupted`,
  /// usage_error (another task's; used before).
  std::int64_t park(const char* what) {
    return finish([&] { return structio_park(&raw_, what, nullptr, nullptr); });
  }

  /// The same, with `abort()` deciding what a cancellation does: called at most once, within the
  /// call that cancels or before the task sleeps; outside of the task, so it must not block, and
  /// must not throw (either ends the run with internal_error).
  template <class Abort>
  requires std::is_invocable_r_v<abort_result, Abort&> std::int64_t park(const char* what,
                                                                         Abort&& abort) {
    using function = std::remove_reference_t<Abort>;
    const structio_abort_fn entry = [](void* arg) noexcept -> int {
      try {
        return static_cast<int>((*static_cast<function*>(arg))());
      } catch (...) {
        return 0;
      }
    };
    return finish([&] { return structio_park(&raw_, what, entry, std::addressof(abort)); });
  }

  /// Makes the wait end with `result`. The first of wake and cancellation decides: false when this
  /// came too late, which is harmless as long as the waiter lives. Any task or hook.
  bool wake(std::int64_t result = 0) { return structio_wake(&raw_, result) == 1; }

  /// Makes the wait throw.
  bool wake(std::exception_ptr thrown) {
    const bool first = structio_wake(&raw_, STRUCTIO_EPAYLOAD) == 1;
    if (first) thrown_ = std::move(thrown);
    return first;
  }

  structio_waiter* native() noexcept { return &raw_; }

 private:
  template <class Park>
  std::int64_t finish(Park&& park) {
    const std::int64_t result = detail::uncancelled_in_cleanup(park);
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
    return detail::check(result);
  }

  structio_waiter raw_;
  std::exception_ptr thrown_;
};

/// A FIFO queue of waiting tasks with no state of its own: the base of every primitive. Must
/// outlive the tasks that wait in it. Not thread-safe.
class parking_lot {
 public:
  parking_lot() { detail::check(structio_lot_init(&raw_)); }
  parking_lot(const parking_lot&) = delete;
  parking_lot& operator=(const parking_lot&) = delete;
  ~parking_lot() { structio_lot_destroy(&raw_); }

  /// Waits in the queue. Checkpoint. Throws `cancelled`, broken_error.
  void park() {
    detail::blocking([this] { return structio_lot_park(&raw_); });
  }

  /// Wakes the first `count` tasks, or all; returns how many there were. Any task or hook.
  std::size_t unpark(std::size_t count = 1) { return counted(structio_lot_unpark(&raw_, count)); }
  std::size_t unpark_all() { return unpark(STRUCTIO_ALL); }

  /// Moves the first `count` waiting tasks to the end of another lot without waking them; returns
  /// how many there were. Throws broken_error (the other lot).
  std::size_t repark(parking_lot& to, std::size_t count = 1) {
    return counted(structio_lot_repark(&raw_, &to.raw_, count));
  }
  std::size_t repark_all(parking_lot& to) { return repark(to, STRUCTIO_ALL); }

  /// How many tasks are parked; as a condition: whether any is.
  std::size_t waiting() const { return counted(structio_lot_waiting(&raw_)); }
  std::size_t size() const { return waiting(); }
  explicit operator bool() const { return waiting() != 0; }

  /// Breaks the lot on behalf of `breaker` (0: the calling task): all who are parked here, and all
  /// who ever will, get broken_error.
  void break_lot(task_id breaker = 0) { detail::check(structio_lot_break(&raw_, breaker)); }

  /// Makes the end of `task` break the lot; has to be taken back as often as it is said. Throws
  /// broken_error (the task has ended: the lot is broken now), usage_error (never said).
  void add_breaker(task_id task = current_task()) {
    detail::check(structio_lot_add_breaker(&raw_, task));
  }
  void remove_breaker(task_id task = current_task()) {
    detail::check(structio_lot_remove_breaker(&raw_, task));
  }

  /// On whose behalf it was broken, in order, repeats included. Empty: it is whole.
  std::vector<task_id> broken_by() const {
    std::vector<task_id> ids(counted(structio_lot_broken_by(&raw_, nullptr, 0)));
    structio_lot_broken_by(&raw_, ids.data(), ids.size());
    return ids;
  }

  structio_lot* native() noexcept { return &raw_; }

 private:
  static std::size_t counted(std::int64_t status) {
    return static_cast<std::size_t>(detail::check(status));
  }

  structio_lot raw_;
};

}  // namespace v0
}  // namespace structio
