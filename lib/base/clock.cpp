// The one place that reads the system's monotonic clock.
#include "base/clock.hpp"

#include <chrono>

namespace structio::base {

std::int64_t monotonic_now() noexcept {
  // libstdc++ and libc++ both implement steady_clock as CLOCK_MONOTONIC (vDSO) in nanoseconds.
  using std::chrono::duration_cast;
  return duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace structio::base
