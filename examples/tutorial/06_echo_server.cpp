// An echo server, and five clients that talk to it.
#include <array>
#include <cstdio>
#include <structio/structio.hpp>
using namespace std::chrono_literals;

// One connection, in a task of its own. The stream closes when the function ends, however it does.
void echo(structio::tcp_stream conn) {
  std::array<std::byte, 4096> buffer;
  while (const auto got = conn.receive_some(buffer)) conn.send_all(std::span(buffer).first(got));
}

// Says at which port as soon as clients can connect; n.start() waits for that.
void server(structio::task_status<std::uint16_t>& status) {
  auto listener = structio::listen_tcp({.host = "127.0.0.1"});
  status.started(listener.port());
  structio::serve(listener, echo, {.max_connections = 1000, .log_errors = true});
}

void client(int number, std::uint16_t port) {
  auto conn = structio::connect_tcp("127.0.0.1", port);
  conn.send_all("hello from " + std::to_string(number) + "\n");
  structio::buffered_reader reader(conn, 100);
  const auto answer = reader.receive_line();
  if (number == 3 && answer)
    std::printf("%.*s\n", static_cast<int>(answer->size()), answer->data());
}

int main() {
  structio::run([] {
    structio::open_nursery([](structio::nursery& n) {
      const auto port = n.start<std::uint16_t>(server);
      structio::open_nursery([&](structio::nursery& clients) {
        for (int i = 1; i <= 5; ++i) clients.start_soon(client, i, port);
      });
      // The accept loop ends at once; connections have a second to come to an end by themselves.
      n.cancel_scope().stop(1s, "enough");
    });
    std::printf("the server has ended\n");
  });
}
