// Time: the run's clock as a chrono clock, sleeping, and user durations made nanoseconds.
// Always true: what is rounded is rounded up and what is too large is "for ever", so that nothing
// ever fires early.
#pragma once

#include <structio/structio.h>
#include <structio/error.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <type_traits>

namespace structio {
inline namespace v0 {

/// The run's own monotonic clock. Its zero means nothing; moments of two runs must not be
/// compared. Virtual when the run was given a virtual clock.
struct clock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<clock, duration>;
  static constexpr bool is_steady = true;

  /// In a task or hook of a run; elsewhere its zero.
  static time_point now() noexcept { return time_point(duration(structio_now())); }
};

using duration = clock::duration;
using time_point = clock::time_point;

/// Without end: as a timeout it never passes, as a deadline it is none.
inline constexpr duration forever = duration::max();
inline constexpr time_point never = time_point::max();

/// The run's clock. Throws usage_error outside of a run.
inline time_point now() {
  if (structio_in_run() != 1) detail::throw_status(STRUCTIO_ENOTASK);
  return clock::now();
}

namespace detail {

/// Any duration as nanoseconds: rounded up, saturated. NaN is std::invalid_argument.
template <class Rep, class Period>
duration to_nanoseconds(std::chrono::duration<Rep, Period> given) {
  using from = std::chrono::duration<Rep, Period>;
  if constexpr (std::is_same_v<from, duration>) {
    return given;
  } else if constexpr (std::is_floating_point_v<Rep>) {
    if (given.count() != given.count())
      throw std::invalid_argument("a duration that is not a number");
    const std::chrono::duration<long double, std::nano> exact = given;
    if (exact.count() >= 9.2233720368547758e18L) return duration::max();
    if (exact.count() <= -9.2233720368547758e18L) return duration::min();
    return std::chrono::ceil<duration>(exact);
  } else {
    using wide = std::chrono::duration<long double, std::nano>;
    const long double exact = wide(given).count();
    if (exact >= 9.2233720368547758e18L) return duration::max();
    if (exact <= -9.2233720368547758e18L) return duration::min();
    return std::chrono::ceil<duration>(given);
  }
}

}  // namespace detail

/// Waits; never returns early. 0 is a checkpoint, `forever` waits until cancelled.
/// Checkpoint. Throws `cancelled`, std::invalid_argument (negative or not a number).
template <class Rep, class Period>
void sleep(std::chrono::duration<Rep, Period> time) {
  const std::int64_t nanoseconds = detail::to_nanoseconds(time).count();
  detail::blocking([nanoseconds] { return structio_sleep(nanoseconds); });
}

/// Waits until a moment of the run's clock; one that has passed is a checkpoint.
/// Checkpoint. Throws `cancelled`.
inline void sleep_until(time_point moment) {
  const std::int64_t nanoseconds = moment.time_since_epoch().count();
  detail::blocking([nanoseconds] { return structio_sleep_until(nanoseconds); });
}

/// Waits until cancelled. Checkpoint. Throws `cancelled`, always.
[[noreturn]] inline void sleep_forever() {
  for (;;) detail::blocking([] { return structio_sleep_forever(); });
}

/// Lets every other ready task run, then looks for cancellation; always gives way.
/// Checkpoint. Throws `cancelled`, `interrupted` (main task only).
inline void checkpoint() {
  detail::blocking([] { return structio_checkpoint(); });
}

/// The cancel half of a checkpoint alone: throws `cancelled` or returns without giving way.
inline void checkpoint_if_cancelled() {
  detail::blocking([] { return structio_checkpoint_if_cancelled(); });
}

/// The schedule half of a checkpoint alone: gives way and returns even when cancelled.
inline void cancel_shielded_checkpoint() {
  detail::check(structio_cancel_shielded_checkpoint());
}

}  // namespace v0
}  // namespace structio
