// Asio's UDP echo by callbacks. A packet for which the kernel has no room is lost. Ends on SIGTERM.
#include "asio_net.hpp"

struct server {
  net::io_context loop{ASIO_CONCURRENCY_HINT_UNSAFE};  // one thread: no locks
  net::basic_datagram_socket<net::ip::udp, executor> socket{loop.get_executor(),
                                                            {net::ip::address_v4::loopback(), 0}};
  net::ip::udp::endpoint from;
  char buffer[64 * 1024];

  void receive() {
    socket.async_receive_from(net::buffer(buffer), from, [this](error_code e, std::size_t got) {
      // Sent on the spot: what the kernel takes at once needs no way through the queue.
      if (!e) socket.send_to(net::buffer(buffer, got), from, 0, e);
      receive();
    });
  }
};

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  static server s;
  s.socket.non_blocking(true);
  bench_report_port("asio", s.socket.local_endpoint().port());
  s.receive();
  s.loop.run();
}
