// What the reactor costs in system calls: a steady echo three, a connection from accept to close
// at most eleven (ten when two of its three events come in one turn).
#if defined(__linux__)

#include <sys/syscall.h>

#include "reactor/reactor_fixture.hpp"
#include "support/call_counter.hpp"

using namespace reactor_test;

namespace {

/// The smallest echo server on the bare reactor.
class echo_server {
 public:
  echo_server() {
    if (r_.open() != 0) _exit(1);
    const sockaddr_in address = loopback(0);
    if (tcp_listen(r_, generic(address), {}, listener_) != 0) _exit(1);
    come_.server = this;
    come_.done = [](operation& self, std::int64_t) noexcept {
      static_cast<event&>(self).server->accept();
    };
  }

  std::uint16_t port() const { return port_of(*listener_); }

  [[noreturn]] void serve() {
    accept();
    for (;;) r_.poll(base::forever);
  }

 private:
  struct event : operation {
    echo_server* server = nullptr;
  };
  struct connection : event {
    stream_slot* stream = nullptr;
    char buffer[512];
  };

  void accept() noexcept {
    stream_slot* stream = nullptr;
    while (try_accept(*listener_, stream) == 0) {
      auto* c = new connection;
      c->server = this;
      c->stream = stream;
      c->done = [](operation& self, std::int64_t count) noexcept {
        auto& one = static_cast<connection&>(self);
        if (count > 0) try_write(*one.stream, one.buffer, static_cast<std::size_t>(count));
        one.server->read(one, count > 0);
      };
      read(*c, true);
    }
    accept_wait(*listener_, come_);
  }

  void read(connection& c, bool open) noexcept {
    if (open && read_start(*c.stream, c.buffer, sizeof c.buffer, c) == 0) return;
    close(*c.stream);
    delete &c;
  }

  uv_reactor r_;
  listener_slot* listener_ = nullptr;
  event come_;
};

bool echo(peer& client) {
  client.say("ping");
  return client.hear() == "ping";
}

}  // namespace

TEST_CASE("a steady echo costs three system calls", "[reactor]") {
  constexpr int rounds = 200;
  told_number port;
  call_counter counter;
  bool right = true;
  counter.run(
      [&] {
        echo_server server;
        port.tell(server.port());
        server.serve();
      },
      [&] {
        peer client(port.ask());
        for (int i = 0; i < 20; ++i) right = right && echo(client);
        counter.counting = true;
        for (int i = 0; i < rounds; ++i) right = right && echo(client);
        counter.counting = false;
      });
  CHECK(right);
  if (!counter.possible) return;
  // The wait that follows a reply may be counted on either side of an edge.
  CHECK(counter.count(SYS_read) == rounds);
  CHECK(counter.count(SYS_write) == rounds);
  CHECK(counter.count(SYS_epoll_ctl) == 0);
  CHECK(counter.total() <= 3 * rounds + 1);
}

TEST_CASE("a connection costs at most eleven system calls from accept to close", "[reactor]") {
  constexpr int rounds = 100;
  told_number port;
  call_counter counter;
  bool right = true;
  counter.run(
      [&] {
        echo_server server;
        port.tell(server.port());
        server.serve();
      },
      [&] {
        const std::uint16_t number = port.ask();
        for (int i = 0; i < rounds + 10; ++i) {
          counter.counting = i >= 10;
          peer client(number);
          right = right && echo(client);
        }
        counter.counting = false;
      });
  CHECK(right);
  if (!counter.possible) return;
  constexpr int at_the_edges = 11;
  CHECK(counter.count(SYS_accept4) <= rounds + 2);
  CHECK(counter.total() <= rounds * 11 + at_the_edges);
}

#endif
