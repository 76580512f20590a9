// Limits of `channel` (a message each way through two channels without a buffer, a round trip) and
// `channel_128` (one way through a ring of 128, a message) on the bare scheduler of limit.hpp.
//
// The channel is as small as one can write it and still be a channel: items of any size, any
// capacity, any number of waiting tasks in order, compiled once and called, not melted into the
// loop. An item goes straight to a parked receiver; a task switches only when it cannot go on. No
// cancellation, no closing, no handles, no checks, and it takes no turns. `--melted 1` is what is
// left when the compiler knows size, capacity and place and inlines it all.
#include "bench.h"
#include "limit.hpp"

namespace {

struct waiter {
  waiter* next;
  limit::task* task;
  void* item;
};

struct waiters {
  waiter* head = nullptr;
  waiter* tail = nullptr;

  void push(waiter& w) {
    w.next = nullptr;
    (head == nullptr ? head : tail->next) = &w;
    tail = &w;
  }
  waiter* pop() {
    waiter* w = head;
    if (w != nullptr) head = w->next;
    return w;
  }
};

struct channel {
  std::size_t size;
  std::size_t capacity;
  char* items = nullptr;
  std::size_t first = 0;
  std::size_t used = 0;
  waiters senders;
  waiters receivers;

  channel(std::size_t item_size, std::size_t room)
      : size(item_size), capacity(room), items(static_cast<char*>(std::malloc(room * size + 1))) {}
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;
  ~channel() { std::free(items); }

  char* at(std::size_t i) {
    i += first;
    return items + (i < capacity ? i : i - capacity) * size;
  }
};

/// A number or a pointer does not go through a call.
inline void copy(void* to, const void* from, std::size_t size) {
  if (size == sizeof(std::int64_t)) {
    memcpy(to, from, sizeof(std::int64_t));
  } else {
    memcpy(to, from, size);
  }
}

inline void wait(waiters& queue, void* item) {
  waiter self{nullptr, limit::current, item};
  queue.push(self);
  limit::park();
}

inline void send_melted(channel& c, void* item) {
  if (waiter* w = c.receivers.pop(); w != nullptr) {
    copy(w->item, item, c.size);
    limit::make_ready(w->task);
  } else if (c.used < c.capacity) {
    copy(c.at(c.used++), item, c.size);
  } else {
    wait(c.senders, item);
  }
}

inline void receive_melted(channel& c, void* slot) {
  if (c.used > 0) {
    copy(slot, c.at(0), c.size);
    if (++c.first == c.capacity) c.first = 0;
    --c.used;
    if (waiter* w = c.senders.pop(); w != nullptr) {
      copy(c.at(c.used++), w->item, c.size);
      limit::make_ready(w->task);
    }
  } else if (waiter* w = c.senders.pop(); w != nullptr) {
    copy(slot, w->item, c.size);
    limit::make_ready(w->task);
  } else {
    wait(c.receivers, slot);
  }
}

[[gnu::noipa]] void send(channel& c, void* item) {
  send_melted(c, item);
}
[[gnu::noipa]] void receive(channel& c, void* slot) {
  receive_melted(c, slot);
}

std::int64_t count = 0;
std::int64_t sum = 0;
channel there(sizeof(std::int64_t), 0);
channel back(sizeof(std::int64_t), 0);
channel through(sizeof(std::int64_t), 128);

template <void (*Send)(channel&, void*), void (*Receive)(channel&, void*)>
struct tasks {
  static void ping(void*) {
    for (std::int64_t i = 0; i < count; ++i) {
      std::int64_t item = i;
      Send(there, &item);
      Receive(back, &item);
      sum += item;
    }
  }
  static void pong(void*) {
    for (std::int64_t i = 0; i < count; ++i) {
      std::int64_t item = 0;
      Receive(there, &item);
      Send(back, &item);
    }
  }
  static void produce(void*) {
    for (std::int64_t i = 0; i < count; ++i) {
      std::int64_t item = i;
      Send(through, &item);
    }
  }
  static void consume(void*) {
    for (std::int64_t i = 0; i < count; ++i) {
      std::int64_t item = 0;
      Receive(through, &item);
      sum += item;
    }
  }
  static void spawn(limit::group& g, bool buffered) {
    limit::spawn(g, buffered ? produce : ping, nullptr);
    limit::spawn(g, buffered ? consume : pong, nullptr);
  }
};

}  // namespace

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const char* workload = bench_text_option(argc, argv, "--workload", "channel");
  const bool buffered = strcmp(workload, "channel_128") == 0;
  const bool melted = bench_option(argc, argv, "--melted", 0) != 0;
  count = bench_option(argc, argv, "--n", buffered ? 10'000'000 : 3'000'000);
  limit::begin();
  limit::group g;
  if (melted) {
    tasks<send_melted, receive_melted>::spawn(g, buffered);
  } else {
    tasks<send, receive>::spawn(g, buffered);
  }
  const std::int64_t begin = bench_cpu_now();
  limit::join(g);
  const std::int64_t spent = bench_cpu_now() - begin;
  if (sum != count * (count - 1) / 2) return 1;
  bench_report(workload, melted ? "limit_melted" : "limit", double(spent) / double(count), "ns",
               count);
}
