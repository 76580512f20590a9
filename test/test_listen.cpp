// Listening on every address of a host, and serving several listeners: limits, failures of
// handlers, who the peer is.
#include <structio/resolve.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "support/few_descriptors.hpp"
#include "support/net.hpp"
#include "support/op_proof.hpp"

using namespace net_test;
using structio::listen_tcp_all;
using structio::name_query;
using structio::scoped_resolver;
using structio::serve;
using structio::tcp_address;

namespace {

/// Keeps the peer's port in a vector.
int note_port(structio_stream* s, void* arg) {
  std::uint16_t port = 0;
  const int status = structio_stream_peer_address(s, nullptr, 0, &port);
  static_cast<std::vector<std::uint16_t>*>(arg)->push_back(port);
  return status;
}

/// Says something, and waits for the end.
int say_name(structio_stream* s, void*) {
  char byte = 'x';
  const int status = structio_stream_send_all(s, &byte, 1);
  return status < 0 ? status : static_cast<int>(structio_stream_receive_some(s, &byte, 1));
}

bool has_v6() {
  static const bool there = [] {
    const int descriptor = socket(AF_INET6, SOCK_STREAM, 0);
    if (descriptor < 0) return false;
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    const bool bound =
        bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(descriptor);
    return bound;
  }();
  return there;
}

auto addresses(std::vector<std::string> hosts) {
  return [hosts](const name_query&) {
    std::vector<tcp_address> all;
    for (const auto& host : hosts) all.push_back({host, 0});
    return all;
  };
}

int refuse(structio_stream*, void*) {
  return STRUCTIO_EBROKEN;
}

}  // namespace

TEST_CASE("without a host every address of the machine is listened on, at one port",
          "[LISTEN-01][LISTEN-03]") {
  run([] {
    auto all = listen_tcp_all({});
    REQUIRE(all.size() == (has_v6() ? 2u : 1u));
    for (auto& listener : all) {
      CHECK(listener.port() == all[0].port());
      const bool v6 = listener.address().host == "::";
      CHECK((v6 || listener.address().host == "0.0.0.0"));
      // Two wait in the queue, and IPv4 does not come to the IPv6 listener.
      const char* host = v6 ? "::1" : "127.0.0.1";
      auto a = structio::connect_tcp(host, listener.port());
      auto b = structio::connect_tcp(host, listener.port());
      CHECK(listener.accept().peer_address().host == host);
      listener.accept();
    }
  });
}

TEST_CASE("one host and port: one listener there", "[LISTEN-02]") {
  run([] {
    std::uint16_t port = 0;
    { port = listen().port(); }
    auto all = listen_tcp_all({.host = "127.0.0.1", .port = port});
    REQUIRE(all.size() == 1);
    CHECK(all[0].address().host == "127.0.0.1");
    CHECK(all[0].port() == port);
  });
}

TEST_CASE("a port in use is refused, and free again as soon as it is closed", "[LISTEN-04]") {
  run([] {
    auto first = listen_tcp_all({.host = "127.0.0.1"});
    const std::uint16_t port = first[0].port();
    CHECK(throws<structio::error>([&] { listen_tcp_all({.host = "127.0.0.1", .port = port}); }));
    auto client = connect(first[0]);
    auto server = first[0].accept();
    server.close();  // its end is the one that stays behind for a while
    first.clear();
    CHECK(listen_tcp_all({.host = "127.0.0.1", .port = port}).size() == 1);
  });
}

