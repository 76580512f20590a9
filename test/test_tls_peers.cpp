// TLS over TCP with peers that are not ours: openssl, curl, sockets that stop in the middle;
// servers whose clients fail, stall or leave.
#include <fstream>
#include <optional>

#include "support/child.hpp"
#include "support/tls.hpp"

using namespace tls_test;
using structio::connect_tcp;
using structio::connect_tls;
using structio::serve_tls;
using support::child;
using support::have_program;

namespace {

/// The certificates as files, for programs.
class files {
 public:
  files() {
    char made[] = "/tmp/structio-XXXXXX";
    REQUIRE(mkdtemp(made));
    folder_ = made;
    std::ofstream(root()) << trusted().self();
    std::ofstream(own()) << localhost().certificate << localhost().key;
  }
  files(const files&) = delete;
  files& operator=(const files&) = delete;
  ~files() {
    std::remove(root().c_str());
    std::remove(own().c_str());
    std::remove(folder_.c_str());
  }
  std::string root() const { return folder_ + "/root.pem"; }
  std::string own() const { return folder_ + "/own.pem"; }

 private:
  std::string folder_;
};

/// Receives until `part` has come, or the end; returns everything.
std::string receive_until(any_stream& from, const std::string& part) {
  std::string all;
  while (!contains(all, part)) {
    const std::string piece = receive(from);
    if (piece.empty()) break;
    all += piece;
  }
  return all;
}

void echo(tls_stream conn) {
  try {
    for (;;) {
      const std::string piece = receive(conn);
      if (piece.empty()) break;
      conn.send_all(piece);
    }
    conn.close();
  } catch (const structio::broken_error&) {
    // Its client has gone.
  }
}

/// Runs `body(port)` beside a server of TLS.
template <class Handler, class Body>
void with_server(const tls_context& context, Handler handler, Body body,
                 const structio::tls_serve_options& options = {}) {
  auto listener = listen();
  open_nursery([&](nursery& n) {
    n.start_soon([&] { serve_tls(listener, context, handler, options); });
    body(listener.port());
    n.cancel_scope().cancel();
  });
}

/// Opens what a run keeps once it has accepted and slept, so that descriptors can be counted.
void use_all_kinds() {
  connected();
  structio::sleep(100us);
}

std::string at(std::uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

std::vector<std::string> s_client(std::uint16_t port, const files& f,
                                  const std::vector<std::string>& more = {}) {
  std::vector<std::string> words{"openssl",
                                 "s_client",
                                 "-connect",
                                 at(port),
                                 "-CAfile",
                                 f.root(),
                                 "-servername",
                                 "localhost",
                                 "-verify_hostname",
                                 "localhost",
                                 "-verify_return_error"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

TEST_CASE("openssl's client is served, and may renew its keys", "[TLS-02][TLS-05]") {
  if (!have_program("openssl")) return;
  const files f;
  run([&] {
    with_server(server_context(), echo, [&](std::uint16_t port) {
      child peer(s_client(port, f));
      auto in = peer.input();
      auto out = peer.output();
      CHECK(contains(receive_until(out, "Verify return code"), "TLSv1.3"));
      in.send_all("first line\n");
      CHECK(contains(receive_until(out, "first line\n"), "first line"));
      in.send_all("K\n");  // new keys, of ours too
      CHECK(contains(receive_until(out, "KEYUPDATE"), "KEYUPDATE"));
      in.send_all("second line\n");
      CHECK(contains(receive_until(out, "second line\n"), "second line"));
    });
  });
}

TEST_CASE("a wish to negotiate anew is refused") {
  if (!have_program("openssl")) return;
  const files f;
  run([&] {
    with_server(server_context(), echo, [&](std::uint16_t port) {
      child peer(s_client(port, f, {"-tls1_2"}));
      auto in = peer.input();
      auto out = peer.output();
      in.send_all("a line\n");
      receive_until(out, "a line\n");
      in.send_all("R\n");
      CHECK(contains(receive_until(out, "no renegotiation"), "no renegotiation"));
    });
  });
}

TEST_CASE("openssl's server is talked to", "[TLS-01]") {
  if (!have_program("openssl")) return;
  const files f;
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    run([&] {
      child peer({"openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", f.own(), "-key",
                  f.own(), "-rev", version});
      auto out = peer.output();
      std::string said = receive_until(out, "ACCEPT ");
      if (!contains(said.substr(said.find("ACCEPT ")), "\n")) said += receive_until(out, "\n");
      const auto number = said.rfind(':');
      REQUIRE(number != std::string::npos);
      const auto port = static_cast<std::uint16_t>(std::stoi(said.substr(number + 1)));
      auto client = connect_tls("127.0.0.1", port, client_context());
      client.send_all("hello\n");
      CHECK(receive_until(client, "\n") == "olleh\n");
      CHECK(contains(client.info().version, version[6] == '2' ? "1.2" : "1.3"));
      client.close();
    });
  }
}

TEST_CASE("curl is served") {
  if (!have_program("curl")) return;
  const files f;
  run([&] {
    const auto answer = [](tls_stream conn) {
      receive_until(conn, "\r\n\r\n");
      conn.send_all(
          "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\nhello, curl\n");
      conn.close();
    };
    with_server(server_context(), answer, [&](std::uint16_t port) {
      const std::string number = std::to_string(port);
      child peer({"curl", "--silent", "--show-error", "--noproxy", "*", "--cacert", f.root(),
                  "--resolve", "localhost:" + number + ":127.0.0.1",
                  "https://localhost:" + number + "/"});
      auto out = peer.output();
      CHECK(receive_until(out, "\n") == "hello, curl\n");
    });
  });
}

TEST_CASE("a server goes on though clients fail, leave or talk about something else",
          "[TLS-24][TLS-25]") {
  run([] {
    use_all_kinds();
    const int before = open_descriptors();
    with_server(server_context(), echo, [](std::uint16_t port) {
      CHECK(contains(failure_of([&] { connect_tls("127.0.0.1", port, tls_context({})); }),
                     "refused"));
      CHECK(contains(failure_of([&] {
                       connect_tls("127.0.0.1", port, client_context(),
                                   {.server_name = "example.org"});
                     }),
                     "hostname mismatch"));
      connect_tcp({.port = port}).close();
      auto other = connect_tcp({.port = port});
      other.send_all("SSH-2.0-OpenSSH_9.2\r\n");
      failure_of([&] { CHECK(receive(other).empty()); });  // it may be reset as well
      auto client = connect_tls("127.0.0.1", port, client_context());
      client.send_all("hello");
      CHECK(receive(client) == "hello");
      client.close();
    });
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("a handshake that stalls ends in time, and holds up nobody", "[TLS-24][SRC-16]") {
  run([] {
    with_server(server_context(), echo,
                [](std::uint16_t port) {
                  auto mute = connect_tcp({.port = port});
                  auto client = connect_tls("127.0.0.1", port, client_context());
                  client.send_all("hello");
                  CHECK(receive(client) == "hello");
                  CHECK(receive(mute).empty());
                  client.send_all("still here");
                  CHECK(receive(client) == "still here");
                },
                {.handshake_timeout = 50ms});
  });
}

TEST_CASE("a server that stops lets go of handshakes, and finishes what it serves") {
  run([] {
    auto listener = listen();
    open_nursery([&](nursery& n) {
      n.start_soon([&] { serve_tls(listener, server_context(), echo); });
      auto mute = connect_tcp({.port = listener.port()});
      auto client = connect_tls("127.0.0.1", listener.port(), client_context());
      client.send_all("hello");
      CHECK(receive(client) == "hello");
      n.cancel_scope().stop(10s);
      CHECK(receive(mute).empty());
      client.send_all("more");
      CHECK(receive(client) == "more");
      client.close();
    });
  });
}

TEST_CASE("the mode of HTTPS is the server's for all its connections", "[TLS-26]") {
  run([] {
    std::string seen = "nothing";
    const auto handler = [&](tls_stream conn) {
      const std::string rest = receive(conn) + receive(conn);
      seen = rest;
      conn.close();
    };
    with_server(server_context(), handler,
                [](std::uint16_t port) {
                  auto client = connect_tls("127.0.0.1", port, client_context());
                  client.send_all("cut");
                  structio_stream_close(client.transport());
                  settle();
                  structio::sleep(1ms);
                },
                {.https_compatible = true});
    CHECK(seen == "cut");
  });
}

TEST_CASE("handlers' failures are the server's") {
  run([] {
    auto listener = listen();
    CHECK(throws<structio::exception_group>([&] {
      open_nursery([&](nursery& n) {
        n.start_soon([&] {
          serve_tls(listener, server_context(),
                    [](tls_stream) { throw std::runtime_error("of the handler"); });
        });
        auto client = connect_tls("127.0.0.1", listener.port(), client_context());
        receive(client);
      });
    }));
  });
}

TEST_CASE("a peer that is cut off in the middle of a record is a truncation") {
  run([] {
    auto ends = connected();
    auto more = connected();
    auto p = wrap(std::move(ends.a), std::move(more.a));
    // In between, whatever one end says until it is cut.
    open_nursery([&](nursery& n) {
      const auto forward = [](any_stream& from, any_stream& to, std::size_t most) {
        while (most > 0) {
          const std::string piece = receive(from, std::min(most, std::size_t{1000}));
          if (piece.empty()) return;
          to.send_all(piece);
          most -= piece.size();
        }
        to.close();
      };
      n.start_soon(
          [&, forward] { failure_of<std::exception>([&] { forward(ends.b, more.b, SIZE_MAX); }); });
      n.start_soon(
          [&, forward] { failure_of<std::exception>([&] { forward(more.b, ends.b, 3000); }); });
      n.start_soon(
          [&] { failure_of<std::exception>([&] { p.server.send_all(pattern(100000)); }); });
      const std::string text = failure_of([&] {
        while (!receive(p.client).empty()) {
        }
      });
      CHECK(contains(text, "truncated"));
      n.cancel_scope().cancel();
    });
  });
}

TEST_CASE("a handshake can be cancelled at each instant, and nothing is left behind") {
  run(
      [] {
        auto listener = listen();
        use_all_kinds();
        const int before = open_descriptors();
        bool whole = false;
        for (int delay = 0; !whole && delay < 300; ++delay) {
          structio::cancel_scope scope;
          open_nursery([&](nursery& n) {
            n.start_soon([&] {
              auto server = tls_server(listener.accept(), server_context());
              failure_of([&] { server.do_handshake(); });
            });
            n.start_soon([&] {
              pause(delay);
              scope.cancel();
            });
            scope.run([&] {
              auto client = connect_tls("127.0.0.1", listener.port(), client_context());
              whole = true;
            });
            // One that never came to us.
            structio::checkpoint();
            n.cancel_scope().cancel();
          });
          structio::checkpoint();
          CHECK(open_descriptors() == before);
        }
        CHECK(whole);
      },
      1);
}
