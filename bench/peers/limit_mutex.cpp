// Limit of `mutex`: an owner and an intrusive queue on the bare scheduler of limit.hpp, handed over
// at unlock. 100 tasks lock, count, yield, unlock.
#include "bench.h"
#include "limit.hpp"

static limit::task* owner = nullptr;
static limit::task* first_waiting = nullptr;
static limit::task* last_waiting = nullptr;
static std::int64_t rounds = 0;
static std::int64_t counted = 0;

static void lock() {
  limit::task* self = limit::current;
  if (owner == nullptr) {
    owner = self;
    return;
  }
  self->sibling = nullptr;
  if (first_waiting == nullptr) {
    first_waiting = self;
  } else {
    last_waiting->sibling = self;
  }
  last_waiting = self;
  limit::park();
}

static void unlock() {
  owner = first_waiting;
  if (owner == nullptr) return;
  first_waiting = owner->sibling;
  limit::make_ready(owner);
}

static void worker(void*) {
  for (std::int64_t i = 0; i < rounds; ++i) {
    lock();
    ++counted;
    limit::yield();
    unlock();
  }
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const std::int64_t n = bench_option(argc, argv, "--n", 5'000'000);
  const std::int64_t tasks = bench_option(argc, argv, "--tasks", 100);
  rounds = n / tasks;
  limit::begin();
  limit::group g;
  for (std::int64_t i = 0; i < tasks; ++i) limit::spawn(g, worker, nullptr);
  const std::int64_t begin = bench_cpu_now();
  limit::join(g);
  const std::int64_t spent = bench_cpu_now() - begin;
  bench_report("mutex", "limit", double(spent) / double(counted), "ns", counted);
}
