// A kernel timer with nanosecond deadlines that can be polled like a descriptor. Only the alarm
// uses it. Where the system has none, timerfd_open says UV_ENOSYS and the alarm does without.
#pragma once

#include <cstdint>

namespace structio::reactor {

/// A descriptor (>= 0), or a code.
int timerfd_open() noexcept;

/// Makes the descriptor readable at `deadline` on the monotonic clock, base::forever: never. What
/// was armed or has expired before is forgotten without a read.
void timerfd_set(int descriptor, std::int64_t deadline) noexcept;

void timerfd_close(int descriptor) noexcept;

}  // namespace structio::reactor