TEST_CASE("a failure on the third address leaves none of the others", "[LISTEN-05][LISTEN-08]") {
  run([] {
    connected();
    auto taken = structio::listen_tcp({.host = "127.0.0.3"});
    const scoped_resolver three(addresses({"127.0.0.1", "127.0.0.2", "127.0.0.3"}));
    const int before = open_descriptors();
    int code = 0;
    try {
      listen_tcp_all({.host = "x", .port = taken.port()});
    } catch (const structio::error& e) {
      code = e.code();
    }
    CHECK(code == -EADDRINUSE);
    structio_tcp_listen_options options{};
    options.struct_size = sizeof options;
    options.host = "x";
    options.port = taken.port();
    structio_listener* left[3] = {};
    std::size_t count = 1;
    CHECK(structio_tcp_listen_all(&options, left, 3, &count) == -EADDRINUSE);
    CHECK(count == 0);
    for (const structio_listener* one : left) CHECK(one == nullptr);
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("an address that a resolver gives twice is listened on once") {
  run([] {
    const scoped_resolver names(addresses({"127.0.0.1", "127.0.0.2", "127.0.0.1"}));
    const auto listeners = listen_tcp_all({.host = "example.test"});
    REQUIRE(listeners.size() == 2);
    CHECK(listeners[0].address().host == "127.0.0.1");
    CHECK(listeners[1].address().host == "127.0.0.2");
  });
}

TEST_CASE("families that the system is without are passed over", "[LISTEN-07]") {
  run([] {
    // No interface has an address that is set aside for documents: as if the family were absent.
    const scoped_resolver some(addresses({"2001:db8::1", "127.0.0.1"}));
    auto all = listen_tcp_all({.host = "x"});
    REQUIRE(all.size() == 1);
    CHECK(all[0].address().host == "127.0.0.1");
    const scoped_resolver none(addresses({"2001:db8::1", "2001:db8::2"}));
    CHECK(throws<structio::error>([] { listen_tcp_all({.host = "x"}); }));
  });
}

TEST_CASE("a name that cannot be found, too little room, no descriptors", "[SOCK-18]") {
  run([] {
    connected();
    const int before = open_descriptors();
    CHECK(throws<structio::error>([] { listen_tcp_all({.host = "no such name.invalid"}); }));
    structio_tcp_listen_options options{};
    options.struct_size = sizeof options;
    options.host = "x";
    structio_listener* out[1];
    std::size_t count = 7;
    {
      const scoped_resolver two(addresses({"127.0.0.1", "127.0.0.2"}));
      CHECK(structio_tcp_listen_all(&options, out, 1, &count) == STRUCTIO_ELIMIT);
      CHECK(count == 0);
      const support::few_descriptors few(1);
      CHECK(throws<structio::error>([] { listen_tcp_all({.host = "x"}); }));
    }
    CHECK(structio_tcp_listen_all(&options, nullptr, 1, &count) == STRUCTIO_EINVALID);
    CHECK(structio_tcp_listen_all(&options, out, 1, nullptr) == STRUCTIO_EINVALID);
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("two listeners, three clients each, served at once", "[SERVE-01][SERVE-06]") {
  run([] {
    std::vector<tcp_listener> both;
    both.push_back(listen());
    both.push_back(listen());
    int served = 0;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        serve(std::span(both), [&](tcp_stream s) {
          ++served;
          s.send_all("hello");
        });
      });
      for (int i = 0; i < 3; ++i) {
        for (auto& listener : both) {
          auto client = connect(listener);
          CHECK(receive_whole(client, 6) == "hello");
        }
      }
      n.cancel_scope().stop(10s);
    });
    CHECK(served == 6);
  });
}

TEST_CASE("the failure of one listener ends the serving of all", "[SERVE-03]") {
  run([] {
    std::vector<tcp_listener> both;
    both.push_back(listen());
    both.push_back(listen());
    bool failed = false;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        failed = throws<structio::closed_error>([&] { serve(std::span(both), [](tcp_stream) {}); });
      });
      settle();
      both[1].close();
    });
    CHECK(failed);
  });
}

TEST_CASE("no more handlers than the limit; the others wait in the queue") {
  run([] {
    auto listener = listen();
    int now = 0, most = 0, served = 0;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        serve(listener,
              [&](tcp_stream s) {
                most = std::max(most, ++now);
                receive(s);
                --now;
                ++served;
              },
              {.max_connections = 2});
      });
      std::vector<tcp_stream> clients;
      for (int i = 0; i < 6; ++i) clients.push_back(connect(listener));
      settle();
      CHECK(now == 2);
      for (auto& client : clients) client.send_all("x");
      for (auto& client : clients) CHECK(receive(client).empty());
      // Stopped while it is full: the loop ends though no place is free.
      auto a = connect(listener), b = connect(listener);
      settle();
      n.cancel_scope().stop(10s);
      a.send_eof();
      b.send_eof();
    });
    CHECK(most == 2);
    CHECK(served == 8);
  });
}

