// Limits of `channel` (a message each way through two channels without a buffer, a round trip) and
// `channel_128` (one way through a ring of 128, a message) on the bare scheduler of limit.hpp: an
// item goes straight to a parked receiver, a task switches only when it cannot go on.
#include "bench.h"
#include "limit.hpp"

namespace {

/// Where one task waits for an item, or with one.
struct rendezvous {
  limit::task* receiver = nullptr;
  std::int64_t* slot = nullptr;
  limit::task* sender = nullptr;
  std::int64_t item = 0;

  void send(std::int64_t value) {
    if (receiver != nullptr) {
      *slot = value;
      limit::make_ready(receiver);
      receiver = nullptr;
      return;
    }
    item = value;
    sender = limit::current;
    limit::park();
  }

  std::int64_t receive() {
    if (sender != nullptr) {
      limit::make_ready(sender);
      sender = nullptr;
      return item;
    }
    std::int64_t value = 0;
    slot = &value;
    receiver = limit::current;
    limit::park();
    return value;
  }
};

struct ring {
  static constexpr std::uint64_t room = 128;
  std::int64_t items[room];
  std::uint64_t in = 0;
  std::uint64_t out = 0;
  limit::task* receiver = nullptr;
  limit::task* sender = nullptr;

  void send(std::int64_t value) {
    if (in - out == room) {
      sender = limit::current;
      limit::park();
    }
    items[in++ % room] = value;
    if (receiver != nullptr) {
      limit::make_ready(receiver);
      receiver = nullptr;
    }
  }

  std::int64_t receive() {
    if (in == out) {
      receiver = limit::current;
      limit::park();
    }
    const std::int64_t value = items[out++ % room];
    if (sender != nullptr) {
      limit::make_ready(sender);
      sender = nullptr;
    }
    return value;
  }
};

std::int64_t count = 0;
std::int64_t sum = 0;
rendezvous there;
rendezvous back;
ring through;

void ping(void*) {
  for (std::int64_t i = 0; i < count; ++i) {
    there.send(i);
    sum += back.receive();
  }
}

void pong(void*) {
  for (std::int64_t i = 0; i < count; ++i) back.send(there.receive());
}

void produce(void*) {
  for (std::int64_t i = 0; i < count; ++i) through.send(i);
}

void consume(void*) {
  for (std::int64_t i = 0; i < count; ++i) sum += through.receive();
}

}  // namespace

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const char* workload = bench_text_option(argc, argv, "--workload", "channel");
  const bool buffered = strcmp(workload, "channel_128") == 0;
  count = bench_option(argc, argv, "--n", buffered ? 10'000'000 : 3'000'000);
  limit::begin();
  limit::group g;
  limit::spawn(g, buffered ? produce : ping, nullptr);
  limit::spawn(g, buffered ? consume : pong, nullptr);
  const std::int64_t begin = bench_cpu_now();
  limit::join(g);
  const std::int64_t spent = bench_cpu_now() - begin;
  if (sum != count * (count - 1) / 2) return 1;
  bench_report(workload, "limit", double(spent) / double(count), "ns", count);
}
