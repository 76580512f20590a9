// Limit of `timeout`: a deadline put into the heap and taken out again around a call that does not
// wait. The time is a cached one, as in an event loop; `--others` more deadlines are in the heap.
#include "bench.h"
#include "limit_heap.hpp"

// Kept out of line, as the call that the timeout stands around would be.
[[gnu::noinline]] static void call(std::int64_t& calls) {
  ++calls;
  asm volatile("" ::: "memory");
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const std::int64_t n = bench_option(argc, argv, "--n", 10'000'000);
  const std::size_t others = std::size_t(bench_option(argc, argv, "--others", 1));
  const std::int64_t now = bench_wall_now();
  limit::deadline_heap heap(others + 1);
  std::vector<limit::task> waiting(others);
  std::uint64_t seed = 1;
  for (limit::task& t : waiting) {
    t.deadline = now + bench_long_sleep(&seed);
    heap.insert(&t);
  }
  limit::task self;
  std::int64_t calls = 0;
  const std::int64_t begin = bench_cpu_now();
  for (std::int64_t i = 0; i < n; ++i) {
    self.deadline = now + 1'000'000'000;
    heap.insert(&self);
    call(calls);
    heap.remove(&self);
  }
  const std::int64_t spent = bench_cpu_now() - begin;
  bench_report("timeout", "limit", double(spent) / double(calls), "ns", calls);
}
