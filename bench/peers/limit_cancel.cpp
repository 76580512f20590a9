// Limit of `cancel_all`: 100,000 tasks sleep; each is made runnable and runs to its end. `--heap 1`
// (peer limit_heap) also takes every deadline out of a 4-ary heap, one by one, as an owner of
// timers must that does not know that all of them go; `--heap 0` (peer limit) has no timers at all.
#include "bench.h"
#include "limit_heap.hpp"

static limit::deadline_heap* heap = nullptr;
static limit::task* sleepers = nullptr;
static limit::task** last_sleeper = &sleepers;
static std::int64_t asleep = 0;
static std::uint64_t seed = 1;

static void sleeper(void*) {
  limit::task* self = limit::current;
  self->sibling = nullptr;
  *last_sleeper = self;
  last_sleeper = &self->sibling;
  if (heap != nullptr) {
    self->deadline = bench_long_sleep(&seed);
    heap->insert(self);
  }
  ++asleep;
  limit::park();
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  limit::config.stack_size = std::size_t(bench_option(argc, argv, "--stack", 16 * 1024));
  limit::config.colours = std::size_t(bench_option(argc, argv, "--colours", 1));
  const std::int64_t n = bench_option(argc, argv, "--n", 100'000);
  limit::deadline_heap timers{std::size_t(n)};
  if (bench_option(argc, argv, "--heap", 0) != 0) heap = &timers;
  limit::begin();
  limit::group g;
  for (std::int64_t i = 0; i < n; ++i) limit::spawn(g, sleeper, nullptr);
  while (asleep < n) limit::yield();

  const std::int64_t begin = bench_cpu_now();
  for (limit::task* t = sleepers; t != nullptr; t = t->sibling) {
    if (heap != nullptr) heap->remove(t);
    limit::make_ready(t);
  }
  limit::join(g);
  const std::int64_t spent = bench_cpu_now() - begin;
  bench_report("cancel_all", heap != nullptr ? "limit_heap" : "limit", double(spent) / double(n),
               "ns", n);
}
