// Cancelled before, during and just as it completes: accept, connect by address and by name,
// look-up, Unix sockets. Whatever came of it, the process has the descriptors that it had before.
#include <structio/resolve.hpp>
#include <structio/udp.hpp>
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

TEST_CASE("sending datagrams at every instant: what was cut was not sent", "[SOCK-19]") {
  const std::string name = "/tmp/structio-" + std::to_string(getpid()) + ".datagrams";
  // 0: one by one, connected; 1: to an address; 2: in batches.
  for (const int way : {0, 1, 2}) {
    in_a_run([&] {
      auto server = structio::open_unix_datagram({.path = name.c_str()});
      auto client = structio::open_unix_datagram({.peer = way == 1 ? nullptr : name.c_str()});
      const auto to = structio::socket_address::unix_path(name.c_str());
      std::vector<int> sent, received;
      int next = 0;
      const auto send = [&] {
        int numbers[3] = {next, next + 1, next + 2};
        next += 3;
        if (way == 2) {
          structio_packet packets[3]{};
          for (int i = 0; i < 3; ++i) {
            packets[i].data = &numbers[i];
            packets[i].size = sizeof numbers[i];
          }
          const std::size_t count = client.send_many(packets);
          sent.insert(sent.end(), numbers, numbers + count);
          return;
        }
        for (const int& number : numbers) {
          const std::string_view bytes(reinterpret_cast<const char*>(&number), sizeof number);
          way == 0 ? client.send(bytes) : client.send_to(bytes, to);
          sent.push_back(number);
        }
      };
      // The queue of a Unix socket is short: it is full before the third call.
      const auto empty = [&] {
        int number = 0;
        while (recv(static_cast<int>(server.descriptor()), &number, sizeof number, MSG_DONTWAIT) ==
               sizeof number) {
          received.push_back(number);
        }
      };
      const auto all = at_every_instant(
          rounds(300), 30,
          [&] {
            open_nursery([&](nursery& n) {
              n.start_soon([&] {
                pause(8);
                empty();
              });
              for (int i = 0; i < 6; ++i) send();
            });
          },
          empty);
      CHECK(all.whole > 0);
      CHECK(all.cut > 0);
      CHECK(received == sent);
    });
  }
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
