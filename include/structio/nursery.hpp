// Nurseries: the only place where tasks live.
//
//     structio::open_nursery([&](structio::nursery& n) {
//       n.start_soon(serve_one, std::move(conn));
//       n.start_soon([&] { count += fetch(url); });
//     });                                      // nobody leaves before every child has ended
//
// Always true: a nursery's block ends when its body and every child have ended. If any of them
// fails, the nursery's scope is cancelled, all are awaited, and what failed is thrown together as
// an exception_group, even when it was only one.
#pragma once

#include <structio/structio.h>
#include <structio/detail/trampoline.hpp>
#include <structio/error.hpp>
#include <structio/group.hpp>
#include <structio/scope.hpp>
#include <structio/task.hpp>
#include <structio/task_status.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {

struct task_options {
  const char* name = nullptr;  ///< copied; null: as the starter's
  std::size_t stack_size = 0;  ///< bytes, guard included; 0: the run's default
};

template <class T>
class task_handle;

namespace detail {
struct nursery_access;

inline structio_task_options to_c(const task_options& options) noexcept {
  structio_task_options raw = STRUCTIO_TASK_OPTIONS_INIT;
  raw.name = options.name;
  raw.stack_size = options.stack_size;
  return raw;
}
}  // namespace detail

/// Owns child tasks. Made by open_nursery only; passed by reference to whoever may start children,
/// which any task of the run can until the nursery has ended. Callables are moved (with their
/// arguments, decayed) to the child's own stack: starting a task allocates nothing on the heap.
/// What children refer to must be declared outside of the nursery's body.
class nursery final {
 public:
  nursery(const nursery&) = delete;
  nursery& operator=(const nursery&) = delete;

  /// Starts `fn(args...)` as a child. It does not run before the caller's next checkpoint. It
  /// inherits the caller's task-locals and the nursery's scopes (not the caller's). Its value is
  /// dropped. Throws closed_error (the nursery has ended), std::bad_alloc. Any task or hook.
  template <class Fn, class... Args>
  requires std::is_invocable_v<std::decay_t<Fn>, std::decay_t<Args>...>
  void start_soon(Fn&& fn, Args&&... args) {
    start_soon(task_options{}, std::forward<Fn>(fn), std::forward<Args>(args)...);
  }
  template <class Fn, class... Args>
  requires std::is_invocable_v<std::decay_t<Fn>, std::decay_t<Args>...>
  void start_soon(const task_options& options, Fn&& fn, Args&&... args) {
    spawn(options, &structio_nursery_spawn,
          detail::bind_call(std::forward<Fn>(fn), std::forward<Args>(args)...));
  }

  /// Starts a child that is cancelled once the body and every ordinary child have ended.
  template <class Fn, class... Args>
  requires std::is_invocable_v<std::decay_t<Fn>, std::decay_t<Args>...>
  void start_service(Fn&& fn, Args&&... args) {
    start_service(task_options{}, std::forward<Fn>(fn), std::forward<Args>(args)...);
  }
  template <class Fn, class... Args>
  requires std::is_invocable_v<std::decay_t<Fn>, std::decay_t<Args>...>
  void start_service(const task_options& options, Fn&& fn, Args&&... args) {
    spawn(options, &structio_nursery_start_service,
          detail::bind_call(std::forward<Fn>(fn), std::forward<Args>(args)...));
  }

  /// Starts `fn(status, args...)`, where `status` is a task_status<T>&, waits until it calls
  /// status.started(value) and returns that value. Until then it runs in the caller's scopes and
  /// its exception is the caller's own, not in a group; afterwards it is the nursery's child.
  /// Checkpoint; the wait ends only with the child. Throws closed_error, usage_error (it ended
  /// without calling started), `cancelled`, what the child threw.
  template <class T = void, class Fn, class... Args>
  requires std::is_invocable_v < std::decay_t<Fn>, task_status<T>
  &, std::decay_t<Args>... > T start(Fn&& fn, Args&&... args) {
    return start<T>(task_options{}, std::forward<Fn>(fn), std::forward<Args>(args)...);
  }
  template <class T = void, class Fn, class... Args>
  requires std::is_invocable_v < std::decay_t<Fn>, task_status<T>
  &, std::decay_t<Args>... > T start(const task_options& options, Fn&& fn, Args&&... args) {
    std::conditional_t<std::is_void_v<T>, bool, std::optional<T>> slot{};
    auto call = [inner = detail::bind_call(std::forward<Fn>(fn), std::forward<Args>(args)...),
                 &slot]() mutable {
      task_status<T> status(&slot);
      inner(status);
    };
    using stored = detail::stored<decltype(call)>;
    stored moved(std::move(call));
    structio_task_options raw = detail::to_c(options);
    detail::use_storage<stored>(raw);
    const int status = detail::uncancelled_in_cleanup([&] {
      return structio_nursery_start(&storage_, &raw, &detail::enter_stored<stored>, &moved,
                                    nullptr);
    });
    if (status < 0) detail::throw_in_flight(status);
    if constexpr (!std::is_void_v<T>) return *std::move(slot);
  }

