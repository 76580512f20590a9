// UDP sockets over the loopback interface, against each other and against plain sockets.
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <vector>

#include "support/net.hpp"
#include "support/op_proof.hpp"

using namespace net_test;
using structio::datagram_socket;
using structio::open_udp;
using structio::socket_address;

namespace {

std::string receive(datagram_socket& from, std::size_t most = 2048) {
  std::string text(most, '\0');
  text.resize(from.receive(std::span<char>(text)).size);
  return text;
}

socket_address at(const datagram_socket& socket) {
  return {"127.0.0.1", socket.port()};
}

void prove_datagrams() {
  auto socket = open_udp({.host = "127.0.0.1"});
  auto self = structio::connect_udp("127.0.0.1", socket.port());
  const auto to = at(socket);
  char byte = 'x';
  structio_packet packet{};
  packet.data = &byte;
  packet.size = 1;
  auto prove = [](auto call) {
    CHECK(op_proof::cancelled(call) == op_proof::aborted);
    CHECK(op_proof::halves(call) == 2);
  };
  prove([&] { return structio_datagram_send(self.native(), "a", 1); });
  prove([&] { return structio_datagram_send_to(socket.native(), "b", 1, to.native()); });
  prove([&] { return structio_datagram_send_many(self.native(), &packet, 1); });
  prove([&] { return structio_datagram_receive(socket.native(), &byte, 1, nullptr, nullptr); });
  CHECK(byte == 'a');
  prove([&] { return structio_datagram_receive_many(socket.native(), &packet, 1); });
  CHECK(byte == 'b');
}

constexpr auto nothing = STRUCTIO_EFFECT_NOTHING;
const op_proof::area datagrams({{"structio_datagram_receive", 1, nothing},
                                {"structio_datagram_receive_many", 1, nothing},
                                {"structio_datagram_send", 1, nothing},
                                {"structio_datagram_send_many", 1, nothing},
                                {"structio_datagram_send_to", 1, nothing}},
                               prove_datagrams);

}  // namespace

TEST_CASE("datagrams arrive whole, with their sender; empty ones too", "[SOCK-25]") {
  const int before = open_descriptors();
  run([] {
    auto a = open_udp({.host = "127.0.0.1"});
    auto b = open_udp({.host = "127.0.0.1"});
    a.send_to("one", at(b));
    a.send_to("", at(b));
    a.send_to("a long one", at(b));
    char buffer[6];
    auto got = b.receive(buffer);
    CHECK(std::string(buffer, got.size) == "one");
    CHECK(got.from.port() == a.port());
    CHECK(got.from.host() == "127.0.0.1");
    CHECK(!got.truncated);
    CHECK(b.receive(buffer).size == 0);
    got = b.receive(buffer);
    CHECK(std::string(buffer, got.size) == "a long");
    CHECK(got.truncated);
  });
  CHECK(open_descriptors() == before);
}

TEST_CASE("a connected socket receives from its peer only, on IPv6 too", "[SOCK-06][SOCK-25]") {
  run([] {
    auto server = open_udp({.host = "127.0.0.1"});
    auto stranger = open_udp({.host = "127.0.0.1"});
    auto client = structio::connect_udp("127.0.0.1", server.port());
    CHECK(client.peer_address().port() == server.port());
    CHECK(throws<structio::error>([&] { server.peer_address(); }));
    stranger.send_to("spam", at(client));
    client.send("a");
    client.send("b");
    CHECK(receive(server) == "a");
    CHECK(receive(server) == "b");
    server.send_to("answer", client.local_address());
    CHECK(receive(client) == "answer");
    auto six = open_udp({.host = "::1"});
    auto to_six = structio::connect_udp("::1", six.port());
    to_six.send("six");
    CHECK(receive(six) == "six");
  });
}

TEST_CASE("nobody at the peer's port is reported on a connected socket", "[SOCK-24]") {
  run([] {
    std::uint16_t port = 0;
    {
      auto gone = open_udp({.host = "127.0.0.1"});
      port = gone.port();
    }
    auto client = structio::connect_udp("127.0.0.1", port);
    client.send("hello");
    const auto refused = thrown<structio::error>([&] { receive(client); });
    REQUIRE(refused);
    CHECK(refused->code() == -ECONNREFUSED);
  });
}

