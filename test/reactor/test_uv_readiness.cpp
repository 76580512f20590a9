// Readiness of descriptors of the user's: what is told to whom, what is left of those that were
// closed, and what happens when there is no descriptor left to wait with.
#include "reactor/uv_readiness.hpp"

#include <sys/resource.h>

#include "reactor/reactor_fixture.hpp"
#include "reactor/uv_reactor_state.hpp"
#include "support/descriptors.hpp"
#include "support/valgrind.hpp"

using namespace reactor_test;
using descriptors::say;
using descriptors::socket_pair;

namespace {

constexpr std::uint8_t reading = ready_to_read;
constexpr std::uint8_t writing = ready_to_write;

/// A loop and two ends, of which `a` can take no more.
struct fixture : loop {
  fixture() { descriptors::fill(ends.a); }
  socket_pair ends;

  int begin(std::uint8_t direction, operation& op) {
    const int ready = readiness_try(r, ends.a, direction);
    return ready == 0 ? readiness_begin(r, ends.a, direction, op) : ready;
  }
};

}  // namespace

TEST_CASE("each direction has one waiter, who is told once", "[reactor]") {
  fixture f;
  remembered read, write, another;
  CHECK(f.begin(reading, read) == 0);
  CHECK(f.begin(writing, write) == 0);
  CHECK(f.begin(reading, another) == STRUCTIO_EBUSY);
  CHECK(readiness_begin(f.r, f.ends.a, writing, another) == STRUCTIO_EBUSY);
  CHECK(f.r.pending() == 2);
  CHECK(readiness_waiting(f.r, reading) == 1);
  CHECK(readiness_waiting(f.r, writing) == 1);
  say(f.ends.b);
  REQUIRE(f.turn_until_told(read));
  CHECK(read.result == 0);
  CHECK(write.times == 0);
  descriptors::drain(f.ends.b);
  REQUIRE(f.turn_until_told(write));
  CHECK(write.result == 0);
  CHECK(f.begin(reading, another) == 1);  // still there
  CHECK(read.times + write.times + another.times == 2);
  CHECK(f.r.pending() == 0);
}

TEST_CASE("who has given up is not told, and does not disturb the next", "[reactor]") {
  fixture f;
  remembered first, second;
  CHECK(f.begin(reading, first) == 0);
  readiness_cancel(f.r, f.ends.a, reading, second);  // not the one who waits
  CHECK(f.r.pending() == 1);
  readiness_cancel(f.r, f.ends.a, reading, first);
  readiness_cancel(f.r, f.ends.a, reading, first);
  readiness_cancel(f.r, 100000, reading, first);
  CHECK(f.r.pending() == 0);
  say(f.ends.b);
  for (int i = 0; i < 5; ++i) f.turn_at_once();
  CHECK(first.times == 0);
  CHECK(descriptors::hear(f.ends.a) == "x");
  CHECK(f.begin(reading, second) == 0);
  say(f.ends.b);
  REQUIRE(f.turn_until_told(second));
  CHECK(first.times == 0);
}

TEST_CASE("one event that nobody waits for wakes the loop once", "[reactor]") {
  fixture f;
  remembered first;
  CHECK(f.begin(reading, first) == 0);
  readiness_cancel(f.r, f.ends.a, reading, first);
  // The file stays open by a duplicate: the kernel goes on watching what has no number any more.
  const int kept = dup(f.ends.a);
  f.ends.close_a();
  say(f.ends.b);
  f.r.poll(f.r.now() + one_second);  // it tells, and is heard
  const std::int64_t begin = f.r.now();
  f.r.poll(begin + 20 * millisecond);
  CHECK(f.r.now() - begin >= 15 * millisecond);
  ::close(kept);
}

TEST_CASE("closing tells both, and who is told may wait again at once", "[reactor]") {
  fixture f;
  remembered read, write, again;
  CHECK(f.begin(reading, read) == 0);
  CHECK(f.begin(writing, write) == 0);
  int begun = -1;
  read.then = [&](std::int64_t) { begun = f.begin(reading, again); };
  readiness_closing(f.r, f.ends.a);
  CHECK(read.result == STRUCTIO_ECLOSED);
  CHECK(write.result == STRUCTIO_ECLOSED);
  CHECK(begun == 0);
  CHECK(f.r.pending() == 1);
  readiness_closing(f.r, f.ends.b);
  readiness_closing(f.r, 1 << 30);
  readiness_closing(f.r, -1);
  say(f.ends.b);
  REQUIRE(f.turn_until_told(again));
  CHECK(again.result == 0);
}

TEST_CASE("a number that stands for something new tells who waited for the old", "[reactor]") {
  fixture f;
  socket_pair fresh;
  remembered old_reader, old_writer, reader;
  CHECK(f.begin(reading, old_reader) == 0);
  CHECK(f.begin(writing, old_writer) == 0);
  REQUIRE(dup2(fresh.a, f.ends.a) == f.ends.a);
  CHECK(f.begin(reading, reader) == 0);
  CHECK(old_reader.result == STRUCTIO_ECLOSED);
  CHECK(old_writer.result == STRUCTIO_ECLOSED);
  CHECK(f.r.pending() == 1);
  say(fresh.b);
  REQUIRE(f.turn_until_told(reader));
}

TEST_CASE("when the loop closes, who waits is told", "[reactor]") {
  remembered read, write;
  {
    fixture f;
    CHECK(f.begin(reading, read) == 0);
    CHECK(f.begin(writing, write) == 0);
    f.r.close();
    CHECK(readiness_try(f.r, f.ends.a, reading) == STRUCTIO_ECLOSED);
  }
  CHECK(read.result == STRUCTIO_ECLOSED);
  CHECK(write.result == STRUCTIO_ECLOSED);
}

TEST_CASE("without a descriptor for the set the wait fails, and can be tried again", "[reactor]") {
  if (under_valgrind()) return;  // which has a limit of its own
  fixture f;
  remembered read;
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int lowest_free = dup(f.ends.a);
  ::close(lowest_free);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(lowest_free);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  const int code = f.begin(reading, read);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(code == UV_EMFILE);
  CHECK(f.r.pending() == 0);
  CHECK(f.begin(reading, read) == 0);
  say(f.ends.b);
  REQUIRE(f.turn_until_told(read));
}
