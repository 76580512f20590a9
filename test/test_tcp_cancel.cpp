// TCP and cancellation: at each instant a call has either done its work or nothing. Instants are
// chosen by how often the canceller gives way before it strikes, in runs where each pass looks at
// the kernel.
#include <fcntl.h>

#include <vector>

#include "support/net.hpp"

using namespace net_test;

namespace {

constexpr int instants = 12;
constexpr int repeats = 4;

/// Calls trial(i) for each instant, several times over, in one run.
template <class Trial>
void at_each_instant(Trial trial) {
  run(
      [&] {
        connected();  // a loop keeps a descriptor in hand from its first stream on
        for (int repeat = 0; repeat < repeats; ++repeat) {
          for (int i = 0; i < instants; ++i) trial(i);
        }
      },
      1);
}

/// Runs `call` in a scope that another task cancels after giving way `delay` times. True when it
/// ran to its end.
template <class Call>
bool cut_after(int delay, Call&& call) {
  bool whole = false;
  structio::cancel_scope scope;
  open_nursery([&](nursery& n) {
    n.start_soon([&] {
      pause(delay);
      scope.cancel();
    });
    whole = scope.run([&] { call(); });
  });
  return whole;
}

/// A listener whose queue is full: who connects waits.
class full_listener {
 public:
  full_listener() : descriptor_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = sockets::loopback(0);
    REQUIRE(bind(descriptor_, sockets::generic(address), sizeof address) == 0);
    REQUIRE(::listen(descriptor_, 0) == 0);
    socklen_t size = sizeof address;
    REQUIRE(getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
    for (int i = 0; i < 4; ++i) {
      const int queued = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      static_cast<void>(::connect(queued, sockets::generic(address), sizeof address));
      queued_.emplace_back(queued);
    }
  }
  full_listener(const full_listener&) = delete;
  full_listener& operator=(const full_listener&) = delete;
  ~full_listener() { close(descriptor_); }

  std::uint16_t port = 0;

 private:
  int descriptor_;
  std::vector<peer> queued_;
};

/// Fills what lies between two ends, and leaves a piece of a send that was given up behind. Returns
/// how many bytes the peer is going to get.
void clog(tcp_stream& s, const std::string& data) {
  CHECK_FALSE(structio::move_on_after(1ms, [&] { s.send_all(data); }));
}

}  // namespace

TEST_CASE("connect in a cancelled scope has no socket", "[SOCK-22][CANCEL-07]") {
  run([] {
    auto listener = listen();
    connected();
    const int before = open_descriptors();
    structio::cancel_scope scope;
    scope.run([&] {
      scope.cancel();
      CHECK(is_cancelled([&] { connect(listener); }));
      CHECK(open_descriptors() == before);
    });
  });
}

TEST_CASE("connect that waits is cancelled and closes its socket", "[SOCK-23]") {
  full_listener listener;
  run([&] {
    connected();
    const int before = open_descriptors();
    for (int i = 0; i < 10; ++i) {
      bool done =
          structio::move_on_after(1ms, [&] { structio::connect_tcp({.port = listener.port}); });
      CHECK_FALSE(done);
      CHECK(open_descriptors() == before);
    }
  });
}

TEST_CASE("connect cancelled at each instant: a stream, or no descriptor", "[SOCK-23]") {
  int connections = 0;
  at_each_instant([&](int instant) {
    auto listener = listen();
    const int before = open_descriptors();
    {
      std::optional<tcp_stream> made;
      const bool whole = cut_after(instant, [&] { made.emplace(connect(listener)); });
      CHECK(whole == made.has_value());
      CHECK(open_descriptors() == before + (made ? 1 : 0));
      if (made) {
        ++connections;
        auto other = listener.accept();
        made->send_all("good");
        CHECK(receive_whole(other, 4) == "good");
      }
    }
    CHECK(open_descriptors() == before);
  });
  CHECK(connections > 0);
}

TEST_CASE("accept cancelled with a connection in the queue: the next accept has it") {
  run([] {
    auto listener = listen();
    open_nursery([&](nursery& n) {
      structio::cancel_scope scope;
      n.start_soon([&] { CHECK_FALSE(scope.run([&] { listener.accept(); })); });
      settle();
      peer client(listener.port());
      scope.cancel();  // the connection is there, and nobody has looked yet
      client.say("me");
      settle();
      auto stream = listener.accept();
      CHECK(receive_whole(stream, 2) == "me");
    });
  });
}

TEST_CASE("accept cancelled at each instant loses no connection") {
  int taken = 0, left = 0;
  for (int arrival = 0; arrival < 4; ++arrival) {
    at_each_instant([&](int instant) {
      auto listener = listen();
      const int before = open_descriptors();
      {
        std::optional<peer> client;
        std::optional<tcp_stream> stream;
        open_nursery([&](nursery& n) {
          n.start_soon([&] {
            pause(arrival);
            client.emplace(listener.port());
            client->say("me");
          });
          cut_after(instant, [&] { stream.emplace(listener.accept()); });
        });
        ++(stream ? taken : left);
        CHECK(open_descriptors() == before + (stream ? 2 : 1));
        if (!stream) stream.emplace(listener.accept());
        CHECK(receive_whole(*stream, 2) == "me");
      }
      CHECK(open_descriptors() == before);
    });
  }
  CHECK(taken > 0);
  CHECK(left > 0);
}

