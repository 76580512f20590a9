// Portals: how other threads reach a run.
#pragma once

#include <structio/structio.h>
#include <structio/detail/call_frame.hpp>
#include <structio/detail/trampoline.hpp>
#include <structio/error.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {

/// A handle through which any thread reaches the run that it was made in. As long as one exists no
/// deadlock is reported, since somebody may call. Movable; posting is thread-safe.
class portal {
 public:
  /// To the calling task's run. Throws usage_error outside of a task.
  portal() { detail::check(structio_portal_new(&raw_)); }
  portal(portal&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  portal& operator=(portal&& other) noexcept {
    portal taken(std::move(other));  // goes with what was here before
    std::swap(raw_, taken.raw_);
    return *this;
  }
  ~portal() {
    if (raw_ != nullptr) structio_portal_free(raw_);
  }

  /// Queues `fn()`: all of one thread's calls run in order, in the next pass of the run, inside
  /// the run but outside of tasks, so it must not block; it may start tasks, wake them and cancel
  /// scopes. What it throws cancels the main task and ends the run with internal_error. What was
  /// accepted is run, even if the main task ends meanwhile. Any thread. Throws run_finished.
  template <class Fn>
  requires std::is_invocable_v < std::decay_t<Fn>
  & > void post(Fn&& fn) {
    using function = std::decay_t<Fn>;
    auto owned = std::make_unique<function>(std::forward<Fn>(fn));
    const structio_post_fn entry = [](void* arg) noexcept -> int {
      std::unique_ptr<function> call(static_cast<function*>(arg));
      detail::caught_failure caught = detail::failure_thrown_by(*call);
      call.reset();
      return detail::raise(std::move(caught));
    };
    detail::check(structio_portal_post(raw_, entry, owned.get()));
    owned.release();
  }

  /// Queues `fn(arg)` as a callback of the C ABI, without allocating.
  void post(structio_post_fn fn, void* arg) { detail::check(structio_portal_post(raw_, fn, arg)); }

  /// The same, unless the same `fn` and `arg` are queued by this function and have not begun.
  void post_once(structio_post_fn fn, void* arg) {
    detail::check(structio_portal_post_once(raw_, fn, arg));
  }

  /// Runs `fn()` in a system task of the run, where it may wait, and blocks this thread until it
  /// has ended; returns its value, or throws what it threw. Any thread that is outside of a run.
  /// Throws `cancelled` (the main task has ended meanwhile), run_finished (`fn` was not called),
  /// usage_error (inside a run).
  template <class Fn>
  requires std::is_invocable_v<Fn> std::decay_t<std::invoke_result_t<Fn>> call(Fn&& fn) {
    detail::call_frame<Fn> frame{std::addressof(fn)};
    structio_failure* raw_why = nullptr;
    const int status = structio_portal_call(raw_, &decltype(frame)::entry, &frame, &raw_why);
    const failure why(raw_why);
    if (status < 0 && why) detail::throw_failure(why);
    detail::check(status);
    return std::move(frame).value();
  }

  structio_portal* native() const noexcept { return raw_; }

 private:
  structio_portal* raw_ = nullptr;
};

}  // namespace v0
}  // namespace structio
