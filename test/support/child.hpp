// A program started by a test, whose standard input and output are streams of the run.
#pragma once

#include <structio/pipe.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

extern char** environ;

namespace support {

/// Killed and waited for when the scope is left.
class child {
 public:
  explicit child(const std::vector<std::string>& command) {
    int to[2], from[2];
    REQUIRE(pipe(to) == 0);
    REQUIRE(pipe(from) == 0);
    for (const int end : {to[0], to[1], from[0], from[1]}) fcntl(end, F_SETFD, FD_CLOEXEC);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], 0);
    posix_spawn_file_actions_adddup2(&actions, from[1], 1);
    posix_spawn_file_actions_adddup2(&actions, from[1], 2);
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const int code = posix_spawnp(&id_, words[0], &actions, nullptr, words.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(to[0]);
    ::close(from[1]);
    REQUIRE(code == 0);
    in_ = to[1];
    out_ = from[0];
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  ~child() {
    kill(id_, SIGKILL);
    waitpid(id_, nullptr, 0);
    if (in_ >= 0) ::close(in_);
    if (out_ >= 0) ::close(out_);
  }

  /// Each once.
  structio::any_stream input() { return structio::stream_from_descriptor(std::exchange(in_, -1)); }
  structio::any_stream output() {
    return structio::stream_from_descriptor(std::exchange(out_, -1));
  }

 private:
  pid_t id_ = -1;
  int in_ = -1;
  int out_ = -1;
};

/// Whether there is such a program; says so in the test's output when there is not.
inline bool have_program(const std::string& name) {
  if (std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0) return true;
  WARN(name << " is not installed: skipped");
  return false;
}

}  // namespace support
