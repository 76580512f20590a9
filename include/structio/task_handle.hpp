// Handles to single children: waiting for one, its value, cancelling it alone. Included by
// nursery.hpp.
// Always true: a handle never lets a task outlive its nursery and never keeps a stack alive; the
// value lives in a cell of its own, shared by the task and the handle.
#pragma once

#include <structio/nursery.hpp>

#include <atomic>
#include <optional>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {

namespace detail {

/// Result of a task, counted: the task may end after the handle is gone, and the other way round.
template <class T>
struct result_cell {
  std::atomic<int> users{2};
  outcome<T> value{};

  static void release(result_cell* cell) noexcept {
    if (cell->users.fetch_sub(1, std::memory_order_acq_rel) == 1) delete cell;
  }
};

template <class T>
class cell_owner {
 public:
  explicit cell_owner(result_cell<T>* cell) noexcept : cell_(cell) {}
  cell_owner(cell_owner&& other) noexcept : cell_(std::exchange(other.cell_, nullptr)) {}
  cell_owner& operator=(cell_owner&& other) noexcept {
    cell_owner taken(std::move(other));  // goes with what was here before
    std::swap(cell_, taken.cell_);
    return *this;
  }
  ~cell_owner() {
    if (cell_ != nullptr) result_cell<T>::release(cell_);
  }
  result_cell<T>* operator->() const noexcept { return cell_; }

 private:
  result_cell<T>* cell_;
};

}  // namespace detail

/// A child that was started with start_task. Movable. Destroying it forgets the task, which goes
/// on.
template <class T>
class task_handle {
 public:
  task_handle(task_handle&& other) noexcept
      : task_(std::exchange(other.task_, nullptr)), cell_(std::move(other.cell_)) {}
  task_handle& operator=(task_handle&& other) noexcept {
    task_handle taken(std::move(other));  // goes with what was here before
    std::swap(task_, taken.task_);
    cell_ = std::move(taken.cell_);
    return *this;
  }
  ~task_handle() {
    if (task_ != nullptr) structio_task_free(task_);
  }

  /// Waits until the task has ended, well or not. May be called by several tasks, and again.
  /// Checkpoint. Throws `cancelled` (the caller is), usage_error (a task waiting for itself).
  void join() const { static_cast<void>(wait()); }

  /// Waits, and gives the value; it stays in the handle. Throws what the task threw,
  /// task_cancelled when it was cancelled, and as join(). Checkpoint.
  decltype(auto) get() const {
    const failure why = wait();
    if (why) {
      if (why.kind() == failure_kind::cancelled) throw task_cancelled(why);
      // In flight, so that the nursery sees that it is the same failure, should it get there.
      structio_failure_raise(failure(why).release());
      detail::throw_failure(why);
    }
    if constexpr (!std::is_void_v<T>) return static_cast<const T&>(*cell_->value);
  }

  /// The same, but moves the value out of the handle.
  T take() {
    static_cast<void>(get());
    if constexpr (!std::is_void_v<T>) return *std::move(cell_->value);
  }

  /// Cancels that task alone; nothing happens once it has ended. Any task or hook of the run.
  void cancel(const char* reason = nullptr) const {
    detail::check(structio_task_cancel(task_, reason));
  }

  /// True when it has ended.
  bool done() const { return detail::check(structio_task_done(task_)) == 1; }

  task_id id() const {
    task_id result = 0;
    detail::check(structio_task_get_id(task_, &result));
    return result;
  }

  structio_task* native() const noexcept { return task_; }

 private:
  friend class nursery;
  explicit task_handle(detail::cell_owner<T>&& cell) noexcept : cell_(std::move(cell)) {}

  /// Why the task failed, if it did. The library gives that failure only when it is the task's.
  failure wait() const {
    structio_failure* raw = nullptr;
    detail::blocking([&]() -> int {
      const int status = structio_task_join(task_, &raw);
      return raw != nullptr ? 0 : status;
    });
    return failure(raw);
  }

  structio_task* task_ = nullptr;
  detail::cell_owner<T> cell_;
};

template <class Fn, class... Args>
requires std::is_invocable_v<std::decay_t<Fn>, std::decay_t<Args>...>
auto nursery::start_task(const task_options& options, Fn&& fn, Args&&... args)
    -> task_handle<std::decay_t<std::invoke_result_t<std::decay_t<Fn>, std::decay_t<Args>...>>> {
  using value = std::decay_t<std::invoke_result_t<std::decay_t<Fn>, std::decay_t<Args>...>>;
  auto inner = detail::bind_call(std::forward<Fn>(fn), std::forward<Args>(args)...);
  auto* cell = new detail::result_cell<value>;
  detail::cell_owner<value> of_task(cell);
  task_handle<value> handle{detail::cell_owner<value>(cell)};
  auto call = [inner = std::move(inner), owner = std::move(of_task)]() mutable {
    if constexpr (std::is_void_v<value>) {
      inner();
      owner->value = true;
    } else {
      owner->value.emplace(inner());
    }
  };
  using stored = detail::stored<decltype(call)>;
  stored moved(std::move(call));
  structio_task_options raw = detail::to_c(options);
  detail::use_storage<stored>(raw);
  detail::check(structio_nursery_start_task(&storage_, &raw, &detail::enter_stored<stored>, &moved,
                                            &handle.task_));
  return handle;
}

}  // namespace v0
}  // namespace structio
