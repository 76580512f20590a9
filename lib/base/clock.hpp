// Times in the library are signed 64-bit nanoseconds on a monotonic clock whose zero means nothing.
// Arithmetic saturates: a deadline of "for ever" stays for ever whatever is added to it.
#pragma once

#include <cstdint>

namespace structio::base {

inline constexpr std::int64_t forever = INT64_MAX;
inline constexpr std::int64_t long_ago = INT64_MIN;

/// The operating system's monotonic clock, in nanoseconds.
std::int64_t monotonic_now() noexcept;

/// moment + duration, clamped to [long_ago, forever].
constexpr std::int64_t saturating_add(std::int64_t moment, std::int64_t duration) noexcept {
  if (moment == forever || duration == forever) return forever;
  if (duration > 0 && moment > forever - duration) return forever;
  if (duration < 0 && moment < long_ago - duration) return long_ago;
  return moment + duration;
}

/// The deadline that comes `duration` after `moment`. Only what was to last for ever does: on a
/// clock that is close to the end of time the rest ends just before.
constexpr std::int64_t deadline_after(std::int64_t moment, std::int64_t duration) noexcept {
  const std::int64_t end = saturating_add(moment, duration);
  return end == forever && duration != forever ? forever - 1 : end;
}

/// How long from `now` until `moment`, clamped likewise.
constexpr std::int64_t saturating_until(std::int64_t moment, std::int64_t now) noexcept {
  if (moment == forever) return forever;
  if (now < 0 && moment > forever + now) return forever;
  if (now > 0 && moment < long_ago + now) return long_ago;
  return moment - now;
}

}  // namespace structio::base
