// Children that end at the wrong moment, and what a run leaves behind of them.
#include <sys/stat.h>

#include <optional>

#include "support/processes.hpp"

using namespace processes;

TEST_CASE("a child may end while the run that gave up waiting for it goes away") {
  const without_pidfd old_system;
  for (int round = 0; round < 5; ++round) {
    // The run closes what is left in this order: the end that `cat` reads from, then children whose
    // killing takes its time, then `cat` itself.
    std::optional<structio::any_stream> writing;
    std::vector<process> others;
    std::optional<process> last;
    run([&] {
      int ends[2];
      REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
      writing.emplace(structio::stream_from_descriptor(ends[1]));
      for (int i = 0; i < 4; ++i) others.push_back(spawn_process({.argv = sleeper}));
      last.emplace(
          spawn_process({.argv = cat, .in = stdio::descriptor(ends[0]), .out = stdio::null()}));
      close(ends[0]);
      structio::move_on_after(1ms, [&] { last->wait(); });
    });
    CHECK(no_child_left());
  }
}

TEST_CASE("a command that begins like an option of the shell is a command all the same") {
  run([] {
    const auto result = structio::run_shell("-there-is-no-such-program 2>/dev/null || exit 42");
    CHECK(result.ending.exit_status == 42);
  });
}

TEST_CASE("a start that was given up leaves alone the files that it has not opened yet",
          "[PROC-20]") {
  const temporary fifo, written;
  unlink(fifo.path.c_str());
  REQUIRE(mkfifo(fifo.path.c_str(), 0600) == 0);
  const auto give_up = [&](const process_options& options, auto may_end) {
    std::ofstream(written.path) << "text";
    run([&] {
      structio::open_nursery([&](structio::nursery& n) {
        n.start_soon([&] { spawn_process(options); });
        while (!may_end()) structio::checkpoint();
        n.cancel_scope().cancel();
      });
      // A thread waits until the other end of the FIFO is opened.
      const int other_end = open(fifo.path.c_str(), O_RDWR | O_CLOEXEC);
      structio::testing::wait_all_threads_completed();
      close(other_end);
    });
    CHECK(no_child_left());
    return written.text();
  };
  int rounds = 0;
  CHECK(give_up({.argv = {"true"},
                 .in = stdio::read_file(fifo.path),
                 .out = stdio::write_file(written.path)},
                [&] { return ++rounds > 1000; }) == "text");
  // What has been opened has been emptied: that is why such a call says that a part has happened.
  CHECK(give_up({.argv = {"true"},
                 .out = stdio::write_file(written.path),
                 .err = stdio::write_file(fifo.path)},
                [&] { return written.text().empty(); }) == "");
}
