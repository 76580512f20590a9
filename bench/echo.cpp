// The echo workloads: the server that anybody would write. A task serves each connection, with a
// buffer of its own on its stack, of `--buffer` bytes. Ends on SIGTERM. `--shards N`: so many runs,
// in a thread each, that share the port and nothing else; `--spread 1`: each on the core behind
// that of the one before. `--work N`: N steps of computing for each message, as a server has that
// does something.
#include <alloca.h>
#include <pthread.h>

#include "ours.hpp"

static std::size_t buffer_size = 64 * 1024;
static std::int64_t work = 0;

// Each step waits for the one before (xorshift, Marsaglia 2003).
static void compute(char& result) {
  std::uint64_t x = static_cast<unsigned char>(result) + 1u;
  for (std::int64_t i = 0; i < work; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  result = static_cast<char>(x);
}

static int echo(structio_stream* stream, void*) {
  auto* buffer = static_cast<char*>(alloca(buffer_size));
  for (;;) {
    const std::int64_t got = structio_stream_receive_some(stream, buffer, buffer_size);
    if (got == STRUCTIO_EBROKEN) return 0;
    if (got <= 0) return static_cast<int>(got);
    if (work > 0) compute(buffer[0]);
    const int status = structio_stream_send_all(stream, buffer, static_cast<std::size_t>(got));
    if (status == STRUCTIO_EBROKEN) return 0;
    if (status < 0) return status;
  }
}

static pthread_barrier_t all_listen;

struct shard {
  std::uint16_t port;
  bool shared;
  std::int64_t cpu;  // negative: where it is
  const char* peer;  // not null: it says where it listens, and starts the others
  std::int64_t others;
  std::int64_t apart;
};

static void* other_shard(void* arg);

static void start_others(const shard& first, std::uint16_t port) {
  for (std::int64_t i = 1; i <= first.others; ++i) {
    pthread_t thread;
    const std::int64_t cpu = first.cpu < 0 ? -1 : first.cpu + i * first.apart;
    auto* other = new shard{port, true, cpu, nullptr, 0, 0};
    if (pthread_create(&thread, nullptr, other_shard, other) != 0) std::_Exit(1);
    pthread_detach(thread);
  }
}

static int serve(void* arg) {
  const shard& here = *static_cast<shard*>(arg);
  structio_tcp_listen_options options = {};
  options.struct_size = sizeof options;
  options.host = "127.0.0.1";
  options.port = here.port;
  options.reuse_port = here.shared ? 1 : 0;
  structio_listener* listener = nullptr;
  ours::must(structio_tcp_listen(&options, &listener), "listen");
  std::uint16_t port = 0;
  ours::must(structio_listener_address(listener, nullptr, 0, &port), "address");
  start_others(here, port);
  pthread_barrier_wait(&all_listen);  // else the first gets every connection
  if (here.peer) bench_report_port(here.peer, port);
  const int status = structio_serve(listener, echo, nullptr, nullptr);
  structio_listener_free(listener);
  return status;
}

static void* other_shard(void* arg) {
  const shard& here = *static_cast<shard*>(arg);
  bench_pin_to(here.cpu);
  ours::must(structio_run(serve, arg, nullptr), "structio_run");
  return nullptr;
}

static int program(const ours::arguments& given) {
  const std::int64_t shards = given.number("--shards", 1);
  buffer_size = static_cast<std::size_t>(given.number("--buffer", 64 * 1024));
  work = given.number("--work", 0);
  shard first{static_cast<std::uint16_t>(given.number("--port", 0)),
              shards > 1,
              given.number("--cpu", -1),
              given.text("--peer", "structio"),
              shards - 1,
              given.number("--spread", 0)};
  pthread_barrier_init(&all_listen, nullptr, static_cast<unsigned>(shards));
  return serve(&first);
}

int main(int argc, char** argv) {
  return ours::run(argc, argv, program);
}
