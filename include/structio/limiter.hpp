// Capacity limiters: so many at a time, and it is known who.
#pragma once

#include <structio/structio_sync.h>
#include <structio/detail/status.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {

/// A number of tokens, each lent to a known borrower, who has one at most: a task, or an object on
/// whose behalf a task acts (a pointer, which is compared and never looked at). The total may be
/// changed while it is in use. Who still waits when it is destroyed gets broken_error.
///
///     structio::capacity_limiter connections(20);
///     auto held = connections.hold();      given back at the end of the block
class capacity_limiter {
 public:
  static constexpr std::int64_t unlimited = STRUCTIO_UNLIMITED;

  /// Throws std::invalid_argument (negative).
  explicit capacity_limiter(std::int64_t total) {
    detail::check(structio_limiter_init(&raw_, total));
  }
  capacity_limiter(const capacity_limiter&) = delete;
  capacity_limiter& operator=(const capacity_limiter&) = delete;
  ~capacity_limiter() { structio_limiter_discard(&raw_); }

  /// Borrows a token for the calling task. Checkpoint. Throws `cancelled`, usage_error (it has one
  /// already; another run's), std::bad_alloc.
  void acquire() {
    detail::blocking([this] { return structio_limiter_acquire(&raw_); });
  }
  void acquire_on_behalf(const void* borrower) {
    detail::blocking([&] { return structio_limiter_acquire_on_behalf(&raw_, borrower); });
  }

  /// The same without waiting: false when no token is free.
  bool try_acquire() { return got(structio_limiter_try_acquire(&raw_)); }
  bool try_acquire_on_behalf(const void* borrower) {
    return got(structio_limiter_try_acquire_on_behalf(&raw_, borrower));
  }

  /// Gives a token back. Throws usage_error (the borrower has none).
  void release() { detail::check(structio_limiter_release(&raw_)); }
  void release_on_behalf(const void* borrower) {
    detail::check(structio_limiter_release_on_behalf(&raw_, borrower));
  }

  /// Owns a token, and gives it back when it goes: in the task that borrowed it, unless it is an
  /// object's.
  class guard {
   public:
    guard(guard&& other) noexcept
        : of_(std::exchange(other.of_, nullptr)), borrower_(other.borrower_) {}
    guard& operator=(guard&& other) noexcept {
      guard before(std::move(*this));
      of_ = std::exchange(other.of_, nullptr);
      borrower_ = other.borrower_;
      return *this;
    }
    ~guard() { release(); }

    /// Gives it back before; again: nothing.
    void release() noexcept {
      if (of_ == nullptr) return;
      structio_limiter* of = std::exchange(of_, nullptr);
      if (borrower_ == nullptr) {
        structio_limiter_release(of);
      } else {
        structio_limiter_release_on_behalf(of, borrower_);
      }
    }

   private:
    friend class capacity_limiter;
    guard(structio_limiter* of, const void* borrower) noexcept : of_(of), borrower_(borrower) {}
    structio_limiter* of_;
    const void* borrower_;  ///< null: the task
  };

  /// Acquires for the rest of a block. Checkpoint, as acquire.
  [[nodiscard]] guard hold() {
    acquire();
    return guard(&raw_, nullptr);
  }
  [[nodiscard]] guard hold_on_behalf(const void* borrower) {
    acquire_on_behalf(borrower);
    return guard(&raw_, borrower);
  }

  std::int64_t total() const { return detail::check(structio_limiter_total(&raw_)); }

  /// Raising lets in who waits, at once; lowering takes nothing away. Any task or hook. Throws
  /// std::invalid_argument (negative).
  void set_total(std::int64_t total) { detail::check(structio_limiter_set_total(&raw_, total)); }

  struct statistics_type {
    std::int64_t total = 0;
    std::int64_t borrowed = 0;
    std::int64_t available = 0;  ///< may be negative; `unlimited` stays so
    std::size_t waiting = 0;
  };
  statistics_type statistics() const {
    structio_limiter_statistics s{};
    s.struct_size = sizeof s;
    detail::check(structio_limiter_get_statistics(&raw_, &s));
    return {s.total, s.borrowed, s.available, static_cast<std::size_t>(s.waiting)};
  }

  /// Who has a token, in no order: a task, or an object.
  std::vector<structio_borrower> borrowers() const {
    std::vector<structio_borrower> all(
        static_cast<std::size_t>(detail::check(structio_limiter_borrowers(&raw_, nullptr, 0))));
    structio_limiter_borrowers(&raw_, all.data(), all.size());
    return all;
  }

  structio_limiter* native() noexcept { return &raw_; }

 private:
  static bool got(int status) {
    return status != STRUCTIO_EWOULDBLOCK && detail::check(status) == 0;
  }

  structio_limiter raw_;
};

}  // namespace v0
}  // namespace structio
