// How TLS ends: with a close message or without, by force, by failures of the transport, by sends
// and handshakes that were given up.
#include "support/instants.hpp"
#include "support/op_proof.hpp"
#include "support/tls.hpp"

using namespace tls_test;
using structio::testing::lockstep_stream_pair;
using structio::testing::memory_stream_pair;

namespace {

/// The transport of the first end has gone without a close message.
void cut(tls_stream& s) {
  structio_stream* raw = s.transport();
  CHECK(structio_stream_close(raw) == 0);
}

}  // namespace

TEST_CASE("closing before any handshake performs it, and the peer sees a clean end", "[TLS-13]") {
  run([] {
    auto p = memory_pair();
    open_nursery([&](nursery& n) {
      n.start_soon([&] { p.client.close(); });
      n.start_soon([&] { CHECK(receive(p.server).empty()); });
    });
    auto q = memory_pair();
    open_nursery([&](nursery& n) {
      n.start_soon([&] { q.client.close(); });
      n.start_soon([&] { q.server.close(); });
    });
  });
}

TEST_CASE("an end without a close message is a truncation, or an end where that was agreed on",
          "[TLS-19]") {
  run([] {
    for (const bool forgiving : {false, true}) {
      auto [a, b] = memory_stream_pair();
      auto client = tls_client(std::move(a), client_context(),
                               {.server_name = "localhost", .https_compatible = true});
      auto server = tls_server(std::move(b), server_context(), forgiving);
      shake(client, server);
      client.send_all("x");
      client.close();
      CHECK(receive(server) == "x");
      for (int i = 0; i < 2; ++i) {
        if (forgiving) {
          CHECK(receive(server).empty());
        } else {
          CHECK(contains(failure_of([&] { receive(server); }), "truncated"));
        }
      }
    }
  });
}

TEST_CASE("a peer that goes during the handshake is told of at once, and later as broken",
          "[TLS-21]") {
  run([] {
    auto [a, b] = memory_stream_pair();
    auto client = tls_client(std::move(a), client_context(), {.server_name = "localhost"});
    b.close();
    CHECK(throws<structio::broken_error>([&] { client.do_handshake(); }));
    CHECK(contains(failure_of([&] { client.send_all("x"); }), "broken since"));
    CHECK(throws<structio::broken_error>([&] { receive(client); }));
    CHECK(throws<structio::broken_error>([&] { client.info(); }));
    client.close();
  });
}

TEST_CASE("what the transport fails with in the handshake comes out once", "[TLS-21]") {
  run([] {
    for (const bool sending : {true, false}) {
      auto [a, b] = memory_stream_pair();
      const auto fail = [] { throw std::runtime_error("of the hook"); };
      structio::testing::stream_hooks hooks;
      (sending ? hooks.after_send : hooks.before_receive) = fail;
      a.set_hooks(hooks);
      auto client = tls_client(std::move(a), client_context(), {.server_name = "localhost"});
      CHECK(failure_of<std::runtime_error>([&] { client.send_all("x"); }) == "of the hook");
      CHECK(throws<structio::broken_error>([&] { client.send_all("x"); }));
      CHECK(throws<structio::broken_error>([&] { client.do_handshake(); }));
    }
  });
}

TEST_CASE("the transport is closed exactly once, however TLS ends", "[TLS-18]") {
  run([] {
    for (int way = 0; way < 5; ++way) {
      int closes = 0;
      {
        auto [a, b] = memory_stream_pair();
        a.set_hooks({.on_close = [&] { ++closes; }});
        auto p = wrap(std::move(a), std::move(b));
        if (way != 4) shake(p.client, p.server);
        if (way == 1) p.client.close();
        if (way == 2) {
          structio::cancel_scope scope;
          scope.cancel();
          scope.run([&] { p.client.close(); });
        }
        if (way == 3) {
          p.client.close();
          p.client.close();
        }
        CHECK(closes == (way >= 1 && way <= 3 ? 1 : 0));
      }
      CHECK(closes == 1);
    }
  });
}

