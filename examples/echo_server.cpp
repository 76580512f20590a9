// An echo server: sends back what each client sends, until SIGTERM or SIGINT asks it to stop.
//
//     echo_server [PORT]        and in another terminal:  nc 127.0.0.1 PORT
//
// On a stop it refuses new clients at once, hangs up on those who are between two lines, and lets
// the others finish the line they have begun, for at most the grace. The same signal once more cuts
// them off. Whatever happens, every connection is closed before the program ends.
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <structio/structio.hpp>

namespace {

using namespace std::chrono_literals;

// One connection, one task: it waits in straight lines, and is closed when this returns.
void echo(structio::tcp_stream conn) {
  std::array<std::byte, 4096> buffer;
  bool in_line = false;
  try {
    for (;;) {
      // Between two lines a stop ends the wait at once: nobody is in the middle of anything.
      structio::cancel_scope wait({.ends_on_stop = !in_line});
      const auto got = wait.run([&] { return conn.receive_some(buffer); });
      if (got.value_or(0) == 0) return;
      conn.send_all(std::span(buffer).first(*got));
      in_line = buffer[*got - 1] != std::byte{'\n'};
    }
  } catch (const structio::broken_error&) {
    // The client is gone without a word. That is its business, and no failure of the server.
  }
}

// Returns when the accept loop was stopped; the listener is closed then, and turns new clients
// away.
void accept_until_stopped(std::uint16_t port, structio::nursery& connections) {
  auto listener = structio::listen_tcp({.host = "127.0.0.1", .port = port});
  std::printf("echo: listening on 127.0.0.1 port %u\n", listener.port());
  structio::serve(listener, echo, connections);
}

void serve_until_stopped(std::uint16_t port) {
  structio::open_nursery([&](structio::nursery& connections) {
    connections.cancel_scope().stop_on_signal(SIGTERM, 10s);
    connections.cancel_scope().stop_on_signal(SIGINT, 10s);
    accept_until_stopped(port, connections);
    std::printf("echo: stopping\n");
  });  // waits for every connection
  std::printf("echo: every connection is closed\n");
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const int port = argc > 1 ? std::atoi(argv[1]) : 0;  // 0: the system chooses one
  try {
    structio::run([&] { serve_until_stopped(static_cast<std::uint16_t>(port)); });
  } catch (const structio::exception_group& group) {
    std::fprintf(stderr, "echo: %s", to_string(group).c_str());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
