// The one place that reads the system's monotonic clock.
#include "base/clock.hpp"

#include <chrono>
#include <ctime>

namespace structio::base {

#ifdef CLOCK_MONOTONIC
// By its own name, without steady_clock's detour through the C++ library.
std::int64_t monotonic_now() noexcept {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}
#else
std::int64_t monotonic_now() noexcept {
  // libstdc++ and libc++ both implement steady_clock as CLOCK_MONOTONIC (vDSO) in nanoseconds.
  using std::chrono::duration_cast;
  return duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}
#endif

}  // namespace structio::base