TEST_CASE("a cancelled receive takes no datagram, at whatever instant", "[SOCK-19]") {
  const int before = open_descriptors();
  run(
      [] {
        auto a = open_udp({.host = "127.0.0.1"});
        auto b = open_udp({.host = "127.0.0.1"});
        const auto to = at(b);
        for (int instant = 0; instant < 60; ++instant) {
          structio::cancel_scope scope;
          std::string got;
          open_nursery([&](nursery& n) {
            n.start_soon([&] { scope.run([&] { got = receive(b); }); });
            n.start_soon([&] {
              pause(3);
              a.send_to("x", to);
            });
            n.start_soon([&] {
              pause(instant % 12);
              scope.cancel();
            });
          });
          CHECK(got.empty() == scope.cancelled_caught());
          if (got.empty()) CHECK(receive(b) == "x");
        }
      },
      1);
  CHECK(open_descriptors() == before);
}

TEST_CASE("one task at a time, and closing ends the wait", "[SOCK-32]") {
  const int before = open_descriptors();
  run([] {
    auto a = open_udp({.host = "127.0.0.1"});
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(throws<structio::closed_error>([&] { receive(a); })); });
      settle();
      CHECK(throws<structio::busy_error>([&] { receive(a); }));
      a.close();
      a.close();
    });
    CHECK(throws<structio::closed_error>([&] { receive(a); }));
    CHECK(throws<structio::closed_error>([&] { a.send("x"); }));
    CHECK(throws<structio::closed_error>([&] { a.descriptor(); }));
  });
  CHECK(open_descriptors() == before);
}

TEST_CASE("batches move many datagrams by one call", "[SOCK-25]") {
  run([] {
    auto a = open_udp({.host = "127.0.0.1"});
    auto b = open_udp({.host = "127.0.0.1"});
    auto to = at(b);
    std::vector<std::string> texts;
    for (int i = 0; i < 10; ++i) texts.push_back("number " + std::to_string(i));
    std::vector<structio_packet> out(texts.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i].data = texts[i].data();
      out[i].size = texts[i].size();
      out[i].address = to.native();
    }
    std::size_t sent = 0;
    while (sent < out.size()) sent += a.send_many(std::span(out).subspan(sent));
    std::vector<std::string> room(40, std::string(8, '\0'));
    std::vector<structio_packet> in(room.size());
    std::vector<socket_address> from(room.size());
    for (std::size_t i = 0; i < in.size(); ++i) {
      in[i].data = room[i].data();
      in[i].size = i == 3 ? 4 : room[i].size();
      in[i].address = from[i].native();
    }
    REQUIRE(b.receive_many(in) == texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      CHECK(room[i].substr(0, in[i].received) == texts[i].substr(0, i == 3 ? 4 : 8));
      CHECK((in[i].truncated != 0) == (i == 3));
      CHECK(from[i].port() == a.port());
    }
  });
}