TEST_CASE("a limit smaller than the number of listeners keeps none of them from being served") {
  run([] {
    tcp_listener both[] = {listen(), listen()};
    structio_listener* raw[] = {both[0].native(), both[1].native()};
    structio_serve_options options{};
    options.struct_size = sizeof options;
    for (const unsigned limit : {1U, 2U}) {
      options.max_connections = limit;
      open_nursery([&](nursery& n) {
        n.start_soon([&] { structio_serve_all(raw, 2, say_name, nullptr, &options); });
        // As many at once as the limit has it, wherever they come.
        for (tcp_listener& listener : both) {
          std::vector<tcp_stream> clients;
          for (unsigned i = 0; i < limit + 1; ++i) clients.push_back(connect(listener));
          for (unsigned i = 0; i < limit; ++i) CHECK(receive(clients[i]) == "x");
          settle();
          // The one too many comes in when another goes.
          clients[0].close();
          CHECK(receive(clients[limit]) == "x");
        }
        n.cancel_scope().cancel();
      });
    }
  });
}

TEST_CASE("under a limit each of several listeners has its turn") {
  run([] {
    constexpr std::size_t crowd = 40;
    tcp_listener both[] = {listen(), listen()};
    structio_listener* raw[] = {both[0].native(), both[1].native()};
    structio_serve_options options{};
    options.struct_size = sizeof options;
    options.max_connections = 1;
    std::vector<tcp_stream> clients;
    for (std::size_t i = 0; i < crowd; ++i) clients.push_back(connect(both[0]));
    clients.push_back(connect(both[1]));
    std::vector<std::uint16_t> ports;
    open_nursery([&](nursery& n) {
      n.start_soon([&] { structio_serve_all(raw, 2, note_port, &ports, &options); });
      for (auto& client : clients) CHECK(receive(client).empty());
      n.cancel_scope().cancel();
    });
    REQUIRE(ports.size() == crowd + 1);
    CHECK(ports.back() != clients.back().local_address().port);
  });
}

TEST_CASE("a listener that is freed before its loop begins is a closed one") {
  run([] {
    auto one = listen(), two = listen();
    structio_listener* both[] = {one.native(), two.native()};
    int status = 0;
    open_nursery([&](nursery& n) {
      n.start_soon([&] { status = structio_serve_all(both, 2, refuse, nullptr, nullptr); });
      n.start_soon([&] { const tcp_listener gone = std::move(two); });
    });
    CHECK((status == STRUCTIO_ECLOSED || status == STRUCTIO_ESTALE));
  });
}

TEST_CASE("a handler's failure is logged, or decided about, and the server goes on") {
  run([] {
    auto listener = listen();
    std::vector<std::string> told;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        serve(listener, [](tcp_stream) { throw std::runtime_error("this one fails"); },
              {.on_error = [&](const char* peer, const structio::failure& why) {
                told.push_back(std::string(peer) + " " + why.message());
                return true;
              }});
      });
      for (int i = 0; i < 2; ++i) {
        auto client = connect(listener);
        const std::string peer = "127.0.0.1:" + std::to_string(client.local_address().port);
        CHECK(receive(client).empty());
        settle();
        REQUIRE(told.size() == static_cast<std::size_t>(i) + 1);
        CHECK(told.back().find(peer) == 0);
        CHECK(told.back().find("this one fails") != std::string::npos);
      }
      n.cancel_scope().cancel();
    });
    structio_serve_options options{};
    options.struct_size = sizeof options;
    options.log_errors = 1;
    int status = 1;
    open_nursery([&](nursery& n) {
      n.start_soon([&] { status = structio_serve(listener.native(), refuse, nullptr, &options); });
      auto client = connect(listener);
      CHECK(receive(client).empty());
      settle();
      CHECK(status == 1);
      n.cancel_scope().stop(0s);
    });
  });
}

