// A client that tries again, with a limit for each attempt and one for all.
#include <cstdio>
#include <string>
#include <structio/structio.hpp>
using namespace std::chrono_literals;

// Calls fn() until it succeeds, with pauses that double; the last failure passes through. Only
// `error` is tried again: `cancelled` is none, so a retry loop never fights a cancellation.
template <class Fn>
auto with_retries(int attempts, std::chrono::milliseconds pause, Fn fn) {
  for (int attempt = 1;; ++attempt) {
    try {
      return fn();
    } catch (const structio::error& e) {
      std::printf("attempt %d: %s\n", attempt, e.name());
      if (attempt == attempts) throw;
    }
    structio::sleep(pause);
    pause *= 2;
  }
}

std::string ask(std::uint16_t port) {
  return structio::fail_after(1s, [&] {  // for each attempt
    auto conn = structio::connect_tcp("127.0.0.1", port);
    structio::buffered_reader reader(conn, 100);
    const auto line = reader.receive_line();
    if (!line) throw structio::broken_error("the server closed without an answer");
    return std::string(*line);
  });
}

// Closes the first connection, forgets to answer the second, answers the third.
void moody_server(structio::task_status<std::uint16_t>& status) {
  auto listener = structio::listen_tcp({.host = "127.0.0.1"});
  status.started(listener.port());
  int count = 0;
  structio::serve(listener, [&](structio::tcp_stream conn) {
    const int number = ++count;
    if (number == 2) structio::sleep(1h);
    if (number == 3) conn.send_all("42\n");
  });
}

int main() {
  structio::run([] {
    structio::open_nursery([](structio::nursery& n) {
      const auto port = n.start<std::uint16_t>(moody_server);
      const auto answer = structio::fail_after(30s, [&] {  // for all of it
        return with_retries(5, 10ms, [&] { return ask(port); });
      });
      std::printf("answer: %s\n", answer.c_str());
      n.cancel_scope().cancel("that was all");
    });
  });
}