TEST_CASE("misuse of datagram sockets is refused", "[SOCK-22]") {
  run([] {
    structio_datagram* raw = nullptr;
    char byte = 0;
    CHECK(structio_udp_open(nullptr, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_udp_connect(nullptr, 1, nullptr, &raw) == STRUCTIO_EINVALID);
    CHECK(structio_udp_connect("nonsense", 1, nullptr, &raw) == STRUCTIO_EINVALID);
    CHECK(structio_datagram_receive(nullptr, &byte, 1, nullptr, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_datagram_free(nullptr) == 0);
    REQUIRE(structio_udp_open(nullptr, &raw) == 0);
    const structio_address none{};
    CHECK(structio_datagram_send_to(raw, "x", 1, &none) == STRUCTIO_EINVALID);
    CHECK(structio_datagram_receive(raw, nullptr, 1, nullptr, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_datagram_receive_many(raw, nullptr, 1) == STRUCTIO_EINVALID);
    // A size beyond the end of memory means as much as there is.
    structio_address self{};
    REQUIRE(structio_datagram_local_address(raw, &self) == 0);
    char room[4];
    REQUIRE(structio_datagram_send_to(raw, "abc", 3, &self) == 0);
    CHECK(structio_datagram_receive(raw, room, SIZE_MAX, nullptr, nullptr) == 3);
    CHECK(structio_datagram_send_to(raw, room, SIZE_MAX, &self) == -EMSGSIZE);
    CHECK(structio_datagram_receive_many(raw, nullptr, 0) == STRUCTIO_EINVALID);
    structio_packet packets[2]{};
    packets[0].data = &byte;
    packets[0].size = packets[1].size = 1;
    // Found before the first one is moved.
    CHECK(structio_datagram_receive_many(raw, packets, 2) == STRUCTIO_EINVALID);
    CHECK(structio_datagram_send_many(raw, packets, 2) == STRUCTIO_EINVALID);
    CHECK(structio_datagram_send_many(raw, packets, 0) == STRUCTIO_EINVALID);
    CHECK(structio_datagram_send(raw, "x", 1) < 0);
    CHECK(structio_datagram_free(raw) == 0);
    CHECK(structio_datagram_close(raw) == STRUCTIO_ESTALE);
  });
}

TEST_CASE("a multicast group over the loopback interface", "[SOCK-25]") {
  run([] {
    auto member = open_udp({.reuse_address = true});
    auto sender = open_udp();
    const socket_address group("239.255.77.77", member.port());
    try {
      member.join(group, "lo");
      sender.set_multicast_interface("lo");
      sender.set_multicast_loop(true);
      sender.set_multicast_hops(1);
      sender.send_to("to all", group);
    } catch (const structio::error& refused) {
      WARN("skipped: no multicast here: " << refused.what());
      return;
    }
    CHECK(receive(member) == "to all");
    member.leave(group, "lo");
    CHECK(throws<structio::error>([&] { member.leave(group, "lo"); }));
    CHECK(throws<structio::error>([&] { member.join(group, "no such one"); }));
  });
}

TEST_CASE("broadcasting has to be asked for", "[SOCK-25][SOCK-08]") {
  run([] {
    auto listener = open_udp();
    const socket_address everybody("127.255.255.255", listener.port());
    auto quiet = open_udp({.host = "127.0.0.1"});
    int code = 0;
    try {
      quiet.send_to("x", everybody);
    } catch (const structio::error& refused) {
      code = refused.code();
    }
    CHECK(code == -EACCES);
    auto loud = open_udp({.host = "127.0.0.1", .broadcast = true});
    loud.send_to("to all", everybody);
    CHECK(receive(listener) == "to all");
  });
}

TEST_CASE("a port is shared by those who agree, and each datagram comes to one of them",
          "[SOCK-08][SOCK-25]") {
  run([] {
    auto alone = open_udp({.host = "127.0.0.1"});
    const auto again = [](std::uint16_t port, bool reuse) {
      return thrown<structio::error>(
          [&] { open_udp({.host = "127.0.0.1", .port = port, .reuse_port = reuse}); });
    };
    CHECK(again(alone.port(), false)->code() == -EADDRINUSE);
    CHECK(again(alone.port(), true)->code() == -EADDRINUSE);  // the first has not agreed
    auto one = open_udp({.host = "127.0.0.1", .reuse_port = true});
    CHECK(again(one.port(), false)->code() == -EADDRINUSE);
    auto two = open_udp({.host = "127.0.0.1", .port = one.port(), .reuse_port = true});
    constexpr int all = 64;
    int received = 0;
    for (int i = 0; i < all; ++i) open_udp({.host = "127.0.0.1"}).send_to("x", at(one));
    structio::cancel_scope until_all;
    const auto count = [&](datagram_socket& from) {
      for (;;) {
        receive(from);
        if (++received == all) until_all.cancel();
      }
    };
    until_all.run([&] {
      open_nursery([&](nursery& n) {
        n.start_soon([&] { count(one); });
        n.start_soon([&] { count(two); });
      });
    });
    CHECK(received == all);
  });
}

TEST_CASE("an IPv6 socket takes IPv4 unless it is told not to", "[SOCK-06][SOCK-08]") {
  run([] {
    try {
      open_udp({.host = "::1"});
    } catch (const structio::error&) {
      WARN("skipped: no IPv6 here");
      return;
    }
    auto both = open_udp({.host = "::"});
    auto client = structio::connect_udp("127.0.0.1", both.port());
    client.send("over IPv4");
    char buffer[16];
    const auto got = both.receive(buffer);
    CHECK(std::string(buffer, got.size) == "over IPv4");
    CHECK(got.from.host() == "::ffff:127.0.0.1");
    both.send_to("back", got.from);
    CHECK(receive(client) == "back");

    auto six = open_udp({.host = "::", .ipv6_only = true});
    // The port is free for IPv4, and what is sent there does not come here.
    auto four = open_udp({.host = "127.0.0.1", .port = six.port()});
    structio::connect_udp("127.0.0.1", six.port()).send("four");
    structio::connect_udp("::1", six.port()).send("six");
    CHECK(receive(six) == "six");
    CHECK(receive(four) == "four");
  });
}
