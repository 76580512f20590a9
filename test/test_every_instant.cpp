// Cancelled before, during and just as it completes: accept, connect by address and by name,
// look-up, Unix sockets. Whatever came of it, the process has the descriptors that it had before.
//
// Each call is tried STRUCTIO_ROUNDS times (default: 600), at instants that follow the seed.
#include <structio/resolve.hpp>
#include <structio/unix.hpp>

#include <cstdlib>
#include <random>
#include <string>

#include "support/net.hpp"

using namespace net_test;

namespace {

int rounds(int otherwise) {
  const char* given = std::getenv("STRUCTIO_ROUNDS");
  return given ? std::atoi(given) : otherwise;
}

/// How it went: both have to occur, or the instants were badly chosen.
struct tally {
  int whole = 0;
  int cut = 0;
};

/// Calls `trial()` in a scope that is cancelled after giving way up to `longest` times, many times
/// over; `before` and `after` are not cancelled. Checks the descriptors.
template <class Trial, class After>
tally at_every_instant(int count, int longest, Trial trial, After after) {
  tally all;
  std::minstd_rand random(static_cast<unsigned>(seed()) + 1);
  after();
  const int before = open_descriptors();
  for (int i = 0; i < count; ++i) {
    const int delay = static_cast<int>(random() % static_cast<unsigned>(longest));
    const int head_start = static_cast<int>(random() % static_cast<unsigned>(longest));
    structio::cancel_scope scope;
    bool whole = false;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        pause(delay);
        scope.cancel();
      });
      whole = scope.run([&] {
        pause(head_start);
        trial();
      });
    });
    ++(whole ? all.whole : all.cut);
    after();
  }
  pause(3);
  structio_wait_all_threads_completed();
  CHECK(open_descriptors() == before);
  return all;
}

template <class Body>
void in_a_run(Body body) {
  run(
      [&] {
        connected();  // a loop keeps a descriptor in hand from its first stream on
        body();
      },
      1);
}

/// Takes whoever waits in the queue.
template <class Listener>
void drain(Listener& listener) {
  while (structio::move_on_after(0s, [&] { listener.accept(); })) {
  }
}

}  // namespace

TEST_CASE("accept at every instant", "[SSTR-07]") {
  in_a_run([] {
    auto listener = listen();
    std::vector<peer> clients;
    const auto all = at_every_instant(
        rounds(600), 6,
        [&] {
          clients.emplace_back(listener.port());
          listener.accept();
        },
        [&] {
          drain(listener);
          clients.clear();
        });
    CHECK(all.whole > 0);
    CHECK(all.cut > 0);
  });
}

TEST_CASE("connect at every instant", "[SOCK-23]") {
  in_a_run([] {
    auto listener = listen();
    const auto all = at_every_instant(
        rounds(600), 6, [&] { connect(listener); }, [&] { drain(listener); });
    CHECK(all.whole > 0);
    CHECK(all.cut > 0);
  });
}

TEST_CASE("connect to a name with several addresses, at every instant", "[SOCK-23][HE-20]") {
  in_a_run([] {
    auto listener = listen();
    const structio::scoped_resolver three([](const structio::name_query&) {
      structio::checkpoint();
      return std::vector<structio::tcp_address>{{"127.0.0.2", 0}, {"127.0.0.1", 0}, {"::1", 0}};
    });
    const auto all = at_every_instant(
        rounds(300), 16,
        [&] {
          structio::connect_tcp({.host = "x", .port = listener.port(), .attempt_delay = 1ns});
        },
        [&] { drain(listener); });
    CHECK(all.whole > 0);
    CHECK(all.cut > 0);
  });
}

TEST_CASE("a look-up in a thread, at every instant", "[SOCK-02][SOCK-23]") {
  in_a_run([] {
    structio::resolve("localhost", 1);
    const auto all = at_every_instant(
        rounds(100), 200, [] { structio::resolve("localhost", 1); }, [] {});
    CHECK(all.cut > 0);
  });
}

TEST_CASE("Unix sockets at every instant", "[UNIXS-03]") {
  in_a_run([] {
    const std::string path = "/tmp/structio-" + std::to_string(getpid()) + ".socket";
    auto listener = structio::listen_unix({.path = path});
    const auto connects = at_every_instant(
        rounds(600), 3, [&] { structio::connect_unix(path); }, [&] { drain(listener); });
    CHECK(connects.whole > 0);
    CHECK(connects.cut > 0);
    at_every_instant(
        rounds(600), 6,
        [&] {
          auto client = structio::connect_unix(path);
          listener.accept();
        },
        [&] { drain(listener); });
  });
}
