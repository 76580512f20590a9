// TLS over streams in memory: what is sent arrives, in both directions at once, and each end sees
// how the other one ended.
#include <structio/testing/check_stream.hpp>

#include <optional>

#include "support/tls.hpp"

using namespace tls_test;
using structio::testing::check_two_way_stream;
using structio::testing::lockstep_stream_pair;
using structio::testing::memory_stream_pair;

namespace {

auto as_pair(pair p) {
  return std::pair(std::move(p.client), std::move(p.server));
}

auto ready_pair() {
  return as_pair(shaken(memory_pair()));
}

auto lockstep_pair() {
  auto [a, b] = lockstep_stream_pair();
  return as_pair(shaken(wrap(std::move(a), std::move(b))));
}

void echo(any_stream& on) {
  for (;;) {
    const std::string piece = receive(on, 3000);
    if (piece.empty()) return;
    on.send_all(piece);
  }
}

}  // namespace

TEST_CASE("a client and a server exchange bytes, and the handshake is done on the way",
          "[TLS-01][TLS-02][TLS-09]") {
  run([] {
    auto p = memory_pair();
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        p.client.send_all("");
        p.client.send_all("hello");
        CHECK(receive(p.client) == "world");
        CHECK(receive(p.client).empty());
        CHECK(receive(p.client).empty());
        p.client.close();
      });
      n.start_soon([&] {
        CHECK(receive(p.server) == "hello");
        p.server.send_all("world");
        p.server.close();
      });
    });
  });
}

TEST_CASE("both directions move at once, and one handshake serves all who ask for it",
          "[TLS-04][TLS-05]") {
  const std::string much = pattern(std::size_t{1} << 19);
  for (const auto newest : {structio::tls_version::v1_2, structio::tls_version::v1_3}) {
    auto options = client_options();
    options.newest = newest;
    const tls_context context(options);
    run([&] {
      auto [a, b] = memory_stream_pair();
      auto p = wrap(std::move(a), std::move(b), context);
      open_nursery([&](nursery& n) {
        n.start_soon([&] { echo(p.server); });
        n.start_soon([&] { p.client.do_handshake(); });
        n.start_soon([&] { p.client.do_handshake(); });
        n.start_soon([&] { p.server.do_handshake(); });
        n.start_soon([&] { p.client.send_all(much); });
        n.start_soon([&] {
          CHECK(receive_whole(p.client, much.size()) == much);
          p.client.close();
        });
      });
      CHECK(p.client.info().version ==
            (newest == structio::tls_version::v1_2 ? "TLSv1.2" : "TLSv1.3"));
    });
  }
}

TEST_CASE("what is known of a connection is told once the handshake is done", "[TLS-03][TLS-23]") {
  run([] {
    auto server = server_options();
    server.protocols = "h2,http/1.1";
    auto client = client_options();
    client.protocols = "spdy,http/1.1,h2";
    const tls_context other_client(client);
    const tls_context other_server(server);
    auto p = memory_pair();
    CHECK(contains(failure_of<structio::usage_error>([&] { p.client.info(); }), "handshake"));
    CHECK(throws<structio::usage_error>([&] { p.client.peer_certificate(); }));
    CHECK(throws<structio::usage_error>([&] { p.client.set_context(other_server); }));
    p.client.set_context(other_client);
    p.server.set_context(other_server);
    CHECK(p.client.transport() != nullptr);
    shake(p.client, p.server);
    CHECK(throws<structio::usage_error>([&] { p.client.set_context(other_client); }));
    const auto info = p.client.info();
    CHECK(info.version == "TLSv1.3");
    CHECK(info.protocol == "h2");
    CHECK(info.server_name == "localhost");
    CHECK(contains(info.cipher, "TLS_"));
    CHECK_FALSE(info.resumed);
    CHECK(p.server.info().protocol == "h2");
    CHECK(p.server.info().server_name == "localhost");
    CHECK(p.client.peer_certificate().size() > 100);
    CHECK(p.client.peer_subject() == "CN = localhost");
    CHECK(p.server.peer_certificate().empty());
    CHECK(p.server.peer_subject().empty());
  });
}

TEST_CASE("a client comes back with the session that it was given") {
  for (const auto newest : {structio::tls_version::v1_2, structio::tls_version::v1_3}) {
    auto options = client_options();
    options.newest = newest;
    const tls_context context(options);
    run([&] {
      std::string resumed;
      for (int i = 0; i < 3; ++i) {
        auto [a, b] = memory_stream_pair();
        auto p = shaken(wrap(std::move(a), std::move(b), context));
        resumed += p.client.info().resumed ? 'r' : 'n';
        p.server.send_all("x");
        CHECK(receive(p.client) == "x");
        p.client.close();
        p.server.close();
      }
      CHECK(resumed == "nrr");
    });
  }
}

