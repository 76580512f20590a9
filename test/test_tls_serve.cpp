// Servers of TLS with the options of those of TCP: a limit of connections, failures that end
// nothing else, handlers in a nursery of the user's.
#include <optional>
#include <vector>

#include "support/tls.hpp"

using namespace tls_test;
using structio::connect_tcp;
using structio::connect_tls;
using structio::serve_tls;
using structio::tls_serve_options;

namespace {

tls_stream client_of(const structio::tcp_listener& listener) {
  return connect_tls("127.0.0.1", listener.port(), client_context());
}

/// Says "hello", and goes when it is told something.
void greet(tls_stream conn) {
  conn.send_all("hello");
  receive(conn);
  conn.close();
}

}  // namespace

TEST_CASE("a server of TLS has so many connections at a time, handshakes among them",
          "[TLS-24][SERVE-01]") {
  run([] {
    auto listener = listen();
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        serve_tls(listener, server_context(), greet, {.serving = {.max_connections = 2}});
      });
      auto mute = connect_tcp({.port = listener.port()});
      auto first = client_of(listener);
      CHECK(receive(first) == "hello");
      bool begun = false;
      bool ended = false;
      n.start_soon([&] {
        auto third = client_of(listener);
        begun = true;
        CHECK(receive(third) == "hello");
        third.send_all("x");
        CHECK(receive(third).empty());
        ended = true;
      });
      for (int i = 0; i < 20; ++i) settle();
      CHECK_FALSE(begun);
      mute.close();  // which gives its place to the third
      while (!ended) structio::checkpoint();
      first.send_all("x");
      CHECK(receive(first).empty());
      n.cancel_scope().cancel();
    });
  });
}

TEST_CASE("handlers of TLS may fail without the server, handshakes always", "[TLS-24][SERVE-03]") {
  run([] {
    auto listener = listen();
    std::vector<std::string> told;
    open_nursery([&](nursery& n) {
      tls_serve_options options;
      options.serving.on_error = [&](const char* peer, const structio::failure& why) {
        told.push_back(why.message());
        return contains(peer, "127.0.0.1:");
      };
      n.start_soon([&] {
        serve_tls(
            listener, server_context(),
            [](tls_stream conn) {
              conn.send_all("hello");
              throw std::runtime_error("of the handler");
            },
            options);
      });
      for (int i = 0; i < 2; ++i) {
        connect_tcp({.port = listener.port()}).close();
        auto client = client_of(listener);
        CHECK(receive(client) == "hello");
        CHECK(contains(failure_of([&] { receive(client); }), "truncated"));
      }
      n.cancel_scope().cancel();
    });
    REQUIRE(told.size() == 2);
    CHECK(contains(told[1], "of the handler"));
    const bool goes_on = structio::move_on_after(10s, [&] {
      open_nursery([&](nursery& n) {
        n.start_soon([&] {
          serve_tls(listener, server_context(),
                    [](tls_stream) { throw std::runtime_error("again"); },
                    {.serving = {.log_errors = true}});
        });
        for (int i = 0; i < 2; ++i) {
          auto client = client_of(listener);
          failure_of([&] { receive(client); });
        }
        n.cancel_scope().cancel();
      });
    });
    CHECK(goes_on);
  });
}

TEST_CASE("handlers of TLS in a nursery of one's own outlive the server, and its context",
          "[TLS-24][SERVE-05]") {
  run([] {
    auto listener = listen();
    bool served = false;
    open_nursery([&](nursery& n) {
      auto handler = [](tls_stream conn) { greet(std::move(conn)); };
      std::optional<tls_stream> client;
      std::optional<any_stream> plain;
      open_nursery([&](nursery& home) {
        structio::cancel_scope accepting;
        n.start_soon([&] {
          {
            const tls_context own(server_options());
            accepting.run(
                [&] { serve_tls(listener, own, handler, {.serving = {.handlers = &home}}); });
          }
          served = true;
        });
        plain.emplace(connect_tcp({.port = listener.port()}));
        client.emplace(client_of(listener));  // accepted after that one
        CHECK(receive(*client) == "hello");
        accepting.cancel();
        settle();
        CHECK(served);
        client->send_all("x");
        CHECK(receive(*client).empty());
        // One whose handshake had not begun is served all the same.
        auto late = tls_client(std::move(*plain), client_context(), {.server_name = "localhost"});
        CHECK(receive(late) == "hello");
        late.send_all("x");
      });
    });
  });
}

TEST_CASE("options of serving that are bad are refused by TLS too", "[TLS-24]") {
  run([] {
    auto listener = listen();
    const structio_serve_fn handler = [](structio_stream*, void*) { return 0; };
    structio_serve_options serving{};
    structio_tls_serve_options options{};
    options.struct_size = sizeof options;
    options.serving = &serving;
    const auto serve = [&] {
      return structio_tls_serve(listener.native(), server_context().native(), handler, nullptr,
                                &options);
    };
    CHECK(serve() == STRUCTIO_EINVALID);
    serving.struct_size = sizeof serving;
    structio_nursery none{};
    serving.handler_nursery = &none;
    CHECK(serve() == STRUCTIO_EINVALID);
    structio_nursery ended;
    REQUIRE(structio_nursery_open(&ended) == 0);
    CHECK(structio_nursery_close(&ended, 0, nullptr) == 0);
    serving.handler_nursery = &ended;
    CHECK(serve() == STRUCTIO_ECLOSED);
    options.struct_size = offsetof(structio_tls_serve_options, serving);
    structio::cancel_scope scope;
    scope.cancel();
    int code = 0;
    scope.run([&] { code = serve(); });
    CHECK(code == STRUCTIO_ECANCELLED);
  });
}
