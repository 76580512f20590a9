// `timeout`: a deadline of a second armed and disarmed around a call that does not wait, by
// structio_fail_after; with `--scope 1` by hand, with a scope of its own. `--others` more tasks
// sleep.
#include "ours.hpp"

static std::int64_t calls = 0;

[[gnu::noinline]] static int call(void*) {
  ++calls;
  asm volatile("" ::: "memory");
  return 0;
}

static int sleeper(void*) {
  static std::uint64_t seed = 1;
  return structio_sleep(bench_long_sleep(&seed));
}

static void by_scope() {
  structio_scope scope;
  structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
  options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
  options.deadline = STRUCTIO_SECONDS(1);
  ours::must(structio_scope_init(&scope, &options), "init");
  ours::must(structio_scope_enter(&scope), "enter");
  const int status = call(nullptr);
  ours::must(structio_scope_leave(&scope, status, nullptr), "leave");
}

static int program(const ours::arguments& given) {
  const std::int64_t n = given.number("--n", 10'000'000);
  const bool scope = given.number("--scope", 0) != 0;
  structio_nursery nursery;
  ours::must(structio_nursery_open(&nursery), "open");
  for (std::int64_t i = given.number("--others", 1); i > 0; --i) {
    ours::must(structio_nursery_start_soon(&nursery, sleeper, nullptr), "start");
  }
  ours::must(structio_checkpoint(), "checkpoint");
  const std::int64_t begin = bench_cpu_now();
  for (std::int64_t i = 0; i < n; ++i) {
    if (scope) {
      by_scope();
    } else {
      ours::must(structio_fail_after(STRUCTIO_SECONDS(1), call, nullptr), "fail_after");
    }
  }
  const std::int64_t spent = bench_cpu_now() - begin;
  bench_report("timeout", given.text("--peer", "structio"), double(spent) / double(calls), "ns",
               calls);
  ours::must(structio_scope_cancel(structio_nursery_scope(&nursery), nullptr), "cancel");
  ours::must(structio_nursery_close(&nursery, 0, nullptr), "close");
  return 0;
}

int main(int argc, char** argv) {
  return ours::run(argc, argv, program);
}
