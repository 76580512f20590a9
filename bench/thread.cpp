// Threads: a call that does nothing on a worker thread, there and back; and how long a message of
// another thread takes to arrive, when its sender waits for the answer of the one before.
#include <structio/structio_thread.h>

#include <pthread.h>

#include <atomic>

#include "ours.hpp"

namespace {

int nothing(void*) {
  return 0;
}

int call(const ours::arguments& given) {
  const std::int64_t n = given.number("--n", 100000);
  for (int i = 0; i < 1000; ++i) {
    ours::must(structio_run_in_thread(nothing, nullptr, nullptr), "run_in_thread");
  }
  const std::int64_t begin = bench_wall_now();
  for (std::int64_t i = 0; i < n; ++i) structio_run_in_thread(nothing, nullptr, nullptr);
  bench_report("thread_call", "structio", double(bench_wall_now() - begin) / double(n) / 1000, "us",
               n);
  return 0;
}

// One thread posts message after message; each wakes a task that waits for it.
struct messages {
  structio_portal* portal = nullptr;
  structio_waiter* waiting = nullptr;
  std::int64_t arrived = 0;
  std::int64_t n = 0;

  static int arrive(void* arg) {
    auto& self = *static_cast<messages*>(arg);
    ++self.arrived;
    if (self.waiting) structio_wake(self.waiting, 0);
    self.waiting = nullptr;
    return 0;
  }

  static void* send(void* arg) {
    auto& self = *static_cast<messages*>(arg);
    for (std::int64_t i = 0; i < self.n; ++i) {
      ours::must(structio_portal_post(self.portal, arrive, arg), "portal_post");
    }
    return nullptr;
  }
};

int wake(const ours::arguments& given) {
  messages m;
  m.n = given.number("--n", 1000000);
  ours::must(structio_portal_new(&m.portal), "portal_new");
  pthread_t sender;
  const std::int64_t begin = bench_wall_now();
  pthread_create(&sender, nullptr, messages::send, &m);
  while (m.arrived < m.n) {
    structio_waiter waiter;
    structio_waiter_init(&waiter);
    m.waiting = &waiter;
    structio_park(&waiter, "messages", nullptr, nullptr);
  }
  const std::int64_t taken = bench_wall_now() - begin;
  pthread_join(sender, nullptr);
  structio_portal_free(m.portal);
  bench_report("thread_wake", "structio", double(taken) / double(m.n) / 1000, "us", m.n);
  return 0;
}

int program(const ours::arguments& given) {
  return std::strcmp(given.text("--workload", "thread_call"), "thread_wake") == 0 ? wake(given)
                                                                                  : call(given);
}

}  // namespace

int main(int argc, char** argv) {
  return ours::run(argc, argv, program);
}
