// waitid and kill.
#include "process/posix_child.hpp"

#include <sys/wait.h>

#include <cerrno>
#include <csignal>

namespace structio::rt::process {
namespace {

// 0, or errno. What it found is all zero when the child lives.
int wait_for(std::int64_t pid, siginfo_t& info, int how) noexcept {
  for (;;) {
    info = {};
    if (waitid(P_PID, static_cast<id_t>(pid), &info, how) == 0) return 0;
    if (errno != EINTR) return errno;
  }
}

}  // namespace

const int signal_terminate = SIGTERM;
const int signal_kill = SIGKILL;

bool reap(std::int64_t pid, child_ending& out) noexcept {
  siginfo_t info;
  out = {};
  if (wait_for(pid, info, WEXITED | WNOHANG) != 0) {
    out.unknown = true;
    return true;
  }
  if (info.si_pid == 0) return false;
  if (info.si_code == CLD_EXITED) {
    out.exit_status = info.si_status;
  } else {
    out.signal = info.si_status;
    out.core_dumped = info.si_code == CLD_DUMPED;
  }
  return true;
}

void block_until_ended(std::int64_t pid) noexcept {
  siginfo_t info;
  wait_for(pid, info, WEXITED | WNOWAIT);
}

void block_until_reaped(std::int64_t pid) noexcept {
  siginfo_t info;
  wait_for(pid, info, WEXITED);
}

int signal_child(std::int64_t pid, int signum) noexcept {
  return kill(static_cast<pid_t>(pid), signum) == 0 ? 0 : -errno;
}

int signal_group(std::int64_t leader, int signum) noexcept {
  return kill(-static_cast<pid_t>(leader), signum) == 0 ? 0 : -errno;
}

bool is_no_process(int code) noexcept {
  return code == -ESRCH;
}

}  // namespace structio::rt::process
