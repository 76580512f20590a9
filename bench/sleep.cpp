// `sleepers`: 100,000 tasks, each sleeping up to a second: CPU from the first start to the last
// end. `lateness`: one task sleeping a millisecond again and again: how late it wakes, the median.
#include <algorithm>
#include <vector>

#include "ours.hpp"

static std::uint64_t seed = 1;

static int sleeper(void*) {
  return structio_sleep(bench_short_sleep(&seed));
}

static int sleepers(const ours::arguments& given) {
  const std::int64_t n = given.number("--n", 100'000);
  structio_nursery nursery;
  const std::int64_t begin = bench_cpu_now();
  ours::must(structio_nursery_open(&nursery), "open");
  for (std::int64_t i = 0; i < n; ++i) {
    ours::must(structio_nursery_start_soon(&nursery, sleeper, nullptr), "start");
  }
  ours::must(structio_nursery_close(&nursery, 0, nullptr), "close");
  const std::int64_t spent = bench_cpu_now() - begin;
  bench_report("sleepers", given.text("--peer", "structio"), double(spent) / double(n) / 1000,
               "us CPU", n);
  return 0;
}

static int lateness(const ours::arguments& given) {
  const std::int64_t n = given.number("--n", 1000);
  std::vector<std::int64_t> late;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t deadline = bench_wall_now() + STRUCTIO_MILLISECONDS(1);
    ours::must(structio_sleep(STRUCTIO_MILLISECONDS(1)), "sleep");
    late.push_back(bench_wall_now() - deadline);
  }
  std::sort(late.begin(), late.end());
  if (late.front() < 0) ours::must(STRUCTIO_EINTERNAL, "a sleep ended early");
  bench_report("lateness", given.text("--peer", "structio"), double(late[late.size() / 2]) / 1000,
               "us", n);
  return 0;
}

static int program(const ours::arguments& given) {
  const bool late = strcmp(given.text("--workload", "sleepers"), "lateness") == 0;
  return late ? lateness(given) : sleepers(given);
}

int main(int argc, char** argv) {
  return ours::run(argc, argv, program);
}
