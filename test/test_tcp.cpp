// TCP between tasks of one run: bytes, ends, addresses, back pressure, refusals of the system.
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <memory>
#include <vector>

#include "support/net.hpp"
#include "support/valgrind.hpp"

using namespace net_test;
using structio::connect_tcp;
using structio::listen_tcp;

namespace {

bool has_ipv6() {
  const int descriptor = socket(AF_INET6, SOCK_STREAM, 0);
  if (descriptor < 0) return false;
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const bool possible =
      bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(descriptor);
  return possible;
}

int option(const tcp_stream& s, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  REQUIRE(getsockopt(static_cast<int>(s.descriptor()), level, name, &value, &size) == 0);
  return value;
}

/// A port at which nobody listens, and nobody else can: it is bound, and that is all.
class deaf_port {
 public:
  deaf_port() : descriptor_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = sockets::loopback(0);
    REQUIRE(bind(descriptor_, sockets::generic(address), sizeof address) == 0);
    socklen_t size = sizeof address;
    REQUIRE(getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    number = ntohs(address.sin_port);
  }
  deaf_port(const deaf_port&) = delete;
  deaf_port& operator=(const deaf_port&) = delete;
  ~deaf_port() { close(descriptor_); }

  std::uint16_t number = 0;

 private:
  int descriptor_;
};

/// Sends all of `data` in one task and ends, while `from` is read slowly in another.
void transfer(nursery& n, tcp_stream& to, tcp_stream& from, const std::string& data,
              std::string& got) {
  n.start_soon([&] {
    to.send_all(data);
    to.send_eof();
  });
  n.start_soon([&] {
    std::size_t step = 1;
    for (;;) {
      const std::string piece = receive(from, step);
      if (piece.empty()) return;
      got += piece;
      step = step * 3 % 65521 + 1;
      structio::checkpoint();
    }
  });
}

}  // namespace

TEST_CASE("both ends see one address each, and bytes go both ways", "[SOCK-12][SSTR-04]") {
  run([] {
    auto listener = listen();
    CHECK(listener.address().host == "127.0.0.1");
    CHECK(listener.port() != 0);
    auto a = connect(listener);
    auto b = listener.accept();
    CHECK(a.peer_address().port == listener.port());
    CHECK(a.local_address().port == b.peer_address().port);
    CHECK(a.peer_address().port == b.local_address().port);
    CHECK(b.peer_address().host == "127.0.0.1");
    a.send_all("over there");
    CHECK(receive_whole(b, 10) == "over there");
    b.send_all("and back");
    CHECK(receive_whole(a, 8) == "and back");
  });
}

TEST_CASE("the same over IPv6", "[SOCK-12]") {
  if (!has_ipv6()) return;
  run([] {
    auto listener = listen_tcp({.host = "::1", .ipv6_only = true});
    auto a = connect_tcp({.host = "::1", .port = listener.port()});
    auto b = listener.accept();
    CHECK(b.peer_address().host == "::1");
    CHECK(a.local_address().port == b.peer_address().port);
    a.send_all("six");
    CHECK(receive_whole(b, 3) == "six");
    // IPv4 cannot come in, so that its port is free.
    CHECK(throws<structio::error>([&] { connect(listener); }));
  });
}

TEST_CASE("send_eof ends one direction only and may be repeated", "[SSTR-04][SOCK-11]") {
  run([] {
    auto [a, b] = connected();
    a.send_all("last words");
    a.send_eof();
    a.send_eof();
    CHECK(receive_whole(b, 100) == "last words");
    CHECK(receive(b).empty());
    CHECK(receive(b).empty());  // the end stays
    b.send_all("still here");
    CHECK(receive_whole(a, 10) == "still here");
    const auto refused = thrown<structio::closed_error>([&, &a = a] { a.send_all("more"); });
    REQUIRE(refused);
    CHECK_THAT(refused->what(), ContainsSubstring("send_eof"));
  });
}

TEST_CASE("the peer has sent a byte and closed before the stream is accepted", "[SSTR-05]") {
  run([] {
    auto listener = listen();
    {
      peer early(listener.port());
      early.say("x");
    }
    auto stream = listener.accept();
    CHECK(receive(stream) == "x");
    CHECK(receive(stream).empty());
  });
}

TEST_CASE("as little as one byte is received, but nothing into nothing") {
  run([] {
    auto both = connected();
    auto& a = both.a;
    auto& b = both.b;
    a.send_all("abc");
    std::string got;
    while (got.size() < 3) {
      CHECK(throws<std::invalid_argument>([&] { receive(b, 0); }));
      const std::string byte = receive(b, 1);
      REQUIRE(byte.size() == 1);
      got += byte;
    }
    CHECK(got == "abc");
    a.send_all("");
    a.send_all("d");
    CHECK(receive(b, 1) == "d");
  });
}

