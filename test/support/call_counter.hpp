// Counts the system calls of a child process by tracing it, so that a test can say what an
// operation costs. Linux only; where tracing is forbidden, `possible` is false and the test has
// nothing to say.
#pragma once

#if defined(__linux__)

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <map>
#include <thread>

namespace sockets {

class call_counter {
 public:
  /// Forks. The child runs `child` and is killed in the end; `script` runs beside it in a thread of
  /// ours and turns the counting on and off by `counting`.
  void run(const std::function<void()>& child, const std::function<void()>& script) {
    const pid_t pid = fork();
    if (pid == 0) {
      if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(1);
      raise(SIGSTOP);
      child();
      _exit(0);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) return;
    if (ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0) {
      kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
      return;
    }
    possible = true;
    std::thread other([&] {
      script();
      kill(pid, SIGKILL);
    });
    trace(pid);
    other.join();
  }

  bool possible = false;
  std::atomic<bool> counting{false};
  std::map<long, int> calls;  ///< by number; to be read when run() has returned

  int count(long number) const {
    const auto found = calls.find(number);
    return found == calls.end() ? 0 : found->second;
  }
  int total() const {
    int sum = 0;
    for (const auto& [number, times] : calls) sum += times;
    return sum;
  }

 private:
  void trace(pid_t pid) {
    int signal_to_pass = 0;
    for (;;) {
      if (ptrace(PTRACE_SYSCALL, pid, nullptr, signal_to_pass) != 0 && errno != ESRCH) return;
      int status = 0;
      if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) return;
      signal_to_pass = 0;
      if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
        signal_to_pass = WSTOPSIG(status);
        continue;
      }
      __ptrace_syscall_info info{};
      if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0) {
        possible = false;
        continue;
      }
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY && counting)
        ++calls[static_cast<long>(info.entry.nr)];
    }
  }
};

/// What a child process tells by a number, say its server's port.
struct told_number {
  int ends[2] = {-1, -1};
  told_number() {
    if (pipe(ends) != 0) ends[0] = ends[1] = -1;
  }
  told_number(const told_number&) = delete;
  told_number& operator=(const told_number&) = delete;
  ~told_number() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void tell(std::uint16_t number) const {
    if (write(ends[1], &number, sizeof number) != sizeof number) _exit(1);
  }
  std::uint16_t ask() const {
    std::uint16_t number = 0;
    return read(ends[0], &number, sizeof number) == sizeof number ? number : std::uint16_t{0};
  }
};

}  // namespace sockets

#endif