TEST_CASE("who uses one direction twice at once is told so", "[TLS-06]") {
  run([] {
    auto p = shaken(memory_pair());
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(receive(p.client) == "x"); });
      settle();
      CHECK(contains(failure_of<structio::busy_error>([&] { receive(p.client); }), "another task"));
      structio_stream* raw = nullptr;
      std::size_t size = 0;
      CHECK(structio_tls_unwrap(p.client.native(), &raw, nullptr, 0, &size) == STRUCTIO_EBUSY);
      p.server.send_all("x");
    });
  });
}

TEST_CASE("every call that may wait is a checkpoint, whether or not it has to", "[TLS-08]") {
  run(
      [] {
        auto p = shaken(memory_pair());
        using structio::testing::assert_checkpoints;
        assert_checkpoints([&] { p.client.do_handshake(); });
        assert_checkpoints([&] { p.client.wait_send_might_not_block(); });
        assert_checkpoints([&] { p.client.send_all(""); });
        assert_checkpoints([&] { p.client.send_all("two bits"); });
        assert_checkpoints([&] { CHECK(receive(p.server, 3) == "two"); });
        assert_checkpoints([&] { CHECK(receive(p.server) == " bits"); });
        open_nursery([&](nursery& n) {
          n.start_soon([&] { p.server.unwrap(); });
          settle();
          assert_checkpoints([&] { CHECK(receive(p.client).empty()); });
          assert_checkpoints([&] { p.client.unwrap(); });
        });
        assert_checkpoints([&] { p.client.close(); });
      },
      1);
}

TEST_CASE("waiting until a send might not block asks the transport", "[TLS-07]") {
  run([] {
    auto [a, b] = memory_stream_pair();
    int asked = 0;
    a.set_hooks({.might_not_block = [&] { ++asked; }});
    auto p = shaken(wrap(std::move(a), std::move(b)));
    p.client.wait_send_might_not_block();
    CHECK(asked == 1);
  });
}

TEST_CASE("TLS passes the suite of two ways, with close messages and without",
          "[TLS-10][CONF-17]") {
  run([] { check_two_way_stream(ready_pair, lockstep_pair); }, 1);
  run([] { check_two_way_stream([] { return as_pair(shaken(memory_pair(true))); }); }, 1);
}

TEST_CASE("TLS over TCP passes the suite of two ways", "[TLS-10]") {
  run([] {
    check_two_way_stream([] {
      auto ends = connected();
      return as_pair(shaken(wrap(std::move(ends.a), std::move(ends.b))));
    });
  });
}

TEST_CASE("unwrapped, both ends have their plain streams back, and what came behind TLS",
          "[TLS-11]") {
  run([] {
    auto p = shaken(memory_pair());
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        auto [plain, rest] = p.client.unwrap();
        CHECK(rest.empty());
        plain.send_all("plain text");
        CHECK(receive(plain) == "plain answer");
      });
      n.start_soon([&] {
        CHECK(receive(p.server).empty());
        settle();  // the client's plain text cannot come before our close message
        auto [plain, rest] = p.server.unwrap();
        if (rest.empty()) rest = receive(plain);
        CHECK(rest == "plain text");
        plain.send_all("plain answer");
        CHECK(throws<structio::closed_error>([&] { p.server.transport(); }));
        CHECK(throws<structio::closed_error>([&] { p.server.send_all("x"); }));
      });
    });
  });
}

TEST_CASE("bytes behind the end of TLS are handed over", "[TLS-11]") {
  run([] {
    auto [a, b] = memory_stream_pair();
    a.set_pumping(false);
    b.set_pumping(false);
    structio_stream* raw_a = a.native();
    auto p = wrap(std::move(a), std::move(b));
    structio_stream* raw_b = nullptr;
    CHECK(structio_tls_transport(p.server.native(), &raw_b) == 0);
    const auto pump = [&](structio_stream* from, structio_stream* to) {
      return structio_memory_stream_pump(from, to, SIZE_MAX) == 1;
    };
    open_nursery([&](nursery& n) {
      n.start_soon([&] { p.client.do_handshake(); });
      n.start_soon([&] { p.server.do_handshake(); });
      for (settle(); pump(raw_a, raw_b) || pump(raw_b, raw_a);) settle();
    });
    std::optional<any_stream> plain;  // what is sent on it has to be moved by hand as well
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        plain = p.client.unwrap().transport;
        plain->send_all("behind");
      });
      settle();
      n.start_soon([&] {
        const auto result = p.server.unwrap();
        CHECK(result.rest == "behind");
      });
      // The client's two things together, once the server's message has reached it.
      for (int i = 0; i < 6; ++i) {
        settle();
        pump(raw_b, raw_a);
        settle();
        if (i >= 2) pump(raw_a, raw_b);
      }
    });
  });
}
