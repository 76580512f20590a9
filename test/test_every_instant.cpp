// Cancelled before, during and just as it completes: accept, connect by address and by name,
// look-up, Unix sockets. Whatever came of it, the process has the descriptors that it had before.
#include <structio/resolve.hpp>
#include <structio/unix.hpp>

#include <sys/wait.h>

#include <string>

#include "support/instants.hpp"

using namespace instants;

namespace {

/// Takes whoever waits in the queue.
template <class Listener>
void drain(Listener& listener) {
  while (structio::move_on_after(50us, [&] { listener.accept(); })) {
  }
}

/// Until those that were left to the run have been reaped.
void wait_for_children() {
  siginfo_t one{};
  while (waitid(P_ALL, 0, &one, WEXITED | WNOHANG | WNOWAIT) == 0) structio::sleep(1ms);
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

TEST_CASE("open at every instant") {
  in_a_run([] {
    const auto all = at_every_instant(
        rounds(150), 40, [] { structio::open_file("/proc/self/exe"); }, [] {});
    CHECK(all.cut > 0);
  });
}

TEST_CASE("spawn at every instant: no child, no descriptor is left", "[PROC-20]") {
  in_a_run([] {
    const auto all = at_every_instant(
        rounds(40), 60,
        [] {
          auto child = structio::spawn_process(
              {.argv = {"true"}, .in = structio::stdio::pipe(), .out = structio::stdio::pipe()});
          child.wait();
        },
        wait_for_children);
    CHECK(all.cut > 0);
  });
}