TEST_CASE("a send that was given up breaks the sending, not the receiving") {
  run([] {
    auto [a, b] = lockstep_stream_pair();
    auto p = shaken(wrap(std::move(a), std::move(b)));
    structio::cancel_scope scope;
    open_nursery([&](nursery& n) {
      n.start_soon([&] { scope.run([&] { p.client.send_all(std::string(100, 'x')); }); });
      settle();
      scope.cancel();
      settle();
      CHECK(contains(failure_of([&] { p.client.send_all("y"); }), "cancelled"));
      CHECK(throws<structio::broken_error>([&] { p.client.wait_send_might_not_block(); }));
      n.start_soon([&] { p.server.send_all("still here"); });
      CHECK(receive(p.client) == "still here");
    });
    p.client.close();
  });
}

TEST_CASE("a handshake that was given up breaks the stream for who waits for it too") {
  run([] {
    auto p = memory_pair();
    structio::cancel_scope scope;
    open_nursery([&](nursery& n) {
      n.start_soon([&] { scope.run([&] { p.client.do_handshake(); }); });
      settle();
      n.start_soon(
          [&] { CHECK(contains(failure_of([&] { receive(p.client); }), "handshake was")); });
      // One that only waits may leave without harm.
      CHECK_FALSE(structio::move_on_after(0s, [&] { p.client.do_handshake(); }));
      settle();
      scope.cancel();
    });
    CHECK(throws<structio::broken_error>([&] { p.client.send_all("x"); }));
  });
}

TEST_CASE("a receive that was given up has lost nothing, at any instant") {
  run(
      [] {
        auto p = shaken(memory_pair());
        const std::string text = "some bytes";
        for (int delay = 0; delay < 12; ++delay) {
          structio::cancel_scope scope;
          std::string got;
          open_nursery([&](nursery& n) {
            n.start_soon([&] {
              pause(delay);
              scope.cancel();
            });
            n.start_soon([&] {
              pause(4);
              p.server.send_all(text);
            });
            scope.run([&] { got = receive(p.client); });
          });
          if (got.empty()) got = receive(p.client);
          CHECK(got == text);
        }
      },
      1);
}

TEST_CASE("garbage instead of TLS breaks the stream, and the peer is told by an alert") {
  run([] {
    auto [a, b] = memory_stream_pair();
    auto server = tls_server(std::move(a), server_context());
    b.send_all("GET / HTTP/1.0\r\n\r\n");
    CHECK(contains(failure_of([&] { server.do_handshake(); }), "http request"));
    auto p = shaken(memory_pair());
    structio_stream* raw = p.server.transport();
    CHECK(structio_stream_send_all(raw, "garbage", 7) == 0);
    CHECK(contains(failure_of([&] { receive(p.client); }), "TLS is broken"));
    CHECK(throws<structio::broken_error>([&] { receive(p.client); }));
    CHECK(throws<structio::broken_error>([&] { p.client.send_all("x"); }));
  });
}

TEST_CASE("a transport that was cut under TLS is an error of whoever uses it") {
  run([] {
    auto p = shaken(memory_pair());
    cut(p.server);
    CHECK(contains(failure_of([&] { receive(p.client); }), "truncated"));
    CHECK(throws<structio::closed_error>([&] { receive(p.server); }));
    CHECK(throws<structio::broken_error>([&] { p.client.send_all("x"); }));
  });
}

