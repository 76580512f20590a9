// The chat server. Try it:  ./09_chat 7000  and, in other terminals,  nc 127.0.0.1 7000
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "chat_room.hpp"
using namespace std::chrono_literals;

int main(int argc, char** argv) {
  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  structio::run([&] {
    room all;
    structio::cancel_scope whole;
    whole.run([&] {
      // Asked to stop: nobody new, nobody is read from any more, what waits has 5 s to be sent.
      whole.stop_on_signal(SIGTERM, 5s);
      whole.stop_on_signal(SIGINT, 5s);
      auto listener = structio::listen_tcp({.host = "127.0.0.1", .port = port});
      std::printf("chat: listening on 127.0.0.1 port %u\n", listener.port());
      const auto handle = [&](structio::tcp_stream conn) {
        const auto peer = conn.peer_address();
        talk(std::move(conn), peer.host + ":" + std::to_string(peer.port), all);
      };
      // One who is gone without a word, or talks without end, is no failure of the server.
      const auto go_on = [](const char*, const structio::failure&) { return true; };
      structio::serve(listener, handle, {.max_connections = 10000, .on_error = go_on});
    });
    std::printf("chat: everybody has left\n");
  });
}
