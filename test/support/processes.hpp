// What tests of child processes share: programs that are everywhere, a check that none is left, a
// system without pidfd.
#pragma once

#include <structio/structio.hpp>
#include <structio/testing.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/face.hpp"
#include "support/net.hpp"

namespace processes {

using namespace std::chrono_literals;
using face::is_cancelled;
using face::thrown;
using face::throws;
using net_test::open_descriptors;
using net_test::receive;
using net_test::run;
using structio::process;
using structio::process_options;
using structio::run_process_options;
using structio::spawn_process;
using structio::spawn_shell;
using structio::stdio;

inline const std::vector<std::string> sleeper = {"sleep", "1000"};
inline const std::vector<std::string> cat = {"cat"};

/// A file that goes with the object.
struct temporary {
  std::string path = "/tmp/structio-process-XXXXXX";
  temporary() {
    const int descriptor = mkstemp(path.data());
    REQUIRE(descriptor >= 0);
    close(descriptor);
  }
  temporary(const temporary&) = delete;
  temporary& operator=(const temporary&) = delete;
  ~temporary() { unlink(path.c_str()); }
  std::string text() const {
    std::ostringstream all;
    all << std::ifstream(path).rdbuf();
    return all.str();
  }
};

/// All that comes until the end.
inline std::string receive_all(structio::any_stream& from) {
  std::string text;
  for (;;) {
    const std::string piece = receive(from);
    if (piece.empty()) return text;
    text += piece;
  }
}

/// Whether it comes true; other processes and threads get the processor meanwhile.
template <class Condition>
bool eventually(Condition&& condition) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

/// A child is there, living or not.
inline bool has_child() {
  siginfo_t info{};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

/// None lives or is left as a zombie; those that are being reaped are waited for.
inline bool no_child_left() {
  return eventually([] { return !has_child(); });
}

/// Nothing is left of what is done while it lives. Descriptors that a thread still has are waited
/// for.
class nothing_left {
 public:
  nothing_left() : before_(open_descriptors()) {}
  nothing_left(const nothing_left&) = delete;
  nothing_left& operator=(const nothing_left&) = delete;
  ~nothing_left() {
    CHECK(no_child_left());
    eventually([this] { return open_descriptors() == before_; });
    CHECK(open_descriptors() == before_);
  }

 private:
  int before_;
};

/// As on a system that has none.
class without_pidfd {
 public:
  explicit without_pidfd(bool on = true) {
    if (on) setenv("STRUCTIO_NO_PIDFD", "1", 1);
  }
  without_pidfd(const without_pidfd&) = delete;
  without_pidfd& operator=(const without_pidfd&) = delete;
  ~without_pidfd() { unsetenv("STRUCTIO_NO_PIDFD"); }
};

/// What a run keeps from its first child on is there afterwards.
inline void warm_up() {
  auto child = spawn_process({.argv = cat, .in = stdio::pipe()});
  structio::move_on_after(1ms, [&] { child.wait(); });
  child.in().close();
  child.wait();
}

/// Runs `fn` twice: with and without pidfd, each in a run of its own, after which nothing is left.
template <class Fn>
void both_ways(Fn&& fn, std::uint32_t budget = 0) {
  for (const bool without : {false, true}) {
    INFO("without pidfd: " << without);
    const nothing_left all;
    const without_pidfd as(without);
    run(
        [&] {
          fn();
          // Those that were left alone, when their call was cancelled, still clean up.
          structio::testing::wait_all_threads_completed();
        },
        budget);
  }
}

/// The system ignores a signal while this lives.
class ignored_signal {
 public:
  explicit ignored_signal(int signum) : signum_(signum) {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigaction(signum_, &ignore, &before_);
  }
  ignored_signal(const ignored_signal&) = delete;
  ignored_signal& operator=(const ignored_signal&) = delete;
  ~ignored_signal() { sigaction(signum_, &before_, nullptr); }

 private:
  int signum_;
  struct sigaction before_ {};
};

/// The code of the error that `fn` throws; 0 when it throws none.
template <class Fn>
int code_of(Fn&& fn) {
  const auto caught = thrown<structio::error>(std::forward<Fn>(fn));
  return caught ? caught->code() : 0;
}

}  // namespace processes
