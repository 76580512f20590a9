// Every stream of the library keeps the rules of the conformance suites, as does one that is built
// of the face's parts.
#include <structio/net.hpp>
#include <structio/structio.hpp>
#include <structio/testing/check_stream.hpp>
#include <structio/testing/memory_stream.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/face.hpp"
#include "support/faulty_stream.hpp"
#include "support/net.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#endif

using namespace face;
using structio::testing::check_half_closeable_stream;
using structio::testing::check_one_way_stream;
using structio::testing::check_two_way_stream;
using structio::testing::lockstep_stream_one_way_pair;
using structio::testing::lockstep_stream_pair;
using structio::testing::memory_stream_one_way_pair;
using structio::testing::memory_stream_pair;

namespace {

auto good_pair() {
  return faulty::make_pair(faulty::fault::none, faulty::fault::none);
}

auto good_clogged_pair() {
  return faulty::make_clogged_pair(faulty::fault::none, faulty::fault::none);
}

/// A stream over another one, as users write them: turns every bit around.
template <structio::byte_stream Under>
class inverted_stream {
 public:
  explicit inverted_stream(Under under) : under_(std::move(under)) {}

  std::size_t receive_some(std::span<std::byte> buffer) {
    const std::size_t got = under_.receive_some(buffer);
    for (std::byte& one : buffer.first(got)) one = ~one;
    return got;
  }
  void send_all(std::span<const std::byte> data) {
    std::vector<std::byte> turned(data.begin(), data.end());
    for (std::byte& one : turned) one = ~one;
    under_.send_all(turned);
  }
  void wait_send_might_not_block() { under_.wait_send_might_not_block(); }
  void send_eof() { under_.send_eof(); }
  void close() { under_.close(); }

 private:
  Under under_;
};

auto inverted_pair() {
  auto [a, b] = lockstep_stream_pair();
  return std::pair(inverted_stream(std::move(a)), inverted_stream(std::move(b)));
}

/// Two streams that each go one way, as one that goes both.
template <class Maker>
auto stapled_pair(Maker maker) {
  auto there = maker();
  auto back = maker();
  using stapled = structio::stapled_stream<decltype(there.first), decltype(there.second)>;
  return std::pair(stapled(std::move(there.first), std::move(back.second)),
                   stapled(std::move(back.first), std::move(there.second)));
}

#if defined(__unix__) || defined(__APPLE__)

std::pair<structio::tcp_stream, structio::tcp_stream> tcp_pair() {
  auto ends = net_test::connected();
  return {std::move(ends.a), std::move(ends.b)};
}

/// Sends until nothing has moved for a while. One text for all of them: to fill as much as no
/// connection holds takes longer than all else here.
void clog(structio::any_stream& sender) {
  static const std::string much(std::size_t{32} << 20, 'c');
  structio::open_nursery([&](structio::nursery& n) {
    n.start_soon([&] { sender.send_all(much); });
    structio::testing::wait_all_tasks_blocked(10ms);
    n.cancel_scope().cancel();
  });
}

std::pair<structio::tcp_stream, structio::tcp_stream> clogged_tcp_pair() {
  auto ends = tcp_pair();
  for (const auto* end : {&ends.first, &ends.second}) {
    const int small = 16384;
    const int descriptor = static_cast<int>(end->descriptor());
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  }
  clog(ends.first);
  clog(ends.second);
  return ends;
}

auto pipe_pair() {
  auto [reading, writing] = structio::open_pipe();
  return std::pair(std::move(writing), std::move(reading));
}

auto clogged_pipe_pair() {
  auto ends = pipe_pair();
  clog(ends.first);
  return ends;
}

#ifdef __linux__  // where what the program's end has sent stays to be read after it was closed
/// Raw, so that bytes stay what they are; the program's end sends. The other way round a terminal
/// drops at its end what has not been read, as no stream may.
std::pair<structio::any_stream, structio::any_stream> terminal_pair() {
  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(master >= 0);
  REQUIRE(grantpt(master) == 0);
  REQUIRE(unlockpt(master) == 0);
  const int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  REQUIRE(slave >= 0);
  termios mode{};
  REQUIRE(tcgetattr(slave, &mode) == 0);
  cfmakeraw(&mode);
  REQUIRE(tcsetattr(slave, TCSANOW, &mode) == 0);
  return {structio::stream_from_descriptor(slave), structio::stream_from_descriptor(master)};
}
#endif

auto clogged_unix_pair() {
  auto ends = structio::open_unix_pair();
  clog(ends.first);
  clog(ends.second);
  return ends;
}

#endif

}  // namespace

