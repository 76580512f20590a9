// What an echo costs in system calls through the whole library: the wait, the read, the write, and
// nothing else.
#if defined(__linux__)

#include <sys/syscall.h>

#include "support/call_counter.hpp"
#include "support/net.hpp"
#include "support/valgrind.hpp"

using namespace net_test;
using sockets::call_counter;
using sockets::told_number;

namespace {

constexpr int rounds = 400;

int echo(structio_stream* s, void*) {
  char buffer[4096];
  for (;;) {
    const int64_t got = structio_stream_receive_some(s, buffer, sizeof buffer);
    if (got <= 0) return static_cast<int>(got);
    const int sent = structio_stream_send_all(s, buffer, static_cast<size_t>(got));
    if (sent < 0) return sent;
  }
}

/// Lets `serve` answer in a traced child; each client asks in turn.
void count(call_counter& counter, int clients, void (*serve)(tcp_listener&)) {
  told_number port;
  bool right = true;
  counter.run(
      [&] {
        run([&] {
          auto listener = listen();
          port.tell(listener.port());
          serve(listener);
        });
      },
      [&] {
        const std::uint16_t number = port.ask();
        std::vector<peer> all;
        for (int i = 0; i < clients; ++i) all.emplace_back(number);
        const auto ask = [&](int i) {
          peer& one = all[static_cast<std::size_t>(i % clients)];
          one.say("ping");
          right = right && one.hear_whole(4) == "ping";
        };
        for (int i = 0; i < 20 * clients; ++i) ask(i);
        counter.counting = true;
        for (int i = 0; i < rounds; ++i) ask(i);
        counter.counting = false;
      });
  CHECK(right);
}

void serve_by_c(tcp_listener& listener) {
  structio_serve(listener.native(), echo, nullptr, nullptr);
}

void serve_by_face(tcp_listener& listener) {
  structio::serve(listener, [](tcp_stream s) {
    std::array<std::byte, 4096> buffer;
    while (const auto got = s.receive_some(buffer)) s.send_all(std::span(buffer).first(got));
  });
}

void serve_under_deadlines(tcp_listener& listener) {
  structio::serve(listener, [](tcp_stream s) {
    std::array<std::byte, 4096> buffer;
    for (;;) {
      std::size_t got = 0;
      structio::fail_after(1h, [&] { got = s.receive_some(buffer); });
      if (got == 0) return;
      s.send_all(std::span(buffer).first(got));
    }
  });
}

}  // namespace

TEST_CASE("a steady echo costs three system calls") {
  if (under_valgrind()) return;
  for (const auto serve : {serve_by_c, serve_by_face, serve_under_deadlines}) {
    for (const int clients : {1, 7}) {
      call_counter counter;
      count(counter, clients, serve);
      if (!counter.possible) return;
      CHECK(counter.count(SYS_read) == rounds);
      CHECK(counter.count(SYS_write) == rounds);
      CHECK(counter.count(SYS_epoll_ctl) == 0);
      CHECK(counter.total() <= 3.05 * rounds);
    }
  }
}

#endif
