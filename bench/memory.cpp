// `memory_*`: resident bytes of a task that waits; `cold_task`: making one on a stack that was
// never touched, with its guard, until it waits.
#include "ours.hpp"

static std::int64_t parked = 0;

static int parks(void*) {
  ++parked;
  return structio_sleep_forever();
}

static int program(const ours::arguments& given) {
  const char* workload = given.text("--workload", "memory_10k");
  const char* peer = given.text("--peer", "structio");
  const std::int64_t n = given.number("--n", 10'000);
  structio_nursery nursery;
  ours::must(structio_nursery_open(&nursery), "open");
  const std::int64_t before = bench_resident();
  const std::int64_t begin = bench_cpu_now();
  for (std::int64_t i = 0; i < n; ++i) {
    ours::must(structio_nursery_start_soon(&nursery, parks, nullptr), "start");
  }
  while (parked < n) ours::must(structio_checkpoint(), "checkpoint");
  const std::int64_t spent = bench_cpu_now() - begin;
  const std::int64_t after = bench_resident();
  if (strcmp(workload, "cold_task") != 0) {
    bench_report(workload, peer, double(after - before) / double(n), "bytes", n);
  }
  bench_report("cold_task", peer, double(spent) / double(n), "ns", n);
  std::_Exit(0);
}

int main(int argc, char** argv) {
  return ours::run(argc, argv, program);
}