TEST_CASE("receive in a cancelled scope takes nothing", "[SOCK-19]") {
  run([] {
    auto [a, b] = connected();
    a.send_all("kept");
    structio::cancel_scope scope;
    scope.run([&, &b = b] {
      scope.cancel();
      CHECK(is_cancelled([&] { receive(b); }));
    });
    CHECK(receive_whole(b, 4) == "kept");
  });
}

TEST_CASE("receive cancelled at each instant loses no byte", "[SOCK-19]") {
  int cut = 0, whole = 0;
  run(
      [&] {
        auto [a, b] = connected();
        const std::string data = pattern(4000);
        std::string got;
        open_nursery([&, &a = a, &b = b](nursery& n) {
          n.start_soon([&] {
            for (std::size_t at = 0; at < data.size(); at += 7) {
              a.send_all(std::string_view(data).substr(at, 7));
              pause(static_cast<int>(at) % 5);
            }
            a.send_eof();
          });
          bool ended = false;
          for (int i = 0; !ended; ++i) {
            const bool done = cut_after(i % instants, [&] {
              const std::string piece = receive(b, 1 + static_cast<std::size_t>(i) % 16);
              ended = piece.empty();
              got += piece;
            });
            ++(done ? whole : cut);
          }
        });
        CHECK(got == data);
      },
      1);
  CHECK(cut > 0);
  CHECK(whole > 0);
}

TEST_CASE("send_all that is cancelled has sent a prefix") {
  const std::string data = pattern(std::size_t{16} << 20);
  run([&] {
    half h;
    structio::cancel_scope before;
    before.run([&] {
      before.cancel();
      CHECK(is_cancelled([&] { h.stream.send_all("not this"); }));
    });
    clog(h.stream, data);
    std::string got;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        h.stream.send_all("the end");
        h.stream.send_eof();
      });
      for (std::string piece = h.other.hear(); !piece.empty();) {
        got += piece;
        // The reader is a plain socket: never ask for what is not there yet.
        for (;;) {
          char byte;
          const ssize_t there = recv(h.other.descriptor(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
          if (there >= 0) break;
          structio::sleep(100us);
        }
        piece = h.other.hear();
      }
    });
    REQUIRE(got.size() > 7);
    CHECK(got.size() < data.size());
    CHECK(got.substr(got.size() - 7) == "the end");
    CHECK(got.compare(0, got.size() - 7, data, 0, got.size() - 7) == 0);
  });
}

TEST_CASE("send_eof that is cancelled has not ended anything") {
  run([] {
    const std::string data = pattern(std::size_t{16} << 20);
    auto [a, b] = connected();
    clog(a, data);
    CHECK_FALSE(structio::move_on_after(1ms, [&, &a = a] { a.send_eof(); }));
    structio::cancel_scope scope;
    scope.run([&, &a = a] {
      scope.cancel();
      CHECK(is_cancelled([&] { a.send_eof(); }));
    });
    std::string got;
    open_nursery([&, &a = a, &b = b](nursery& n) {
      n.start_soon([&] {
        a.send_all("more");
        a.send_eof();
      });
      for (std::string piece = receive(b, 100'000); !piece.empty(); piece = receive(b, 100'000)) {
        got += piece;
      }
    });
    CHECK(got.size() < data.size());
    CHECK(got.substr(got.size() - 4) == "more");
  });
}

TEST_CASE("close in a cancelled scope closes", "[CANCEL-07][SRC-12]") {
  run([] {
    auto listener = listen();
    auto a = connect(listener);
    auto b = listener.accept();
    structio::cancel_scope scope;
    scope.run([&] {
      scope.cancel();
      CHECK(is_cancelled([&] { a.close(); }));
      CHECK(is_cancelled([&] { listener.close(); }));
    });
    CHECK(receive(b).empty());
    CHECK(throws<structio::closed_error>([&] { receive(a); }));
    CHECK(throws<structio::closed_error>([&] { listener.accept(); }));
  });
}

TEST_CASE("cancelling many waits on sockets leaves nothing behind", "[SOCK-33]") {
  const int before = open_descriptors();
  run([] {
    std::vector<ends> all;
    for (int i = 0; i < 50; ++i) all.push_back(connected());
    int cut = 0;
    open_nursery([&](nursery& n) {
      for (ends& e : all) {
        n.start_soon([&] { cut += is_cancelled([&] { receive(e.a); }) ? 1 : 0; });
        n.start_soon([&] { cut += is_cancelled([&] { receive(e.b); }) ? 1 : 0; });
      }
      settle();
      n.cancel_scope().cancel();
    });
    CHECK(cut == 100);
    for (ends& e : all) {
      e.a.send_all("x");
      CHECK(receive(e.b) == "x");
    }
  });
  CHECK(open_descriptors() == before);
}
