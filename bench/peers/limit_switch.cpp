// Limit of `switch`: two tasks that yield to each other on the bare scheduler of limit.hpp.
#include "bench.h"
#include "limit.hpp"

static void yielder(void* arg) {
  const std::int64_t n = *static_cast<std::int64_t*>(arg);
  for (std::int64_t i = 0; i < n; ++i) limit::yield();
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  std::int64_t n = bench_option(argc, argv, "--n", 10'000'000);
  limit::begin();
  limit::group g;
  std::int64_t half = n / 2;
  limit::spawn(g, yielder, &half);
  limit::spawn(g, yielder, &half);
  const std::int64_t begin = bench_cpu_now();
  limit::join(g);
  const std::int64_t spent = bench_cpu_now() - begin;
  bench_report("switch", "limit", double(spent) / double(n), "ns", n);
}
