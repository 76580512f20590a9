// A TCP proxy: passes what each client sends on to a server, and back, until SIGTERM or SIGINT.
//
//     tcp_proxy HOST PORT [LISTEN_PORT] [MOST_CONNECTIONS]
//
// The end of one direction is passed on while the other goes on, as some protocols need. A client
// whose server cannot be reached is hung up on; that, or a broken connection, ends nobody else's.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <structio/structio.hpp>

namespace {

using namespace std::chrono_literals;

struct target {
  std::string host;
  std::uint16_t port;
};

void pass_on(structio::tcp_stream client, const target& to) {
  // Names are looked up and tried by Happy Eyeballs, all within one deadline.
  structio::tcp_stream server =
      structio::fail_after(5s, [&] { return structio::connect_tcp(to.host, to.port); });
  structio::proxy(client, server);
}

bool tell(const char* peer, const structio::failure& why) {
  std::fprintf(stderr, "proxy: %s: %s\n", peer, why.message());
  return true;  // the others go on
}

void run_proxy(const target& to, std::uint16_t port, std::uint64_t most) {
  structio::open_nursery([&](structio::nursery& n) {
    n.cancel_scope().stop_on_signal(SIGTERM, 10s);
    n.cancel_scope().stop_on_signal(SIGINT, 10s);
    auto listener = structio::listen_tcp({.host = "127.0.0.1", .port = port});
    std::printf("proxy: listening on 127.0.0.1 port %u\n", listener.port());
    structio::serve(listener, [&](structio::tcp_stream client) { pass_on(std::move(client), to); },
                    {.max_connections = most, .on_error = tell});
  });
  std::printf("proxy: every connection is closed\n");
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (argc < 3) {
    std::fprintf(stderr, "usage: tcp_proxy HOST PORT [LISTEN_PORT [MOST_CONNECTIONS]]\n");
    return EXIT_FAILURE;
  }
  const target to{argv[1], static_cast<std::uint16_t>(std::atoi(argv[2]))};
  const auto port = static_cast<std::uint16_t>(argc > 3 ? std::atoi(argv[3]) : 0);
  const auto most = static_cast<std::uint64_t>(argc > 4 ? std::atoi(argv[4]) : 1000);
  try {
    structio::run([&] { run_proxy(to, port, most); });
  } catch (const structio::exception_group& group) {
    std::fprintf(stderr, "proxy: %s", to_string(group).c_str());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
