// By the numbers of the system calls, since libraries that are still in use do not have them.
#include "process/pidfd.hpp"

#include <cstdlib>

#if defined(__linux__)

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

// The same on all architectures.
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

namespace structio::rt::process {

int pidfd_make(std::int64_t pid) noexcept {
  const long made = syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0U);
  return made >= 0 ? static_cast<int>(made) : -errno;
}

int pidfd_signal(int pidfd, int signum) noexcept {
  return syscall(SYS_pidfd_send_signal, pidfd, signum, nullptr, 0U) == 0 ? 0 : -errno;
}

void pidfd_close(int pidfd) noexcept {
  // As it was made: TSan, which has not seen that, would take it for what had its number before.
  syscall(SYS_close, pidfd);
}

#else

#include <cerrno>

namespace structio::rt::process {

int pidfd_make(std::int64_t) noexcept {
  return -ENOSYS;
}
int pidfd_signal(int, int) noexcept {
  return -ENOSYS;
}
void pidfd_close(int) noexcept {}

#endif

bool pidfd_wanted() noexcept {
  return std::getenv("STRUCTIO_NO_PIDFD") == nullptr;
}

}  // namespace structio::rt::process
