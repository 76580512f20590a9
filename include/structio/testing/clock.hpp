// Virtual time: clocks that stand still, jump, or run at a rate of their own, and waiting until
// everybody waits. Part of testing.hpp; may still change between releases.
#pragma once

#include <structio/structio_testing.h>
#include <structio/error.hpp>
#include <structio/run.hpp>
#include <structio/time.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace structio {
inline namespace v0 {
namespace testing {

struct virtual_clock_options {
  time_point start = time_point{};  ///< first reading
  /// After this much real time with every task waiting, the clock jumps to the next deadline.
  /// Zero: at once. Nothing: never by itself.
  std::optional<duration> autojump = duration::zero();
  double rate = 0;  ///< virtual seconds for a real one, at most 1e6; 0: stands unless it jumps
};

/// A clock that stands still unless it is made to jump, or runs at a rate of its own.
///
///     structio::testing::virtual_clock clock;
///     structio::run({.clock = clock}, [] { structio::sleep(24h); });      // takes no time
///
/// One run at a time; must outlive it. Its budget is 1 unless the run's options say otherwise.
class virtual_clock {
 public:
  /// Throws std::invalid_argument when the rate is negative, beyond 1e6 or not a number.
  explicit virtual_clock(const virtual_clock_options& options = {}) {
    structio_virtual_clock_options raw{};
    raw.struct_size = sizeof raw;
    raw.start = options.start.time_since_epoch().count();
    raw.autojump = to_c(options.autojump);
    raw.rate = options.rate;
    detail::check(structio_virtual_clock_new(&raw, &raw_));
  }
  virtual_clock(const virtual_clock&) = delete;
  virtual_clock& operator=(const virtual_clock&) = delete;
  ~virtual_clock() { structio_virtual_clock_free(raw_); }

  operator clock_ref() const noexcept { return {raw_}; }

  /// Moves it forward at once. Throws std::invalid_argument when negative. The thread of the run
  /// that uses it, or any when none does.
  template <class Rep, class Period>
  void jump(std::chrono::duration<Rep, Period> time) {
    detail::check(structio_virtual_clock_jump(raw_, detail::to_nanoseconds(time).count()));
  }

  /// Takes effect at once.
  void set_autojump(std::optional<duration> threshold) {
    detail::check(structio_virtual_clock_set_autojump(raw_, to_c(threshold)));
  }

  /// So many virtual seconds for a real one from now on; the present stays. Throws as the
  /// constructor.
  void set_rate(double rate) { detail::check(structio_virtual_clock_set_rate(raw_, rate)); }

  time_point now() const {
    std::int64_t moment = 0;
    detail::check(structio_virtual_clock_now(raw_, &moment));
    return time_point(duration(moment));
  }

 private:
  static std::int64_t to_c(std::optional<duration> threshold) noexcept {
    return threshold ? threshold->count() : -1;
  }
  structio_clock* raw_ = nullptr;
};

/// Waits until every other task of the run has been waiting, with nothing ready, for `cushion` of
/// real time. The wait with the least cushion is woken first, and before the clock jumps.
/// Checkpoint. Throws `cancelled`.
inline void wait_all_tasks_blocked(duration cushion = duration::zero()) {
  detail::blocking([cushion] { return structio_wait_all_tasks_blocked(cushion.count()); });
}

}  // namespace testing
}  // namespace v0
}  // namespace structio
