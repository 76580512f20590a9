// `switch`: two tasks that yield to each other. Each yield is a full checkpoint: it looks for
// cancellation and always gives way.
#include "ours.hpp"

static int yielder(void* arg) {
  const std::int64_t n = *static_cast<std::int64_t*>(arg);
  for (std::int64_t i = 0; i < n; ++i) {
    const int status = structio_checkpoint();
    if (status < 0) return status;
  }
  return 0;
}

static int program(const ours::arguments& given) {
  const std::int64_t n = given.number("--n", 10'000'000);
  std::int64_t half = n / 2;
  structio_nursery nursery;
  ours::must(structio_nursery_open(&nursery), "open");
  ours::must(structio_nursery_start_soon(&nursery, yielder, &half), "start");
  ours::must(structio_nursery_start_soon(&nursery, yielder, &half), "start");
  const std::int64_t begin = bench_cpu_now();
  ours::must(structio_nursery_close(&nursery, 0, nullptr), "close");
  const std::int64_t spent = bench_cpu_now() - begin;
  bench_report("switch", given.text("--peer", "structio"), double(spent) / double(n), "ns", n);
  return 0;
}

int main(int argc, char** argv) {
  return ours::run(argc, argv, program);
}
