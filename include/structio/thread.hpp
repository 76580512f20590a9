// Threads in both directions: run_in_thread() for what would block the run, from_thread for what
// such a thread wants of the run.
//
//     auto digest = structio::run_in_thread([&] {        // other tasks run meanwhile
//       for (auto& block : blocks) {
//         structio::from_thread::check_cancelled();      // throws, if the task is cancelled
//         sha.update(block);
//         structio::from_thread::call([&] { progress.notify(); });   // in the waiting task
//       }
//       return sha.finish();
//     });
#pragma once

#include <structio/structio.h>
#include <structio/structio_thread.h>
#include <structio/detail/call_frame.hpp>
#include <structio/error.hpp>
#include <structio/limiter.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {

/// A limiter that lives elsewhere: one's own capacity_limiter, or a run's default.
class limiter_ref {
 public:
  limiter_ref() = default;
  limiter_ref(capacity_limiter& limiter) noexcept : raw_(limiter.native()) {}
  explicit limiter_ref(structio_limiter* raw) noexcept : raw_(raw) {}

  std::int64_t total() const { return detail::check(structio_limiter_total(raw_)); }
  /// Raising lets in who waits, at once; lowering takes nothing away. Any task or hook.
  void set_total(std::int64_t total) const {
    detail::check(structio_limiter_set_total(raw_, total));
  }
  /// How many tokens are borrowed.
  std::int64_t borrowed() const {
    structio_limiter_statistics now{};
    now.struct_size = sizeof now;
    detail::check(structio_limiter_get_statistics(raw_, &now));
    return now.borrowed;
  }

  structio_limiter* native() const noexcept { return raw_; }

 private:
  structio_limiter* raw_ = nullptr;
};

struct thread_options {
  limiter_ref limiter = {};        ///< a capacity_limiter; none: default_thread_limiter()
  const char* name = nullptr;      ///< of the thread; null: the calling task's
  bool abandon_on_cancel = false;  ///< see run_in_thread
};

namespace detail {

inline structio_thread_options to_c(const thread_options& options) noexcept {
  structio_thread_options raw = STRUCTIO_THREAD_OPTIONS_INIT;
  raw.limiter = options.limiter.native();
  raw.name = options.name;
  raw.abandon_on_cancel = options.abandon_on_cancel ? 1 : 0;
  return raw;
}

/// Of a thread that may be left alone: shared by the caller and the thread. The callable is
/// destroyed on the thread, the result by whoever is last.
template <class Fn>
class shared_call {
 public:
  using value = std::decay_t<std::invoke_result_t<Fn&>>;

  template <class F>
  explicit shared_call(F&& fn) {
    ::new (static_cast<void*>(storage_)) Fn(std::forward<F>(fn));
  }
  shared_call(const shared_call&) = delete;
  shared_call& operator=(const shared_call&) = delete;

  static int entry(void* arg) noexcept {
    auto& self = *static_cast<shared_call*>(arg);
    return enter([&self] { call_into_outcome<value>(self.result, self.fn()); });
  }

  static void drop(void* arg) noexcept {
    auto* self = static_cast<shared_call*>(arg);
    std::destroy_at(&self->fn());
    self->release();
  }

  void release() noexcept {
    if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  outcome<value> result{};

 private:
  ~shared_call() = default;
  Fn& fn() noexcept { return *std::launder(reinterpret_cast<Fn*>(storage_)); }

  std::atomic<int> users_{2};
  alignas(Fn) unsigned char storage_[sizeof(Fn)];
};

template <class Fn>
auto run_abandonable(structio_thread_options& raw, Fn&& fn) {
  using shared = shared_call<std::decay_t<Fn>>;
  auto* held = new shared(std::forward<Fn>(fn));
  const auto release = [](shared* one) { one->release(); };
  const std::unique_ptr<shared, decltype(release)> guard(held, release);
  raw.drop = &shared::drop;
  const int status =
      uncancelled_in_cleanup([&] { return structio_run_in_thread(&shared::entry, held, &raw); });
  if (status < 0) throw_in_flight(status);
  if constexpr (!std::is_void_v<typename shared::value>) return *std::move(held->result);
}

}  // namespace detail

/// Runs `fn()` on a worker thread and returns its value, or throws the very exception that left it,
/// when it has ended. It sees a copy of the task's locals; what it sets does not come back.
///
/// A cancellation does not end the wait: the value is returned, and the next checkpoint throws
/// `cancelled`; the function may ask by from_thread::check_cancelled(). With abandon_on_cancel the
/// call throws `cancelled` at once, and the thread goes on alone: what the function refers to must
/// then outlive it, so capture by value; it is moved to the heap, and destroyed on the thread.
///
/// Checkpoint. Throws `cancelled` (and starts no thread when cancelled before), `error` with
/// EAGAIN (the system has no thread), what `fn` threw.
template <class Fn>
requires std::is_invocable_v<Fn> std::decay_t<std::invoke_result_t<Fn>> run_in_thread(
    const thread_options& options, Fn&& fn) {
  structio_thread_options raw = detail::to_c(options);
  if (options.abandon_on_cancel) return detail::run_abandonable(raw, std::forward<Fn>(fn));
  detail::call_frame<Fn> frame{std::addressof(fn)};
  const int status = detail::uncancelled_in_cleanup(
      [&] { return structio_run_in_thread(&decltype(frame)::entry, &frame, &raw); });
  if (status < 0) detail::throw_in_flight(status);
  return std::move(frame).value();
}

template <class Fn>
requires std::is_invocable_v<Fn> std::decay_t<std::invoke_result_t<Fn>> run_in_thread(Fn&& fn) {
  return run_in_thread(thread_options{}, std::forward<Fn>(fn));
}

/// For functions that run_in_thread() runs; on any other thread these throw usage_error.
namespace from_thread {

/// Runs `fn()` inside the run, in the very task that waits for this thread: in its scopes, with its
/// locals; or in a system task, when that one has abandoned the thread. Blocks the thread; returns
/// the value of `fn`, or throws what it threw. Throws run_finished after abandonment.
template <class Fn>
requires std::is_invocable_v<Fn> std::decay_t<std::invoke_result_t<Fn>> call(Fn&& fn) {
  detail::call_frame<Fn> frame{std::addressof(fn)};
  const int status = structio_thread_call(&decltype(frame)::entry, &frame);
  if (status < 0) detail::throw_in_flight(status);
  return std::move(frame).value();
}

/// Throws `cancelled`, with its reason, when the task that waits for this thread is cancelled, or
/// was until it abandoned it; `interrupted` when the user pressed Ctrl-C. Let it pass:
/// run_in_thread() throws it on. Cheap.
inline void check_cancelled() {
  detail::check(structio_thread_check_cancelled());
}

}  // namespace from_thread

/// The run's own limiter, with 40 tokens unless that is changed. Throws usage_error outside of a
/// run, std::bad_alloc.
inline limiter_ref default_thread_limiter() {
  structio_limiter* own = structio_default_thread_limiter();
  if (own == nullptr) detail::throw_status(structio_in_run() ? STRUCTIO_ENOMEM : STRUCTIO_ENOTASK);
  return limiter_ref(own);
}

}  // namespace v0
}  // namespace structio
