// Running something in a process of its own, where it may crash, lock memory or run out of it.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <string>

struct ending {
  std::string output;  ///< standard error
  int status = 0;      ///< as waitpid gives it

  bool died_of(int signal_number) const {
    return WIFSIGNALED(status) && WTERMSIG(status) == signal_number;
  }
  bool exited_with(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
};

/// Forks; the child runs `work` and exits with what it returns.
template <class Work>
ending in_child(Work work) {
  ending e;
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) return e;
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipe_ends[1], STDERR_FILENO);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    _exit(work());
  }
  close(pipe_ends[1]);
  char buffer[4096];
  for (ssize_t n; (n = read(pipe_ends[0], buffer, sizeof buffer)) > 0;) {
    e.output.append(buffer, static_cast<std::size_t>(n));
  }
  close(pipe_ends[0]);
  waitpid(child, &e.status, 0);
  return e;
}
