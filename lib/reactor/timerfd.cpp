// The only file that knows timerfd, with a stub for systems without it.
#include "reactor/timerfd.hpp"

#include "base/clock.hpp"

#if defined(__linux__)

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace structio::reactor {

int timerfd_open() noexcept {
  const int descriptor = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  return descriptor >= 0 ? descriptor : -errno;
}

void timerfd_set(int descriptor, std::int64_t deadline) noexcept {
  constexpr std::int64_t second = 1'000'000'000;
  itimerspec when{};  // all zero disarms
  if (deadline != base::forever) {
    when.it_value.tv_sec = static_cast<std::time_t>(deadline / second);
    when.it_value.tv_nsec = static_cast<long>(deadline % second);
  }
  timerfd_settime(descriptor, TFD_TIMER_ABSTIME, &when, nullptr);
}

void timerfd_close(int descriptor) noexcept {
  ::close(descriptor);
}

}  // namespace structio::reactor

#else

#include <uv.h>

namespace structio::reactor {

int timerfd_open() noexcept {
  return UV_ENOSYS;
}
void timerfd_set(int, std::int64_t) noexcept {}
void timerfd_close(int) noexcept {}

}  // namespace structio::reactor

#endif
