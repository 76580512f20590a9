// Tests of the chat: streams in memory, virtual time, many orders of the tasks.
#include <cstdio>
#include <stdexcept>
#include <structio/testing.hpp>

#include "chat_room.hpp"
using namespace std::chrono_literals;

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

// A client is the other end of a stream in memory. In lockstep nothing is buffered: a send ends
// when it has been received, so one who does not read is as slow as can be.
void slow_ones_are_dropped() {
  room all;
  structio::open_nursery([&](structio::nursery& n) {
    auto slow = structio::testing::lockstep_stream_pair();
    auto quick = structio::testing::memory_stream_pair();
    n.start_soon(talk, std::move(slow.first), "slow", std::ref(all));
    structio::testing::wait_all_tasks_blocked();  // she is in; no sleeping and hoping
    n.start_soon(talk, std::move(quick.first), "quick", std::ref(all));
    for (std::size_t i = 0; i <= lines_that_wait + 1; ++i) quick.second.send_all("again\n");
    structio::buffered_reader heard(quick.second);
    require(heard.receive_line() == "slow has left", "the slow one is dropped");
    quick.second.close();
  });
}

// Ten minutes of silence, in no time: the clock jumps when everybody waits.
void silent_ones_leave() {
  room all;
  const auto begun = structio::now();
  structio::open_nursery([&](structio::nursery& n) {
    auto pair = structio::testing::memory_stream_pair();
    n.start_soon(talk, std::move(pair.first), "silent", std::ref(all));
    structio::sleep(4min);
    pair.second.send_all("one word\n");
    structio::buffered_reader heard(pair.second);
    require(!heard.receive_line(), "the end of the stream, and nothing before");
  });
  require(structio::now() - begun == 14min, "ten minutes after the last word, exactly");
}

int main() {
  // Each test in 200 orders of the ready tasks; what fails tells the seed that repeats it.
  structio::testing::explore({.runs = 200}, slow_ones_are_dropped);
  structio::testing::explore({.runs = 200}, silent_ones_leave);
  std::printf("400 runs are well\n");
}
