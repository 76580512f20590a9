// Limits of `spawn` (one trivial task at a time, joined) and `batch_spawn` (10,000 tasks alive at
// once, each yielding once, then all joined; stacks are warm) on the bare scheduler of limit.hpp.
#include "bench.h"
#include "limit.hpp"

static std::int64_t ran = 0;

static void trivial(void*) {
  ++ran;
}

static void yields_once(void*) {
  limit::yield();
  ++ran;
}

static void batch(std::int64_t size) {
  limit::group g;
  for (std::int64_t i = 0; i < size; ++i) limit::spawn(g, yields_once, nullptr);
  limit::join(g);
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  limit::config.stack_size = std::size_t(bench_option(argc, argv, "--stack", 16 * 1024));
  limit::config.colours = std::size_t(bench_option(argc, argv, "--colours", 1));
  const char* workload = bench_text_option(argc, argv, "--workload", "spawn");
  const std::int64_t n = bench_option(argc, argv, "--n", 1'000'000);
  const std::int64_t size = bench_option(argc, argv, "--batch", 10'000);
  limit::config.fresh = bench_option(argc, argv, "--fresh", 1) != 0;
  limit::begin();

  const bool batches = strcmp(workload, "batch_spawn") == 0;
  if (batches) batch(size);
  const std::int64_t begin = bench_cpu_now();
  ran = 0;
  if (batches) {
    while (ran < n) batch(size);
  } else {
    while (ran < n) {
      limit::group g;
      limit::spawn(g, trivial, nullptr);
      limit::join(g);
    }
  }
  const std::int64_t spent = bench_cpu_now() - begin;
  bench_report(workload, limit::config.fresh ? "limit" : "limit_loop", double(spent) / double(ran),
               "ns", ran);
}
