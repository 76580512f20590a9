// Limits of `sleepers` (100,000 sleeps of up to a second: the heap alone, a clock read for each,
// one epoll_wait a batch, no tasks) and `lateness` (a sleep of a millisecond by epoll_pwait2, with
// the thread's timer slack at its least).
#include <sys/epoll.h>
#include <sys/prctl.h>

#include <algorithm>

#include "bench.h"
#include "limit_heap.hpp"

static void wait_until(int poller, std::int64_t deadline) {
  const std::int64_t left = std::max<std::int64_t>(0, deadline - bench_wall_now());
  const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
  epoll_event event;
  epoll_pwait2(poller, &event, 1, &timeout, nullptr);
}

static void sleepers(int poller, std::int64_t n) {
  limit::deadline_heap heap{std::size_t(n)};
  std::vector<limit::task> tasks{std::size_t(n)};
  std::uint64_t seed = 1;
  const std::int64_t begin = bench_cpu_now();
  for (limit::task& t : tasks) {
    t.deadline = bench_wall_now() + bench_short_sleep(&seed);
    heap.insert(&t);
  }
  while (heap.size() > 0) {
    // Rounded up to a millisecond, as a server would, so that sleeps end in batches.
    wait_until(poller, (heap.top()->deadline + 999'999) / 1'000'000 * 1'000'000);
    const std::int64_t now = bench_wall_now();
    while (heap.size() > 0 && heap.top()->deadline <= now) heap.remove(heap.top());
  }
  bench_report("sleepers", "limit", double(bench_cpu_now() - begin) / double(n) / 1000, "us CPU",
               n);
}

static void lateness(int poller, std::int64_t n) {
  prctl(PR_SET_TIMERSLACK, 1);
  std::vector<std::int64_t> late;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t deadline = bench_wall_now() + 1'000'000;
    wait_until(poller, deadline);
    late.push_back(bench_wall_now() - deadline);
  }
  std::sort(late.begin(), late.end());
  bench_report("lateness", "limit", double(late[late.size() / 2]) / 1000, "us", n);
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  if (strcmp(bench_text_option(argc, argv, "--workload", "sleepers"), "lateness") == 0) {
    lateness(poller, bench_option(argc, argv, "--n", 1000));
  } else {
    sleepers(poller, bench_option(argc, argv, "--n", 100'000));
  }
}