TEST_CASE("a stream of one's own passes the suites",
          "[CONF-01][CONF-02][CONF-03][CONF-04][CONF-05][CONF-06][CONF-07][CONF-08][CONF-09]"
          "[CONF-10][CONF-11][CONF-12][CONF-13][CONF-14][CONF-15][CONF-16][CONF-17][CONF-18]"
          "[CONF-19]") {
  face::run([] {
    check_one_way_stream(good_pair);
    check_one_way_stream(good_pair, good_clogged_pair);
    check_two_way_stream(good_pair, good_clogged_pair);
    check_half_closeable_stream(good_pair, good_clogged_pair, {.seed = 7});
  });
}

TEST_CASE("a stream over another one passes the suites, in any order of tasks") {
  CHECK(structio::testing::explore(
            {.runs = 5}, [] { check_half_closeable_stream(inverted_pair, inverted_pair); }) > 0);
}

TEST_CASE("the suites can be run with any budget") {
  structio::testing::virtual_clock clock;
  run_with({.budget = 32}, clock, [] {
    check_half_closeable_stream(memory_stream_pair);
    check_half_closeable_stream(good_pair, good_clogged_pair);
  });
}

TEST_CASE("streams in memory pass the suites",
          "[CONF-01][CONF-02][CONF-03][CONF-04][CONF-05][CONF-06][CONF-07][CONF-08][CONF-09]"
          "[CONF-10][CONF-11][CONF-12][CONF-17][CONF-18]") {
  face::run([] {
    check_one_way_stream(memory_stream_one_way_pair);
    check_two_way_stream([] { return stapled_pair(memory_stream_one_way_pair); });
    check_half_closeable_stream(memory_stream_pair);
  });
}

TEST_CASE("streams in lockstep pass the suites, clogged by nature",
          "[CONF-01][CONF-02][CONF-03][CONF-04][CONF-05][CONF-06][CONF-07][CONF-08][CONF-09]"
          "[CONF-10][CONF-11][CONF-12][CONF-13][CONF-14][CONF-15][CONF-16][CONF-17][CONF-18]"
          "[CONF-19]") {
  face::run([] {
    check_one_way_stream(lockstep_stream_one_way_pair, lockstep_stream_one_way_pair);
    const auto stapled = [] { return stapled_pair(lockstep_stream_one_way_pair); };
    check_two_way_stream(stapled, stapled);
    check_half_closeable_stream(lockstep_stream_pair, lockstep_stream_pair);
  });
}

#if defined(__unix__) || defined(__APPLE__)

TEST_CASE("TCP connections pass the suites",
          "[CONF-01][CONF-02][CONF-03][CONF-04][CONF-05][CONF-06][CONF-07][CONF-08][CONF-09]"
          "[CONF-10][CONF-11][CONF-12][CONF-13][CONF-14][CONF-15][CONF-16][CONF-17][CONF-18]"
          "[CONF-19][SSTR-04]") {
  // With a larger budget a call that need not wait does not give way each time.
  net_test::run([] { check_half_closeable_stream(tcp_pair, clogged_tcp_pair); }, 1);
}

TEST_CASE("pipes pass the suite of one way", "[FD-09]") {
  net_test::run([] { check_one_way_stream(pipe_pair, clogged_pipe_pair); }, 1);
}

#ifdef __linux__
TEST_CASE("terminals pass the suite of one way, towards who controls them") {
  net_test::run([] { check_one_way_stream(terminal_pair); }, 1);
}
#endif

TEST_CASE("Unix sockets pass the suites", "[CONF-17][CONF-18][CONF-19]") {
  net_test::run([] { check_half_closeable_stream(structio::open_unix_pair, clogged_unix_pair); },
                1);
}

#endif
