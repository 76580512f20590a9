// Children that end at the wrong moment, and what a run leaves behind of them.
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
      last.emplace(spawn_process(
          {.argv = cat, .in = stdio::descriptor(ends[0]), .out = stdio::null()}));
      close(ends[0]);
      structio::move_on_after(1ms, [&] { last->wait(); });
    });
    CHECK(no_child_left());
  }
}
