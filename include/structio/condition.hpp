// Conditions: waiting until what a mutex protects has changed.
#pragma once

#include <structio/mutex.hpp>
#include <structio/time.hpp>

#include <cstddef>
#include <utility>

namespace structio {
inline namespace v0 {

/// Waits for changes of what `m` protects; several conditions may share a mutex. Whoever is
/// notified gets the mutex in his turn, so that nobody wakes only to wait again. Declare it after
/// the mutex.
///
///     std::unique_lock lock(m);
///     changed.wait([&] { return !queue.empty(); });
class condition {
 public:
  explicit condition(mutex& m) { detail::check(structio_condition_init(&raw_, m.native())); }
  condition(const condition&) = delete;
  condition& operator=(const condition&) = delete;
  ~condition() { structio_condition_discard(&raw_); }

  /// Gives the mutex up and waits for a notification. The task has the mutex again afterwards,
  /// also when this throws, unless the mutex broke. Checkpoint. Throws `cancelled`, broken_error,
  /// usage_error (the task does not have the mutex).
  void wait() {
    detail::blocking([this] { return structio_condition_wait(&raw_); });
  }

  /// Waits until `predicate()` is true; it is asked with the mutex held. Looks for cancellation
  /// also when it is true at once.
  template <class Predicate>
  void wait(Predicate predicate) {
    checkpoint_if_cancelled();
    while (!predicate()) wait();
  }

  /// Lets the first `count` go on, once they get the mutex; returns how many there were. The
  /// calling task keeps the mutex. Throws usage_error (it does not have it).
  std::size_t notify(std::size_t count) {
    return static_cast<std::size_t>(detail::check(structio_condition_notify(&raw_, count)));
  }
  bool notify_one() { return notify(1) == 1; }
  std::size_t notify_all() { return notify(STRUCTIO_ALL); }

  struct statistics_type {
    std::size_t waiting = 0;  ///< those who have not been notified
  };
  statistics_type statistics() const {
    structio_condition_statistics s{};
    s.struct_size = sizeof s;
    detail::check(structio_condition_get_statistics(&raw_, &s));
    return {static_cast<std::size_t>(s.waiting)};
  }

  structio_condition* native() noexcept { return &raw_; }

 private:
  structio_condition raw_;
};

}  // namespace v0
}  // namespace structio
