// A clock that stands still unless it is made to jump, or that runs at a rate of its own: so many
// virtual seconds for a real one. Plain data, so that reading one that stands still costs a load.
// The hub moves it when everybody waits; lib/testing hands it to users.
//
// Always true: `reading` was its reading at the real moment `since`. Real moments are handed in, so
// that this knows no other clock; those of one run never go back.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.hpp"

namespace structio::rt {

struct runtime;

struct virtual_time {
  std::int64_t reading = 0;
  std::int64_t since = 0;     ///< real; means nothing while the rate is 0
  double rate = 0;            ///< 0: it stands still
  std::int64_t autojump = 0;  ///< real time with everybody waiting before it jumps; negative: never
  std::atomic<runtime*> user{nullptr};  ///< the run that goes by it, while it lasts

  bool stands() const noexcept { return rate == 0; }

  /// Its reading at a real moment; never the end of time.
  std::int64_t at(std::int64_t real) const noexcept {
    if (stands() || real <= since) return reading;
    return forward(reading, static_cast<double>(base::saturating_until(real, since)) * rate);
  }

  /// From now on it shows `moment`.
  void set(std::int64_t moment, std::int64_t real) noexcept {
    reading = moment;
    since = real;
  }

  /// The present stays what it is.
  void set_rate(double value, std::int64_t real) noexcept {
    set(at(real), real);
    rate = value;
  }

  /// The real moment before which it does not show `moment`: base::long_ago when it does already,
  /// base::forever when it never will by itself.
  std::int64_t real_moment_of(std::int64_t moment, std::int64_t real) const noexcept {
    const std::int64_t present = at(real);
    if (moment <= present) return base::long_ago;
    if (stands() || moment == base::forever) return base::forever;
    const double wait = static_cast<double>(base::saturating_until(moment, present)) / rate;
    // One more, since what the division has cut off would have the hub look too early, twice.
    return base::saturating_add(forward(real, wait), 1);
  }

  /// from + nanoseconds, which are not negative; before the end of time.
  static std::int64_t forward(std::int64_t from, double nanoseconds) noexcept {
    constexpr double end = 9.2e18;  // what lies beyond is no int64_t
    if (!(nanoseconds < end)) return base::forever - 1;
    const std::int64_t moment = base::saturating_add(from, static_cast<std::int64_t>(nanoseconds));
    return moment == base::forever ? base::forever - 1 : moment;
  }
};

}  // namespace structio::rt