  /// Starts `fn(args...)` as a child and gives a handle to it: join, get, cancel for that task
  /// alone. Its failure still is the nursery's as well.
  template <class Fn, class... Args>
  requires std::is_invocable_v<std::decay_t<Fn>, std::decay_t<Args>...>
  [[nodiscard]] auto start_task(Fn&& fn, Args&&... args) {
    return start_task(task_options{}, std::forward<Fn>(fn), std::forward<Args>(args)...);
  }
  template <class Fn, class... Args>
  requires std::is_invocable_v<std::decay_t<Fn>, std::decay_t<Args>...>
  [[nodiscard]] auto start_task(const task_options& options, Fn&& fn, Args&&... args)
      -> task_handle<std::decay_t<std::invoke_result_t<std::decay_t<Fn>, std::decay_t<Args>...>>>;

  /// The nursery's own scope: cancel, stop, deadline, shield.
  scope_ref cancel_scope() noexcept { return scope_ref(structio_nursery_scope(&storage_)); }

  structio_nursery* native() noexcept { return &storage_; }

 private:
  friend struct detail::nursery_access;
  explicit nursery(const structio_scope_options& options) {
    detail::check(structio_nursery_open_with(&storage_, &options));
  }
  ~nursery() = default;

  template <class Call>
  void spawn(const task_options& options, decltype(&structio_nursery_spawn) how, Call&& call) {
    using stored = detail::stored<std::decay_t<Call>>;
    stored moved(std::move(call));
    structio_task_options raw = detail::to_c(options);
    detail::use_storage<stored>(raw);
    detail::check(how(&storage_, &raw, &detail::enter_stored<stored>, &moved));
  }

  structio_nursery storage_;
};

namespace detail {

/// Ends a nursery with what its body threw, and throws what is left of everything.
inline void close_nursery(structio_nursery* storage, const std::exception_ptr& thrown) {
  caught_failure caught;
  if (thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (...) {
      caught = current_failure();
    }
  }
  structio_failure* raw = caught.why.release();
  const int left = structio_nursery_close(storage, caught.status, &raw);
  const failure why(raw);
  if (left >= 0) return;
  if (why.kind() == failure_kind::group) throw exception_group(why);
  if (thrown) std::rethrow_exception(thrown);
  if (why) throw_failure(why);
  throw_status(left);
}

struct nursery_access {
  template <class Body>
  static outcome<body_result_t<Body, nursery>> open(const structio_scope_options& options,
                                                    Body&& body) {
    using value = body_result_t<Body, nursery>;
    outcome<value> result{};
    nursery block(options);
    std::exception_ptr thrown;
    {
      const unwind_floor floor;
      thrown = capture<value>(result, std::forward<Body>(body), block);
    }
    close_nursery(&block.storage_, thrown);
    return result;
  }
};

}  // namespace detail

/// Opens a nursery, runs `body(nursery)` in it and waits for every child. Declare what children
/// refer to before this call, not inside the body. Returns std::optional of the body's value, or
/// bool for a body without one: empty or false when the nursery's own scope was cancelled and that
/// cut the body off. Gives way at least once, but is no cancel point of its own. Throws
/// exception_group: what the body and the children threw; `cancelled` when an enclosing scope is
/// cancelled and nothing else failed.
template <class Body>
requires detail::body_for<Body, nursery>
auto open_nursery(Body&& body) {
  const structio_scope_options raw = STRUCTIO_SCOPE_OPTIONS_INIT;
  return detail::nursery_access::open(raw, std::forward<Body>(body));
}

/// The same, with options for the nursery's own scope.
template <class Body>
requires detail::body_for<Body, nursery>
auto open_nursery(const scope_options& options, Body&& body) {
  return detail::nursery_access::open(detail::to_c(options), std::forward<Body>(body));
}

/// Starts a task that belongs to the run itself: outside of every nursery and scope, with the
/// task-locals that the run began with, cancelled when the main task has ended. If it fails, the
/// run fails with internal_error. Throws closed_error (the run is ending). Any task or hook.
template <class Fn, class... Args>
requires std::is_invocable_v<std::decay_t<Fn>, std::decay_t<Args>...>
void start_system_task(const task_options& options, Fn&& fn, Args&&... args) {
  auto call = detail::bind_call(std::forward<Fn>(fn), std::forward<Args>(args)...);
  using stored = detail::stored<decltype(call)>;
  stored moved(std::move(call));
  structio_task_options raw = detail::to_c(options);
  detail::use_storage<stored>(raw);
  detail::check(structio_start_system_task(&raw, &detail::enter_stored<stored>, &moved));
}
template <class Fn, class... Args>
requires std::is_invocable_v<std::decay_t<Fn>, std::decay_t<Args>...>
void start_system_task(Fn&& fn, Args&&... args) {
  start_system_task(task_options{}, std::forward<Fn>(fn), std::forward<Args>(args)...);
}

}  // namespace v0
}  // namespace structio

#include <structio/task_handle.hpp>
