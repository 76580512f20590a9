// An echo server that talks TLS, until SIGTERM or SIGINT asks it to stop.
//
//     tls_echo CERTIFICATES KEY [PORT]     and in another terminal:
//     openssl s_client -connect 127.0.0.1:PORT -CAfile CERTIFICATES
//
// A certificate to try it with:  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256
//                                    -nodes -subj /CN=localhost -keyout key.pem -out cert.pem
//                                    -addext subjectAltName=DNS:localhost,IP:127.0.0.1
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <structio/structio.hpp>

namespace {

using namespace std::chrono_literals;

// The handshake is done when this begins. A stream that is not closed ends without TLS's close
// message, which the client has to take for an attack.
void echo(structio::tls_stream conn) {
  std::array<std::byte, 4096> buffer;
  try {
    for (;;) {
      // A stop ends the wait for more, and then the connection in good order.
      structio::cancel_scope wait({.ends_on_stop = true});
      const auto got = wait.run([&] { return conn.receive_some(buffer); });
      if (got.value_or(0) == 0) break;
      conn.send_all(std::span(buffer).first(*got));
    }
    // Not every client reads until the end: who waits for them for ever is easily kept busy.
    structio::move_on_after(1s, [&] { conn.close(); });
  } catch (const structio::broken_error& gone) {
    std::printf("tls_echo: %s\n", gone.what());
  }
}

void serve_until_stopped(const structio::tls_context& own, std::uint16_t port) {
  structio::cancel_scope scope;
  scope.run([&] {
    scope.stop_on_signal(SIGTERM, 10s);
    scope.stop_on_signal(SIGINT, 10s);
    auto listener = structio::listen_tcp({.host = "127.0.0.1", .port = port});
    std::printf("tls_echo: listening on 127.0.0.1 port %u\n", listener.port());
    structio::serve_tls(listener, own, echo, {.handshake_timeout = 5s});
  });
  std::printf("tls_echo: every connection is closed\n");
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (argc < 3) {
    std::fprintf(stderr, "usage: tls_echo CERTIFICATES KEY [PORT]\n");
    return EXIT_FAILURE;
  }
  const int port = argc > 3 ? std::atoi(argv[3]) : 0;  // 0: the system chooses one
  try {
    const structio::tls_context own(
        {.server = true, .certificates_file = argv[1], .key_file = argv[2]});
    structio::run([&] { serve_until_stopped(own, static_cast<std::uint16_t>(port)); });
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "tls_echo: %s\n", failure.what());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
