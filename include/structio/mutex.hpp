// Mutexes between tasks of a run; they go with std::scoped_lock, std::unique_lock and
// std::lock_guard.
#pragma once

#include <structio/structio_sync.h>
#include <structio/detail/status.hpp>

#include <cstddef>

namespace structio {
inline namespace v0 {

/// Mutual exclusion between tasks. Not recursive; handed over at unlock to the task that has waited
/// longest. When a task ends with it locked it breaks: who waits or comes later gets broken_error,
/// which names that task. Who still waits when it is destroyed gets the same.
///
///     structio::mutex m;
///     std::scoped_lock lock(m);      a checkpoint, as m.lock() is
class mutex {
 public:
  mutex() { detail::check(structio_mutex_init(&raw_)); }
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;
  ~mutex() { structio_mutex_discard(&raw_); }

  /// Waits until the mutex is the calling task's. Checkpoint. Throws `cancelled`, broken_error,
  /// usage_error (the task has it already; another run's).
  void lock() {
    detail::blocking([this] { return structio_mutex_lock(&raw_); });
  }

  /// The same without waiting: false when another task has it. Throws broken_error, usage_error.
  bool try_lock() {
    const int status = structio_mutex_try_lock(&raw_);
    return status != STRUCTIO_EWOULDBLOCK && detail::check(status) == 0;
  }

  /// Throws usage_error when the task does not have it. No guard meets that by itself: a mutex that
  /// broke while the task waited in a condition is let go of silently, and while an exception is on
  /// its way nothing is thrown.
  void unlock() {
    const int status = structio_mutex_unlock(&raw_);
    if (status < 0 && status != STRUCTIO_EBROKEN && !detail::must_not_throw()) [[unlikely]]
      detail::throw_status(status);
  }

  /// True when a task has it.
  bool locked() const noexcept { return structio_mutex_locked(&raw_) == 1; }

  struct statistics_type {
    bool locked = false;
    bool broken = false;
    structio_task_id owner = 0;  ///< 0: none; of a broken one: the task whose end broke it
    std::size_t waiting = 0;
  };
  statistics_type statistics() const {
    structio_mutex_statistics s{};
    s.struct_size = sizeof s;
    detail::check(structio_mutex_get_statistics(&raw_, &s));
    return {s.locked != 0, s.broken != 0, s.owner, static_cast<std::size_t>(s.waiting)};
  }

  structio_mutex* native() noexcept { return &raw_; }

 private:
  structio_mutex raw_;
};

/// Says that the order matters here, where `mutex` merely has it.
using strict_fifo_mutex = mutex;

}  // namespace v0
}  // namespace structio
