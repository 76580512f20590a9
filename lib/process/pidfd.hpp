// Descriptors that stand for a process (Linux 5.3 and later): readable once it has ended, and never
// another's, whatever becomes of its number. The only file that knows them.
#pragma once

#include <cstdint>

namespace structio::rt::process {

/// A descriptor, closed on exec, or a code: UV_ENOSYS where there are none, UV_ESRCH when
/// the child was reaped already.
int pidfd_make(std::int64_t pid) noexcept;
int pidfd_signal(int pidfd, int signum) noexcept;
void pidfd_close(int pidfd) noexcept;

/// False: STRUCTIO_NO_PIDFD is set in the environment, so do as if there were none.
bool pidfd_wanted() noexcept;

}  // namespace structio::rt::process
