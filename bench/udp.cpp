// The UDP workloads: one task receives a packet and sends it back; with `--many 1` up to 32 at
// once. Ends on SIGTERM.
#include "ours.hpp"

static void one_by_one(structio_datagram* socket) {
  static char buffer[64 * 1024];
  structio_address from;
  for (;;) {
    const std::int64_t got =
        structio_datagram_receive(socket, buffer, sizeof buffer, &from, nullptr);
    const auto size = static_cast<std::size_t>(ours::must(got, "receive"));
    ours::must(structio_datagram_send_to(socket, buffer, size, &from), "send_to");
  }
}

static void many(structio_datagram* socket) {
  constexpr std::size_t most = 32;
  constexpr std::size_t packet_size = 2048;
  static char buffers[most][packet_size];
  static structio_address peers[most];
  static structio_packet packets[most];
  for (;;) {
    for (std::size_t i = 0; i < most; ++i) {
      packets[i].data = buffers[i];
      packets[i].size = packet_size;
      packets[i].address = &peers[i];
    }
    const auto got = static_cast<std::size_t>(
        ours::must(structio_datagram_receive_many(socket, packets, most), "receive_many"));
    for (std::size_t i = 0; i < got; ++i) packets[i].size = packets[i].received;
    for (std::size_t sent = 0; sent < got;) {
      sent += static_cast<std::size_t>(
          ours::must(structio_datagram_send_many(socket, packets + sent, got - sent), "send_many"));
    }
  }
}

static int program(const ours::arguments& given) {
  structio_udp_options options = {};
  options.struct_size = sizeof options;
  options.host = "127.0.0.1";
  structio_datagram* socket = nullptr;
  ours::must(structio_udp_open(&options, &socket), "open");
  structio_address at;
  ours::must(structio_datagram_local_address(socket, &at), "address");
  std::uint16_t port = 0;
  ours::must(structio_address_format(&at, nullptr, 0, &port), "format");
  bench_report_port(given.text("--peer", "structio"), port);
  if (given.number("--many", 0) != 0) {
    many(socket);
  } else {
    one_by_one(socket);
  }
  return 0;
}

int main(int argc, char** argv) {
  return ours::run(argc, argv, program);
}