TEST_CASE("who decides may say that the server fails, and so does one who throws") {
  run([] {
    for (const bool by_throwing : {false, true}) {
      auto listener = listen();
      const auto fails = [&] {
        open_nursery([&](nursery& n) {
          n.start_soon([&] {
            serve(listener, [](tcp_stream) { throw std::runtime_error("the handler's"); },
                  {.on_error = [&](const char*, const structio::failure&) -> bool {
                    if (by_throwing) throw std::logic_error("another");
                    return false;
                  }});
          });
          connect(listener);
        });
      };
      std::string text;
      try {
        fails();
      } catch (const structio::exception_group& group) {
        text = to_string(group);
      }
      CHECK(text.find("the handler's") != std::string::npos);
    }
  });
}

TEST_CASE("the peer of a connection is known when it has gone", "[SSTR-05]") {
  run([] {
    auto listener = listen();
    std::uint16_t port = 0;
    {
      auto client = connect(listener);
      port = client.local_address().port;
      const int descriptor = static_cast<int>(client.descriptor());
      const linger reset{1, 0};
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }
    auto server = listener.accept();
    CHECK(server.peer_address().port == port);
    CHECK(server.peer_address().host == "127.0.0.1");
  });
}

TEST_CASE("so is the peer that was connected to") {
  run([] {
    auto listener = listen();
    auto client = connect(listener);
    {
      auto server = listener.accept();
      const linger reset{1, 0};
      setsockopt(static_cast<int>(server.descriptor()), SOL_SOCKET, SO_LINGER, &reset,
                 sizeof reset);
    }
    std::array<std::byte, 1> none;
    CHECK(throws<structio::broken_error>([&] { client.receive_some(none); }));
    CHECK(client.peer_address().port == listener.address().port);
    CHECK(client.peer_address().host == "127.0.0.1");
  });
}

TEST_CASE("serving several refuses what makes no sense") {
  run([] {
    auto listener = listen();
    structio_listener* one[] = {listener.native()};
    structio_listener* bad[] = {listener.native(), nullptr};
    CHECK(structio_serve_all(nullptr, 1, refuse, nullptr, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_serve_all(one, 0, refuse, nullptr, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_serve_all(one, 65, refuse, nullptr, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_serve_all(one, 1, nullptr, nullptr, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_serve_all(bad, 2, refuse, nullptr, nullptr) == STRUCTIO_EINVALID);
  });
}

namespace {

void prove() {
  structio_tcp_listen_options options{};
  options.struct_size = sizeof options;
  options.host = "127.0.0.1";
  structio_listener* l = nullptr;
  std::size_t count = 0;
  const auto listen_all = [&] { return structio_tcp_listen_all(&options, &l, 1, &count); };
  CHECK(op_proof::cancelled(listen_all) == op_proof::aborted);
  CHECK(count == 0);
  CHECK(op_proof::halves([&] { CHECK(listen_all() == 0); }) == 2);
  const auto serve_it = [&] { return structio_serve_all(&l, 1, refuse, nullptr, nullptr); };
  CHECK(op_proof::cancelled(serve_it) == op_proof::aborted);
  structio_stream* client = nullptr;
  structio_tcp_connect_options to{};
  to.struct_size = sizeof to;
  structio_listener_address(l, nullptr, 0, &to.port);
  CHECK(structio_tcp_connect(&to, &client) == 0);
  // What has happened is what the handlers have done.
  CHECK(op_proof::halves([&] { CHECK(serve_it() == STRUCTIO_EGROUP); }) == 2);
  structio_stream_free(client);
  structio_listener_free(l);
}

const op_proof::area proof({{"structio_tcp_listen_all", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_serve_all", 1, STRUCTIO_EFFECT_BODY}},
                           prove);

}  // namespace
