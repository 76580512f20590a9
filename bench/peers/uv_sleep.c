/* libuv's `sleepers` (100,000 bare timers of up to a second) and `lateness` (a timer of a
 * millisecond, again and again). */
#include <uv.h>

#include "bench.h"

static int64_t deadline;
static int64_t* late;
static int64_t measured;
static int64_t wanted;

static void on_end(uv_timer_t* timer) {
  (void)timer;
}

static void on_tick(uv_timer_t* timer) {
  late[measured++] = bench_wall_now() - deadline;
  if (measured == wanted) return;
  uv_update_time(timer->loop);
  deadline = bench_wall_now() + 1000000;
  uv_timer_start(timer, on_tick, 1, 0);
}

static int by_size(const void* a, const void* b) {
  const int64_t left = *(const int64_t*)a;
  const int64_t right = *(const int64_t*)b;
  return (left > right) - (left < right);
}

static void lateness(uv_loop_t* loop, int64_t n) {
  wanted = n;
  late = calloc((size_t)n, sizeof *late);
  if (late == NULL) abort();
  uv_timer_t timer;
  uv_timer_init(loop, &timer);
  uv_update_time(loop);
  deadline = bench_wall_now() + 1000000;
  uv_timer_start(&timer, on_tick, 1, 0);
  uv_run(loop, UV_RUN_DEFAULT);
  qsort(late, (size_t)n, sizeof *late, by_size);
  bench_report("lateness", "libuv", (double)late[n / 2] / 1000, "us", n);
}

static void sleepers(uv_loop_t* loop, int64_t n) {
  uint64_t seed = 1;
  uv_timer_t* timers = calloc((size_t)n, sizeof *timers);
  if (timers == NULL) abort();
  const int64_t begin = bench_cpu_now();
  for (int64_t i = 0; i < n; ++i) {
    uv_timer_init(loop, &timers[i]);
    uv_timer_start(&timers[i], on_end, (uint64_t)(bench_short_sleep(&seed) / 1000000), 0);
  }
  uv_run(loop, UV_RUN_DEFAULT);
  bench_report("sleepers", "libuv", (double)(bench_cpu_now() - begin) / (double)n / 1000, "us CPU",
               n);
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  uv_loop_t loop;
  if (uv_loop_init(&loop) != 0) return 1;
  if (strcmp(bench_text_option(argc, argv, "--workload", "sleepers"), "lateness") == 0) {
    lateness(&loop, bench_option(argc, argv, "--n", 1000));
  } else {
    sleepers(&loop, bench_option(argc, argv, "--n", 100000));
  }
  return 0;
}
