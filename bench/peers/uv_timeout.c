/* libuv's `timeout`: a timer started and stopped around a call that does not wait. `--others` more
 * timers are running. libuv's clock is cached by the loop, so no clock is read here either; with
 * `--exact 1` the loop's idea of the time is brought up to date before each start, as whoever wants
 * no timer to fire early does. */
#include <uv.h>

#include "bench.h"

static void on_timer(uv_timer_t* timer) {
  (void)timer;
}

__attribute__((noinline)) static void call(int64_t* calls) {
  ++*calls;
  __asm__ volatile("" ::: "memory");
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const int64_t n = bench_option(argc, argv, "--n", 10000000);
  const int exact = bench_option(argc, argv, "--exact", 0) != 0;
  const size_t others = (size_t)bench_option(argc, argv, "--others", 1);
  uv_loop_t loop;
  if (uv_loop_init(&loop) != 0) return 1;
  uv_timer_t* waiting = calloc(others + 1, sizeof *waiting);
  if (waiting == NULL) return 1;
  uint64_t seed = 1;
  for (size_t i = 0; i < others; ++i) {
    uv_timer_init(&loop, &waiting[i]);
    uv_timer_start(&waiting[i], on_timer, (uint64_t)(bench_long_sleep(&seed) / 1000000), 0);
  }
  uv_timer_t timer;
  uv_timer_init(&loop, &timer);
  int64_t calls = 0;
  const int64_t begin = bench_cpu_now();
  for (int64_t i = 0; i < n; ++i) {
    if (exact) uv_update_time(&loop);
    uv_timer_start(&timer, on_timer, 1000, 0);
    call(&calls);
    uv_timer_stop(&timer);
  }
  const int64_t spent = bench_cpu_now() - begin;
  bench_report("timeout", "libuv", (double)spent / (double)calls, "ns", calls);
  free(waiting);
  return 0;
}
