// Events: something that happens once, and the tasks that wait for it.
#pragma once

#include <structio/structio_sync.h>
#include <structio/detail/status.hpp>

#include <cstddef>

namespace structio {
inline namespace v0 {

/// Something that happens once: there is no way back, so that nobody can miss it. Must outlive the
/// tasks that wait for it; who still waits when it is destroyed gets broken_error.
///
///     structio::event ready;
///     nursery.start_soon([&] { prepare(); ready.set(); });
///     ready.wait();
class event {
 public:
  event() { detail::check(structio_event_init(&raw_)); }
  event(const event&) = delete;
  event& operator=(const event&) = delete;
  ~event() { structio_event_discard(&raw_); }

  /// Would be true for every event: ask is_set().
  explicit operator bool() const = delete;

  /// Wakes all who wait; who comes later does not wait. Again: nothing. Any task or hook. Throws
  /// usage_error (another run's).
  void set() { detail::check(structio_event_set(&raw_)); }

  bool is_set() const noexcept { return structio_event_is_set(&raw_) == 1; }

  /// Waits until it has been set. Checkpoint. Throws `cancelled`, usage_error (another run's).
  void wait() {
    detail::blocking([this] { return structio_event_wait(&raw_); });
  }

  struct statistics_type {
    std::size_t waiting = 0;  ///< waits: a select with two such cases counts twice
  };
  statistics_type statistics() const {
    structio_event_statistics s{};
    s.struct_size = sizeof s;
    detail::check(structio_event_get_statistics(&raw_, &s));
    return {static_cast<std::size_t>(s.waiting)};
  }

  structio_event* native() noexcept { return &raw_; }

 private:
  structio_event raw_;
};

}  // namespace v0
}  // namespace structio
