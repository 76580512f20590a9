// The echo workloads: the server that anybody would write. A task serves each connection, with a
// buffer of its own on its stack. Ends on SIGTERM.
#include "ours.hpp"

static int echo(structio_stream* stream, void*) {
  char buffer[64 * 1024];
  for (;;) {
    const std::int64_t got = structio_stream_receive_some(stream, buffer, sizeof buffer);
    if (got == STRUCTIO_EBROKEN) return 0;
    if (got <= 0) return static_cast<int>(got);
    const int status = structio_stream_send_all(stream, buffer, static_cast<std::size_t>(got));
    if (status == STRUCTIO_EBROKEN) return 0;
    if (status < 0) return status;
  }
}

static int program(const ours::arguments& given) {
  structio_tcp_listen_options options = {};
  options.struct_size = sizeof options;
  options.host = "127.0.0.1";
  options.port = static_cast<std::uint16_t>(given.number("--port", 0));
  structio_listener* listener = nullptr;
  ours::must(structio_tcp_listen(&options, &listener), "listen");
  std::uint16_t port = 0;
  ours::must(structio_listener_address(listener, nullptr, 0, &port), "address");
  bench_report_port(given.text("--peer", "structio"), port);
  const int status = structio_serve(listener, echo, nullptr, nullptr);
  structio_listener_free(listener);
  return status;
}

int main(int argc, char** argv) {
  return ours::run(argc, argv, program);
}
