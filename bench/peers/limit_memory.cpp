// Limits of `memory_*` (resident bytes of a parked task) and `cold_task` (making one on a stack
// that was never touched): stacks cut from slabs, one page touched, with or without a guard page.
#include "bench.h"
#include "limit.hpp"

static std::int64_t parked = 0;

static void parks(void*) {
  ++parked;
  limit::park();
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  limit::config.stack_size = std::size_t(bench_option(argc, argv, "--stack", 16 * 1024));
  limit::config.colours = std::size_t(bench_option(argc, argv, "--colours", 1));
  limit::config.guard = bench_option(argc, argv, "--guard", 1) != 0;
  const char* workload = bench_text_option(argc, argv, "--workload", "memory_10k");
  const std::int64_t n = bench_option(argc, argv, "--n", 10'000);
  const char* peer = limit::config.guard ? "limit" : "limit_noguard";
  limit::begin();
  limit::group g;
  const std::int64_t before = bench_resident();
  const std::int64_t begin = bench_cpu_now();
  for (std::int64_t i = 0; i < n; ++i) limit::spawn(g, parks, nullptr);
  while (parked < n) limit::yield();
  const std::int64_t spent = bench_cpu_now() - begin;
  const std::int64_t after = bench_resident();
  if (strcmp(workload, "cold_task") != 0) {
    bench_report(workload, peer, double(after - before) / double(n), "bytes", n);
  }
  bench_report("cold_task", peer, double(spent) / double(n), "ns", n);
  std::_Exit(0);
}
