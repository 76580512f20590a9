// Asio's echo server by callbacks. Ends on SIGTERM.
#include <memory>

#include "asio_net.hpp"

using socket_type = net::basic_stream_socket<net::ip::tcp, executor>;
using acceptor_type = net::basic_socket_acceptor<net::ip::tcp, executor>;

// Frees itself when the peer has gone; no shared_ptr is counted for each operation.
struct connection {
  socket_type socket;
  std::unique_ptr<char[]> buffer{new char[size]};
  static constexpr std::size_t size = 64 * 1024;

  explicit connection(socket_type s) : socket(std::move(s)) {}

  void read() {
    socket.async_read_some(net::buffer(buffer.get(), size), [this](error_code e, std::size_t got) {
      if (e) {
        delete this;
        return;
      }
      write(got);
    });
  }

  void write(std::size_t got) {
    // Written on the spot: async_write would come back through the queue of handlers even if the
    // kernel took everything at once.
    error_code e;
    const std::size_t sent = socket.write_some(net::buffer(buffer.get(), got), e);
    if (sent == got) return read();
    if (e && e != net::error::would_block) {
      delete this;
      return;
    }
    net::async_write(socket, net::buffer(buffer.get() + sent, got - sent),
                     [this](error_code failed, std::size_t) {
                       if (failed) {
                         delete this;
                         return;
                       }
                       read();
                     });
  }
};

static void accept(acceptor_type& acceptor) {
  acceptor.async_accept([&acceptor](error_code e, socket_type socket) {
    if (!e) {
      socket.set_option(net::ip::tcp::no_delay(true), e);
      socket.non_blocking(true, e);
      (new connection(std::move(socket)))->read();
    }
    accept(acceptor);
  });
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  net::io_context loop(ASIO_CONCURRENCY_HINT_UNSAFE);  // one thread: no locks
  acceptor_type acceptor(loop.get_executor(), net::ip::tcp::v4());
  acceptor.set_option(net::socket_base::reuse_address(true));
  acceptor.bind({net::ip::address_v4::loopback(),
                 static_cast<std::uint16_t>(bench_option(argc, argv, "--port", 0))});
  acceptor.listen(1024);
  bench_report_port("asio", acceptor.local_endpoint().port());
  accept(acceptor);
  loop.run();
}