TEST_CASE("what is no fit is refused, and nothing is taken over") {
  run([] {
    auto [a, b] = memory_stream_pair();
    structio_stream* out = nullptr;
    structio_tls_stream_options named{};
    named.struct_size = sizeof named;
    named.server_name = "localhost";
    const auto client = client_context().native();
    const auto server = server_context().native();
    CHECK(structio_tls_client(client, a.native(), nullptr, &out) == STRUCTIO_EINVALID);
    CHECK(structio_tls_client(server, a.native(), &named, &out) == STRUCTIO_EMISUSE);
    CHECK(structio_tls_server(client, a.native(), nullptr, &out) == STRUCTIO_EMISUSE);
    CHECK(structio_tls_client(nullptr, a.native(), &named, &out) == STRUCTIO_EINVALID);
    CHECK(structio_tls_client(client, nullptr, &named, &out) == STRUCTIO_EINVALID);
    CHECK(structio_tls_client(client, a.native(), &named, nullptr) == STRUCTIO_EINVALID);
    const std::string long_name(256, 'n');
    named.server_name = long_name.c_str();
    CHECK(structio_tls_client(client, a.native(), &named, &out) == STRUCTIO_EINVALID);
    named.server_name = "localhost";
    named.struct_size = 1;
    CHECK(structio_tls_client(client, a.native(), &named, &out) == STRUCTIO_EINVALID);
    named.struct_size = sizeof named;
    structio::testing::memory_send_stream one_way;
    CHECK(structio_tls_client(client, one_way.native(), &named, &out) == STRUCTIO_EMISUSE);
    open_nursery([&, &in = a](nursery& n) {
      n.start_soon([&] { receive(in); });
      settle();
      CHECK(structio_tls_client(client, in.native(), &named, &out) == STRUCTIO_EBUSY);
      n.cancel_scope().cancel();
    });
    CHECK(structio_tls_do_handshake(a.native()) == STRUCTIO_EMISUSE);
    CHECK(structio_tls_context_free(reinterpret_cast<structio_tls_context*>(a.native())) ==
          STRUCTIO_ESTALE);
    auto p = wrap(std::move(a), std::move(b));
    CHECK(throws<structio::usage_error>([&] { p.client.send_eof(); }));
    shake(p.client, p.server);
    p.client.close();
    CHECK(throws<structio::closed_error>([&] { p.client.do_handshake(); }));
  });
}

namespace {

void prove() {
  auto p = memory_pair();
  structio_stream* s = p.client.native();
  const auto shake_hands = [&] { return structio_tls_do_handshake(s); };
  CHECK(op_proof::cancelled(shake_hands) == op_proof::aborted);
  shake(p.client, p.server);
  CHECK(op_proof::halves([&] { CHECK(shake_hands() == 0); }) == 2);
  structio_stream* plain = nullptr;
  std::size_t size = 0;
  const auto unwrap = [&] { return structio_tls_unwrap(s, &plain, nullptr, 0, &size); };
  CHECK(op_proof::cancelled(unwrap) == op_proof::aborted);
  // Cancelled in the middle, it has told the peer already that nothing more comes.
  CHECK(structio::move_on_after(1s, [&] { p.client.unwrap(); }) == false);
  CHECK(receive(p.server).empty());
  p.server.close();
  CHECK(op_proof::halves([&] { CHECK(unwrap() == 0); }) == 2);
  CHECK(structio_stream_free(plain) == 0);
  // In the middle of the handshake it leaves a stream that is good for nothing.
  auto q = memory_pair();
  CHECK(structio::move_on_after(1s, [&] { q.client.do_handshake(); }) == false);
  CHECK(structio_tls_do_handshake(q.client.native()) == STRUCTIO_EBROKEN);
  // Serving does what its handlers do; its own loop ends.
  auto listener = listen();
  const structio_serve_fn handler = [](structio_stream*, void*) { return 0; };
  const auto serve = [&] {
    return structio_tls_serve(listener.native(), server_context().native(), handler, nullptr,
                              nullptr);
  };
  CHECK(op_proof::cancelled(serve) == op_proof::aborted);
  CHECK(op_proof::halves([&] { op_proof::cancelled(serve); }) == 2);
}

const op_proof::area proof({{"structio_tls_do_handshake", 1, STRUCTIO_EFFECT_CLOSED},
                            {"structio_tls_serve", 1, STRUCTIO_EFFECT_BODY},
                            {"structio_tls_unwrap", 1, STRUCTIO_EFFECT_PREFIX}},
                           prove);

}  // namespace

TEST_CASE("a handshake at every instant") {
  instants::in_a_run([] {
    const auto all = instants::at_every_instant(
        instants::rounds(60), 30,
        [] {
          auto [a, b] = structio::open_unix_pair();
          auto both = wrap(std::move(a), std::move(b));
          shake(both.client, both.server);
        },
        [] {});
    CHECK(all.cut > 0);
  });
}