TEST_CASE("a size beyond the end of memory means as much as there is") {
  if (under_valgrind()) return;  // it believes the size
  run([] {
    auto [a, b] = connected();
    a.send_all("few");
    char buffer[16];
    CHECK(structio_stream_receive_some(b.native(), buffer, SIZE_MAX) == 3);
    CHECK(std::string(buffer, 3) == "few");
  });
}

TEST_CASE("a sender waits for a slow reader, and every byte arrives", "[FD-02]") {
  const std::string data = pattern(std::size_t{10} << 20);
  run([&] {
    auto [a, b] = connected();
    bool sent = false;
    std::string got;
    open_nursery([&, &a = a, &b = b](nursery& n) {
      n.start_soon([&] {
        a.send_all(data);
        sent = true;
        a.send_eof();
      });
      structio::testing::wait_all_tasks_blocked(20ms);
      CHECK_FALSE(sent);
      for (;;) {
        const std::string piece = receive(b, 100'000);
        if (piece.empty()) break;
        got += piece;
        structio::checkpoint();
      }
    });
    CHECK(sent);
    CHECK(got == data);
  });
}

TEST_CASE("ten megabytes each way at once, in steps of every size") {
  const std::string there = pattern(std::size_t{10} << 20);
  const std::string back(there.rbegin(), there.rend());
  std::string got_there, got_back;
  run([&] {
    auto [a, b] = connected();
    open_nursery([&, &a = a, &b = b](nursery& n) {
      transfer(n, a, b, there, got_there);
      transfer(n, b, a, back, got_back);
    });
  });
  CHECK(got_there == there);
  CHECK(got_back == back);
}

TEST_CASE("a long send to a reader that keeps up gives way", "[SCHED-05]") {
  const std::string data = pattern(std::size_t{4} << 20);
  run([&] {
    auto [a, b] = connected();
    const auto before = structio::testing::count_checkpoints();
    open_nursery([&, &a = a, &b = b](nursery& n) {
      n.start_soon([&] { CHECK(receive_whole(b, data.size()) == data); });
      a.send_all(data);
    });
    const auto after = structio::testing::count_checkpoints();
    CHECK(after.cancel_points > before.cancel_points + 1);
  });
}

TEST_CASE("a reset is broken, with the system's reason, for good") {
  run([] {
    half h;
    h.other.slam();
    const auto first = thrown<structio::broken_error>([&] { receive(h.stream); });
    REQUIRE(first);
    CHECK_THAT(first->what(), ContainsSubstring("ECONNRESET"));
    CHECK_THAT(first->what(), ContainsSubstring("connection is broken"));
    CHECK(throws<structio::broken_error>([&] { receive(h.stream); }));
    const auto sending = thrown<structio::broken_error>([&] { h.stream.send_all("x"); });
    REQUIRE(sending);
    CHECK_THAT(sending->what(), ContainsSubstring("EPIPE"));
    CHECK(throws<structio::broken_error>([&] { h.stream.send_eof(); }));
  });
}

TEST_CASE("a reset breaks a sender that waits") {
  run([] {
    half h;
    const std::string data = pattern(std::size_t{16} << 20);
    open_nursery([&](nursery& n) {
      n.start_soon(
          [&] { CHECK(throws<structio::broken_error>([&] { h.stream.send_all(data); })); });
      structio::testing::wait_all_tasks_blocked(5ms);
      h.other.slam();
    });
  });
}

TEST_CASE("nobody listens there", "[SOCK-24]") {
  const int before = open_descriptors();
  deaf_port port;
  run([&] {
    connected();  // a loop keeps a descriptor in hand from its first stream on
    const int inside = open_descriptors();
    const auto refused = thrown<structio::error>([&] { connect_tcp({.port = port.number}); });
    REQUIRE(refused);
    CHECK(std::string(refused->name()) == "ECONNREFUSED");
    CHECK(refused->error_code() == std::errc::connection_refused);
    CHECK_THAT(refused->what(), ContainsSubstring("127.0.0.1 port " + std::to_string(port.number)));
    CHECK(open_descriptors() == inside);
  });
  CHECK(open_descriptors() == before + 1);  // the deaf port's own
}

TEST_CASE("a port is taken, or shared by agreement") {
  run([] {
    auto first = listen();
    const auto taken =
        thrown<structio::error>([&] { listen_tcp({.host = "127.0.0.1", .port = first.port()}); });
    REQUIRE(taken);
    CHECK(std::string(taken->name()) == "EADDRINUSE");
    CHECK_THAT(taken->what(), ContainsSubstring("cannot listen on 127.0.0.1 port"));
    auto shared = listen_tcp({.host = "127.0.0.1", .reuse_port = true});
    auto too = listen_tcp({.host = "127.0.0.1", .port = shared.port(), .reuse_port = true});
    CHECK(too.port() == shared.port());
    // A port is free as soon as its listener is closed.
    const std::uint16_t again = first.port();
    first.close();
    CHECK(listen_tcp({.host = "127.0.0.1", .port = again}).port() == again);
  });
}

TEST_CASE("a host to listen on must be an address, and one of this machine", "[SOCK-22]") {
  run([] {
    for (const char* host : {"localhost", "", "1.2.3", "1.2.3.4.5", "::g", "127.0.0.1 "}) {
      const auto no = thrown<std::invalid_argument>([&] { listen_tcp({.host = host}); });
      REQUIRE(no);
      CHECK_THAT(no->what(), ContainsSubstring("'" + std::string(host) + "'"));
    }
    for (const char* host : {"1.2.3.4.5", "::g", "127.0.0.1 "}) {
      CHECK(throws<structio::error>([&] { connect_tcp({.host = host, .port = 1}); }));
    }
    CHECK(throws<std::invalid_argument>([] { connect_tcp({.host = "", .port = 1}); }));
    const auto elsewhere = thrown<structio::error>([] { listen_tcp({.host = "192.0.2.1"}); });
    REQUIRE(elsewhere);
    CHECK(std::string(elsewhere->name()) == "EADDRNOTAVAIL");
    CHECK(throws<std::invalid_argument>([] { listen_tcp({.host = "127.0.0.1", .backlog = -1}); }));
  });
}

TEST_CASE("Nagle's algorithm is off on both ends and can be switched", "[SSTR-02]") {
  run([] {
    auto [a, b] = connected();
    for (tcp_stream* s : {&a, &b}) {
      CHECK(option(*s, IPPROTO_TCP, TCP_NODELAY) != 0);
      s->set_nodelay(false);
      CHECK(option(*s, IPPROTO_TCP, TCP_NODELAY) == 0);
      s->set_nodelay(true);
      CHECK(option(*s, IPPROTO_TCP, TCP_NODELAY) != 0);
    }
  });
}

TEST_CASE("every call gives way and looks, whether or not it waits", "[SCHED-05][SSTR-07]") {
  run(
      [] {
        const auto point = [](auto&& call) { structio::testing::assert_checkpoints(call); };
        auto listener = listen();
        std::unique_ptr<tcp_stream> a;
        point([&] { a = std::make_unique<tcp_stream>(connect(listener)); });
        std::unique_ptr<tcp_stream> b;
        point([&] { b = std::make_unique<tcp_stream>(listener.accept()); });
        point([&] { a->send_all("abc"); });
        point([&] { a->send_all(""); });
        point([&] { receive(*b, 3); });
        point([&] { a->send_eof(); });
        point([&] { a->send_eof(); });
        point([&] { receive(*b); });
        point([&] { receive(*b); });
        const auto closed = [&](auto&& call) {
          point([&] { CHECK(throws<structio::closed_error>(call)); });
        };
        closed([&] { a->send_all("x"); });
        point([&] { a->close(); });
        point([&] { a->close(); });
        closed([&] { receive(*a); });
        closed([&] { a->send_all("x"); });
        closed([&] { a->send_eof(); });
        point([&] { listener.close(); });
        point([&] { listener.close(); });
        closed([&] { listener.accept(); });
        structio::testing::assert_no_checkpoints([&] { b.reset(); });
      },
      1);
}

TEST_CASE("a thousand connections at once", "[SOCK-33]") {
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit before = limit;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const int count = limit.rlim_cur >= 2200 ? 1000 : static_cast<int>(limit.rlim_cur) / 3;
  int answered = 0;
  run([&] {
    auto listener = listen();
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        structio::serve(listener, [](tcp_stream s) {
          for (std::string text = receive(s); !text.empty(); text = receive(s)) s.send_all(text);
        });
      });
      int there = 0;  // nobody speaks before all are connected
      open_nursery([&](nursery& clients) {
        for (int i = 0; i < count; ++i) {
          clients.start_soon([&, i] {
            auto s = connect(listener);
            ++there;
            while (there < count) structio::sleep(1ms);
            const std::string text = std::to_string(i);
            s.send_all(text);
            if (receive_whole(s, text.size()) == text) ++answered;
          });
        }
      });
      n.cancel_scope().cancel();
    });
  });
  CHECK(answered == count);
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_CASE("sockets are real where the clock is virtual") {
  structio::testing::virtual_clock clock;
  face::run_with({.seed = seed()}, clock, [&] {
    auto [a, b] = connected();
    const auto start = structio::now();
    // A peer that never answers: the clock jumps to the deadline as soon as everybody waits.
    CHECK_FALSE(structio::move_on_after(24h, [&, &b = b] { receive(b); }));
    CHECK(structio::now() - start == 24h);
    // Nobody's deadline: the clock stands still while real bytes go to and fro.
    clock.set_autojump(std::nullopt);
    const auto then = structio::now();
    CHECK(structio::move_on_after(1s, [&, &a = a, &b = b] {
      open_nursery([&](nursery& n) {
        n.start_soon([&] { CHECK(receive_whole(a, 1 << 20).size() == 1 << 20); });
        b.send_all(pattern(1 << 20));
      });
    }));
    CHECK(structio::now() == then);
  });
}
