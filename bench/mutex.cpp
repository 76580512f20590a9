// `mutex`: 100 tasks lock one mutex, count, give way, unlock, and again. Each unlock hands the
// mutex over to the task that has waited longest.
#include <structio/structio_sync.h>

#include "ours.hpp"

struct shared_state {
  structio_mutex mutex;
  std::int64_t rounds = 0;
  std::int64_t counted = 0;
};

static int worker(void* arg) {
  auto* shared = static_cast<shared_state*>(arg);
  for (std::int64_t i = 0; i < shared->rounds; ++i) {
    int status = structio_mutex_lock(&shared->mutex);
    if (status < 0) return status;
    ++shared->counted;
    status = structio_checkpoint();
    structio_mutex_unlock(&shared->mutex);
    if (status < 0) return status;
  }
  return 0;
}

static int program(const ours::arguments& given) {
  const std::int64_t n = given.number("--n", 5'000'000);
  const std::int64_t tasks = given.number("--tasks", 100);
  shared_state shared;
  shared.rounds = n / tasks;
  ours::must(structio_mutex_init(&shared.mutex), "init");
  structio_nursery nursery;
  ours::must(structio_nursery_open(&nursery), "open");
  for (std::int64_t i = 0; i < tasks; ++i) {
    ours::must(structio_nursery_start_soon(&nursery, worker, &shared), "start");
  }
  const std::int64_t begin = bench_cpu_now();
  ours::must(structio_nursery_close(&nursery, 0, nullptr), "close");
  const std::int64_t spent = bench_cpu_now() - begin;
  bench_report("mutex", given.text("--peer", "structio"), double(spent) / double(shared.counted),
               "ns", shared.counted);
  return 0;
}

int main(int argc, char** argv) {
  return ours::run(argc, argv, program);
}
