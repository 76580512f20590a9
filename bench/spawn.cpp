// `spawn`: one trivial task at a time, in a nursery of its own, joined by the nursery's close.
// With `--handle 1` all live in one nursery and each is joined by its handle instead.
// `batch_spawn`: 10,000 tasks alive at once, each giving way once, all joined by one close. Stacks
// are warm in both.
#include "ours.hpp"

static std::int64_t ran = 0;

static int trivial(void*) {
  ++ran;
  return 0;
}

static int yields_once(void*) {
  const int status = structio_checkpoint();
  ++ran;
  return status;
}

static void batch(std::int64_t size, structio_task_fn fn) {
  structio_nursery nursery;
  ours::must(structio_nursery_open(&nursery), "open");
  for (std::int64_t i = 0; i < size; ++i) {
    ours::must(structio_nursery_start_soon(&nursery, fn, nullptr), "start");
  }
  ours::must(structio_nursery_close(&nursery, 0, nullptr), "close");
}

static void by_handle(std::int64_t n) {
  structio_nursery nursery;
  ours::must(structio_nursery_open(&nursery), "open");
  while (ran < n) {
    structio_task* task = nullptr;
    ours::must(structio_nursery_start_task(&nursery, nullptr, trivial, nullptr, &task), "start");
    ours::must(structio_task_join(task, nullptr), "join");
    ours::must(structio_task_free(task), "free");
  }
  ours::must(structio_nursery_close(&nursery, 0, nullptr), "close");
}

static int program(const ours::arguments& given) {
  const char* workload = given.text("--workload", "spawn");
  const bool batches = strcmp(workload, "batch_spawn") == 0;
  const std::int64_t n = given.number("--n", 1'000'000);
  const std::int64_t size = batches ? given.number("--batch", 10'000) : 1;
  const structio_task_fn fn = batches ? yields_once : trivial;
  batch(size, fn);
  const std::int64_t begin = bench_cpu_now();
  ran = 0;
  if (given.number("--handle", 0) != 0) by_handle(n);
  while (ran < n) batch(size, fn);
  const std::int64_t spent = bench_cpu_now() - begin;
  bench_report(workload, given.text("--peer", "structio"), double(spent) / double(ran), "ns", ran);
  return 0;
}

int main(int argc, char** argv) {
  return ours::run(argc, argv, program);
}
