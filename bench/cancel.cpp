// `cancel_all`: 100,000 tasks sleep, each until another moment; one cancel of their nursery's
// scope, and its close once all have ended.
#include "ours.hpp"

static std::int64_t asleep = 0;
static std::int64_t cancelled = 0;
static std::uint64_t seed = 1;

static int sleeper(void*) {
  ++asleep;
  const int status = structio_sleep(bench_long_sleep(&seed));
  if (status == STRUCTIO_ECANCELLED) ++cancelled;
  return status;
}

static int program(const ours::arguments& given) {
  const std::int64_t n = given.number("--n", 100'000);
  structio_nursery nursery;
  ours::must(structio_nursery_open(&nursery), "open");
  for (std::int64_t i = 0; i < n; ++i) {
    ours::must(structio_nursery_start_soon(&nursery, sleeper, nullptr), "start");
  }
  while (asleep < n) ours::must(structio_checkpoint(), "checkpoint");

  const std::int64_t begin = bench_cpu_now();
  ours::must(structio_scope_cancel(structio_nursery_scope(&nursery), nullptr), "cancel");
  ours::must(structio_nursery_close(&nursery, 0, nullptr), "close");
  const std::int64_t spent = bench_cpu_now() - begin;
  if (cancelled != n) ours::must(STRUCTIO_EINTERNAL, "not all were cancelled");
  bench_report("cancel_all", given.text("--peer", "structio"), double(spent) / double(n), "ns", n);
  return 0;
}

int main(int argc, char** argv) {
  return ours::run(argc, argv, program);
}
