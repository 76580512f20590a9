// `channel`: two tasks send a message each way through two channels without a buffer, a round trip.
// `channel_128`: one way through a channel of 128, a message. `--face 1`: the same through the C++
// face.
#include <structio/channel.hpp>
#include <structio/nursery.hpp>

#include "ours.hpp"

namespace {

std::int64_t count = 0;
std::int64_t sum = 0;

struct pipe {
  structio_sender* tx = nullptr;
  structio_receiver* rx = nullptr;

  explicit pipe(std::int64_t capacity) {
    structio_item_type type{};
    type.struct_size = sizeof type;
    type.size = sizeof(std::int64_t);
    ours::must(structio_channel_new(&type, capacity, &tx, &rx), "new");
  }
  pipe(const pipe&) = delete;
  pipe& operator=(const pipe&) = delete;
  ~pipe() {
    structio_sender_free(tx);
    structio_receiver_free(rx);
  }
};

struct both {
  pipe* there;
  pipe* back;
};

int ping(void* arg) {
  const both& b = *static_cast<both*>(arg);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t item = i;
    int status = structio_sender_send(b.there->tx, &item);
    if (status == 0) status = structio_receiver_receive(b.back->rx, &item);
    if (status < 0) return status;
    sum += item;
  }
  return 0;
}

int pong(void* arg) {
  const both& b = *static_cast<both*>(arg);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t item = 0;
    int status = structio_receiver_receive(b.there->rx, &item);
    if (status == 0) status = structio_sender_send(b.back->tx, &item);
    if (status < 0) return status;
  }
  return 0;
}

int produce(void* arg) {
  const pipe& p = *static_cast<pipe*>(arg);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t item = i;
    const int status = structio_sender_send(p.tx, &item);
    if (status < 0) return status;
  }
  return 0;
}

int consume(void* arg) {
  const pipe& p = *static_cast<pipe*>(arg);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t item = 0;
    const int status = structio_receiver_receive(p.rx, &item);
    if (status < 0) return status;
    sum += item;
  }
  return 0;
}

std::int64_t two_tasks(structio_task_fn one, structio_task_fn other, void* arg) {
  structio_nursery nursery;
  ours::must(structio_nursery_open(&nursery), "open");
  ours::must(structio_nursery_start_soon(&nursery, one, arg), "start");
  ours::must(structio_nursery_start_soon(&nursery, other, arg), "start");
  const std::int64_t begin = bench_cpu_now();
  ours::must(structio_nursery_close(&nursery, 0, nullptr), "close");
  return bench_cpu_now() - begin;
}

std::int64_t through_abi(bool buffered) {
  if (buffered) {
    pipe p(128);
    return two_tasks(produce, consume, &p);
  }
  pipe there(0);
  pipe back(0);
  both b{&there, &back};
  return two_tasks(ping, pong, &b);
}

std::int64_t through_face(bool buffered) {
  auto there = structio::open_channel<std::int64_t>(buffered ? 128 : 0);
  auto back = structio::open_channel<std::int64_t>(0);
  std::int64_t begin = 0;
  structio::open_nursery([&](structio::nursery& n) {
    n.start_soon([&] {
      for (std::int64_t i = 0; i < count; ++i) {
        there.tx.send(i);
        if (!buffered) sum += back.rx.receive();
      }
    });
    n.start_soon([&] {
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t item = there.rx.receive();
        if (buffered) {
          sum += item;
        } else {
          back.tx.send(item);
        }
      }
    });
    begin = bench_cpu_now();
  });
  return bench_cpu_now() - begin;
}

int program(const ours::arguments& given) {
  const char* workload = given.text("--workload", "channel");
  const bool buffered = strcmp(workload, "channel_128") == 0;
  count = given.number("--n", buffered ? 10'000'000 : 3'000'000);
  const std::int64_t spent =
      given.number("--face", 0) != 0 ? through_face(buffered) : through_abi(buffered);
  ours::must(sum == count * (count - 1) / 2 ? 0 : STRUCTIO_EINTERNAL, "the sum");
  bench_report(workload, given.text("--peer", "structio"), double(spent) / double(count), "ns",
               count);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return ours::run(argc, argv, program);
}
