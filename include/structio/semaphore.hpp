// Semaphores: so many at a time, whoever they are.
#pragma once

#include <structio/structio_sync.h>
#include <structio/detail/status.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace structio {
inline namespace v0 {

/// A number of units that tasks take and give back. A unit that is given back goes directly to the
/// task that has waited longest. Who still waits when it is destroyed gets broken_error.
///
///     structio::semaphore slots(10);
///     auto slot = slots.hold();      given back at the end of the block
class semaphore {
 public:
  static constexpr std::int64_t unlimited = STRUCTIO_UNLIMITED;

  /// `initial` units to begin with, never more than `max`. Throws std::invalid_argument.
  explicit semaphore(std::int64_t initial, std::int64_t max = unlimited) {
    detail::check(structio_semaphore_init(&raw_, initial, max));
  }
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;
  ~semaphore() { structio_semaphore_discard(&raw_); }

  /// Takes a unit, when there is one. Checkpoint. Throws `cancelled`, usage_error (another run's).
  void acquire() {
    detail::blocking([this] { return structio_semaphore_acquire(&raw_); });
  }

  /// The same without waiting: false when there is none. Any task or hook.
  bool try_acquire() {
    const int status = structio_semaphore_try_acquire(&raw_);
    return status != STRUCTIO_EWOULDBLOCK && detail::check(status) == 0;
  }

  /// Hands a unit to who has waited longest, or puts it back. Any task or hook. Throws
  /// std::invalid_argument when all are back already.
  void release() { detail::check(structio_semaphore_release(&raw_)); }

  /// Owns a unit, and gives it back when it goes.
  class guard {
   public:
    guard(guard&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    guard& operator=(guard&& other) noexcept {
      guard before(std::move(*this));
      of_ = std::exchange(other.of_, nullptr);
      return *this;
    }
    ~guard() { release(); }

    /// Gives it back before; again: nothing.
    void release() noexcept {
      if (of_ != nullptr) structio_semaphore_release(std::exchange(of_, nullptr));
    }

   private:
    friend class semaphore;
    explicit guard(structio_semaphore* of) noexcept : of_(of) {}
    structio_semaphore* of_;
  };

  /// Acquires for the rest of a block. Checkpoint, as acquire.
  [[nodiscard]] guard hold() {
    acquire();
    return guard(&raw_);
  }

  std::int64_t value() const { return detail::check(structio_semaphore_value(&raw_)); }

  struct statistics_type {
    std::int64_t value = 0;
    std::int64_t max = 0;
    std::size_t waiting = 0;
  };
  statistics_type statistics() const {
    structio_semaphore_statistics s{};
    s.struct_size = sizeof s;
    detail::check(structio_semaphore_get_statistics(&raw_, &s));
    return {s.value, s.max, static_cast<std::size_t>(s.waiting)};
  }

  structio_semaphore* native() noexcept { return &raw_; }

 private:
  structio_semaphore raw_;
};

}  // namespace v0
}  // namespace structio
