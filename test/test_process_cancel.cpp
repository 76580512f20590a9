// Calls that are cancelled: the child is asked to end, then made to, and gone when the call is.
#include <sys/stat.h>

#include "support/op_proof.hpp"
#include "support/processes.hpp"

using namespace processes;
using structio::cancel_scope;
using structio::exception_group;
using structio::nursery;
using structio::open_nursery;
using structio::pipeline;
using structio::process_ref;
using structio::run_process;
using structio::run_shell;
using structio::start_process;

namespace {

/// Says when it is ready, on the descriptor `out`, and then ignores SIGTERM.
const char* const stubborn = "trap '' TERM; echo ready; while :; do sleep 1000; done";

struct ready_pipe {
  int reading = -1;
  int writing = -1;
  ready_pipe() {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    reading = ends[0];
    writing = ends[1];
  }
  ready_pipe(const ready_pipe&) = delete;
  ready_pipe& operator=(const ready_pipe&) = delete;
  ~ready_pipe() {
    close(reading);
    close(writing);
  }
  /// Blocks the run until a child has said something, so that no virtual time passes.
  std::string hear() const {
    char text[64];
    structio::wait_readable(reading);
    const auto got = read(reading, text, sizeof text);
    return {text, got > 0 ? static_cast<std::size_t>(got) : 0};
  }
};

/// What is written to our error output while it lives.
class heard_stderr {
 public:
  heard_stderr() : before_(dup(2)) {
    REQUIRE(pipe2(ends_, O_CLOEXEC) == 0);
    dup2(ends_[1], 2);
    close(ends_[1]);
  }
  heard_stderr(const heard_stderr&) = delete;
  heard_stderr& operator=(const heard_stderr&) = delete;
  ~heard_stderr() {
    restore();
    close(ends_[0]);
  }
  std::string text() {
    restore();
    std::string all;
    char piece[512];
    for (ssize_t got = 0; (got = read(ends_[0], piece, sizeof piece)) > 0;) {
      all.append(piece, static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  void restore() {
    if (before_ < 0) return;
    dup2(before_, 2);
    close(std::exchange(before_, -1));
  }
  int before_;
  int ends_[2];
};

/// Runs a child that ignores SIGTERM, and cancels that once it does.
void cancel_stubborn(const ready_pipe& ready, run_process_options options) {
  options.argv = {"sh", "-c", stubborn};
  options.out = stdio::descriptor(ready.writing);
  options.new_group = true;
  std::optional<process> child;
  open_nursery([&](nursery& n) {
    child.emplace(start_process(n, options));
    CHECK(ready.hear() == "ready\n");
    n.cancel_scope().cancel();
  });
  CHECK(child->poll()->signal == SIGKILL);
  CHECK(no_child_left());
}

}  // namespace

TEST_CASE("a cancelled run asks its child to end, and leaves when it is gone", "[PROC-23]") {
  both_ways([] {
    const auto begun = structio::clock::now();
    for (const bool captured : {false, true}) {
      CHECK_FALSE(structio::move_on_after(5ms, [&] {
        run_process({.argv = sleeper, .capture_out = captured, .capture_err = captured});
      }));
      CHECK(no_child_left());
    }
    CHECK(structio::clock::now() - begun < 2s);
  });
}

TEST_CASE("a child that ignores the signal is killed after the grace, with a warning",
          "[PROC-18][PROC-23]") {
  const nothing_left all;
  for (const bool without : {false, true}) {
    const without_pidfd as(without);
    const ready_pipe ready;
    heard_stderr log;
    face::run([&] {
      const auto begun = structio::clock::now();
      cancel_stubborn(ready, {});
      CHECK(face::seconds_since(begun) == 5);
    });
    const std::string text = log.text();
    INFO(text);
    CHECK(text.find("ignored the signal to terminate for 5 s: it is killed") != std::string::npos);
  }
}

TEST_CASE("the grace is an option", "[PROC-18]") {
  const nothing_left all;
  const ready_pipe ready;
  heard_stderr log;
  face::run([&] {
    for (const auto grace : {0s, 30s}) {
      const auto begun = structio::clock::now();
      cancel_stubborn(ready, {.grace = grace});
      CHECK(structio::clock::now() - begun >= grace);
      CHECK(structio::clock::now() - begun < grace + 1s);
    }
  });
}

TEST_CASE("a user's own way to end a child is called, and cancelled when that has ended",
          "[PROC-15][PROC-23]") {
  both_ways([] {
    bool called = false, cancelled = false;
    std::optional<structio::process_ending> ending;
    std::optional<process> child;
    open_nursery([&](nursery& n) {
      const auto end = [&](process_ref one) {
        called = true;
        structio::sleep(1ms);  // it is shielded
        one.terminate();
        cancelled = is_cancelled([] { structio::sleep_forever(); });
        ending = one.poll();
      };
      child.emplace(start_process(n, {.argv = sleeper, .deliver_cancel = end}));
      n.cancel_scope().cancel();
    });
    CHECK(called);
    CHECK(cancelled);
    REQUIRE(ending);
    CHECK(ending->signal == SIGTERM);
    CHECK(child->poll() == ending);
  });
}

TEST_CASE("a user's own way that throws fails the call with a group", "[PROC-16]") {
  both_ways([] {
    std::optional<process> child;
    const auto outer = thrown<exception_group>([&] {
      open_nursery([&](nursery& n) {
        const auto end = [](process_ref one) {
          one.terminate();
          throw face::key_error("bad");
        };
        child.emplace(start_process(n, {.argv = sleeper, .deliver_cancel = end}));
        n.cancel_scope().cancel();
      });
    });
    REQUIRE(outer);
    REQUIRE(outer->size() == 1);
    CHECK((*outer)[0].kind() == structio::failure_kind::group);
    CHECK((*outer)[0].size() == 1);
    CHECK(face::count<face::key_error>(*outer) == 1);
    CHECK(child->poll()->signal == SIGTERM);
  });
}

TEST_CASE("Ctrl-C ends the child, and is told when it is gone") {
  const nothing_left all;
  bool told = false;
  const auto main = [&] {
    open_nursery([&](nursery& n) {
      const auto other = spawn_process({.argv = sleeper});
      n.start_soon([] {
        net_test::settle();
        raise(SIGINT);
      });
      try {
        run_process({.argv = sleeper});
      } catch (const structio::interrupted&) {
        told = true;
        // The other lives, and nothing is left of this one.
        CHECK(eventually([] {
          siginfo_t info{};
          return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
        }));
      }
    });
  };
  structio::run({.interrupt = structio::interrupt_mode::handle}, main);
  CHECK(told);
}

TEST_CASE("both of two programs in a row end when the call is cancelled", "[PROC-23]") {
  both_ways([] {
    CHECK_FALSE(structio::move_on_after(
        10ms, [] { pipeline({.argv = sleeper}, {.argv = cat, .capture_out = true}); }));
    CHECK(no_child_left());
  });
}

TEST_CASE("what others of the child's have open does not hold up a cancelled call") {
  both_ways([] {
    CHECK_FALSE(structio::move_on_after(20ms, [] {
      // The shell ends at once, but who it has started keeps the output open for a while.
      run_shell("sleep 0.3 & exit 0", {.capture_out = true});
    }));
  });
  // That one is nobody's child any more.
}

TEST_CASE("starting a child is cancelled at every instant, and nothing is left") {
  const int rounds = std::getenv("STRUCTIO_STRESS") ? 1500 : 150;
  both_ways(
      [&] {
        warm_up();
        const nothing_left inside;
        int made = 0, given_up = 0;
        for (int round = 0; round < rounds; ++round) {
          const auto after = std::chrono::microseconds(round * 2000 / rounds);
          cancel_scope scope({.timeout = after});
          const bool done = scope.run([&] {
            auto child =
                spawn_process({.argv = {"true"}, .in = stdio::pipe(), .out = stdio::pipe()});
            ++made;
          });
          given_up += !done;
        }
        structio::testing::wait_all_threads_completed();
        CHECK(made + given_up >= rounds);
        CHECK(given_up > 0);
      },
      1);
}

TEST_CASE("a program does not begin once its start was given up") {
  const temporary place, written;
  unlink(place.path.c_str());
  REQUIRE(mkfifo(place.path.c_str(), 0600) == 0);
  both_ways([&] {
    // A thread waits until the other end of the FIFO is opened.
    CHECK(!structio::move_on_after(1ms, [&] {
      spawn_process({.argv = {"sh", "-c", "echo begun >" + written.path},
                     .in = stdio::read_file(place.path)});
    }));
    const int writing = open(place.path.c_str(), O_RDWR | O_CLOEXEC);
    structio::testing::wait_all_threads_completed();
    CHECK(no_child_left());
    CHECK(written.text().empty());
    close(writing);
  });
}

TEST_CASE("a run is cancelled at every instant, and nothing is left", "[PROC-23]") {
  const int rounds = std::getenv("STRUCTIO_STRESS") ? 1500 : 100;
  both_ways(
      [&] {
        warm_up();
        const nothing_left inside;
        for (int round = 0; round < rounds; ++round) {
          const auto after = std::chrono::microseconds(round * 5000 / rounds);
          structio::move_on_after(after, [&] {
            const auto got = run_process({.argv = cat, .input = "text", .capture_out = true});
            CHECK(got.out == "text");
          });
        }
        structio::testing::wait_all_threads_completed();
      },
      1);
}

TEST_CASE("a started process whose starter gives up is ended with it", "[PROC-19]") {
  both_ways([] {
    for (int round = 0; round < 20; ++round) {
      const auto after = std::chrono::microseconds(round * 100);
      structio::move_on_after(after, [] {
        open_nursery([](nursery& n) {
          auto child = start_process(n, {.argv = sleeper});
          structio::sleep_forever();
        });
      });
      CHECK(no_child_left());
    }
  });
}

namespace {

void prove() {
  const char* const argv[] = {"true", nullptr};
  structio_process_options child = STRUCTIO_PROCESS_OPTIONS_INIT;
  child.argv = argv;
  structio_process* p = nullptr;
  const auto spawn = [&] { return structio_process_spawn(&child, &p); };
  CHECK(op_proof::cancelled(spawn) == op_proof::aborted);
  CHECK(p == nullptr);
  CHECK(op_proof::halves([&] { CHECK(spawn() == 0); }) == 2);
  const auto wait = [&] { return structio_process_wait(p, nullptr); };
  CHECK(op_proof::cancelled(wait) == op_proof::aborted);
  CHECK(op_proof::halves([&] { CHECK(wait() == 0); }) == 2);
  CHECK(op_proof::halves([&] { CHECK(wait() == 0); }) == 2);  // it has ended before
  structio_process_free(p);
  p = nullptr;
  structio_process_options plain = STRUCTIO_PROCESS_OPTIONS_INIT;
  const auto shell = [&] { return structio_process_spawn_shell("true", &plain, &p); };
  CHECK(op_proof::cancelled(shell) == op_proof::aborted);
  CHECK(op_proof::halves([&] { CHECK(shell() == 0); }) == 2);
  structio_process_free(p);

  structio_run_process_options run = STRUCTIO_RUN_PROCESS_OPTIONS_INIT;
  run.process = &child;
  const auto whole = [&] { return structio_run_process(&run, nullptr); };
  CHECK(op_proof::cancelled(whole) == op_proof::aborted);
  CHECK(op_proof::halves([&] { CHECK(whole() == 0); }) == 2);
  structio_run_process_options command = STRUCTIO_RUN_PROCESS_OPTIONS_INIT;
  const auto of_shell = [&] { return structio_run_shell("true", &command, nullptr); };
  CHECK(op_proof::cancelled(of_shell) == op_proof::aborted);
  CHECK(op_proof::halves([&] { CHECK(of_shell() == 0); }) == 2);
  const auto row = [&] { return structio_run_pipeline(&run, &run, nullptr, nullptr); };
  CHECK(op_proof::cancelled(row) == op_proof::aborted);
  CHECK(op_proof::halves([&] { CHECK(row() == 0); }) == 2);

  // One that runs is ended.
  const char* const long_argv[] = {"sleep", "1000", nullptr};
  child.argv = long_argv;
  run.grace = STRUCTIO_FOREVER;  // the clock would jump over it
  structio_scope_options soon = STRUCTIO_SCOPE_OPTIONS_INIT;
  soon.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
  soon.deadline = 1'000'000;
  structio_scope scope;
  structio_scope_init(&scope, &soon);
  structio_scope_enter(&scope);
  const int cut = structio_run_process(&run, nullptr);
  CHECK(cut == STRUCTIO_ECANCELLED);
  structio_scope_leave(&scope, cut, nullptr);
  CHECK(no_child_left());
}

const op_proof::area proof({{"structio_process_spawn", 1, STRUCTIO_EFFECT_PREFIX},
                            {"structio_process_spawn_shell", 1, STRUCTIO_EFFECT_PREFIX},
                            {"structio_process_wait", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_run_pipeline", 1, STRUCTIO_EFFECT_CLOSED},
                            {"structio_run_process", 1, STRUCTIO_EFFECT_CLOSED},
                            {"structio_run_shell", 1, STRUCTIO_EFFECT_CLOSED}},
                           prove);

}  // namespace
