// Asio's `lateness`: a steady_timer of a millisecond, again and again, by callbacks. It waits on a
// timerfd, which has no slack: the peer to beat. `timeout`: a timer armed and cancelled around a
// call that does not wait; the handler learns of it.
#include <algorithm>
#include <chrono>
#include <vector>

#include "asio_net.hpp"

struct ticker {
  net::io_context loop{1};
  net::steady_timer timer{loop};
  std::vector<std::int64_t> late;
  std::size_t wanted;
  std::int64_t deadline = 0;

  void next() {
    if (late.size() == wanted) return;
    deadline = bench_wall_now() + 1'000'000;
    timer.expires_after(std::chrono::milliseconds(1));
    timer.async_wait([this](error_code) {
      late.push_back(bench_wall_now() - deadline);
      next();
    });
  }
};

[[gnu::noinline]] static void call(std::int64_t& calls) {
  ++calls;
  asm volatile("" ::: "memory");
}

static void timeouts(std::int64_t n) {
  net::io_context loop(ASIO_CONCURRENCY_HINT_UNSAFE);  // one thread: no locks
  net::steady_timer other(loop, std::chrono::hours(1));
  other.async_wait([](error_code) {});
  net::steady_timer timer(loop);
  std::int64_t calls = 0;
  std::int64_t cancelled = 0;
  const std::int64_t begin = bench_cpu_now();
  for (std::int64_t i = 0; i < n; ++i) {
    timer.expires_after(std::chrono::seconds(1));
    timer.async_wait([&cancelled](error_code e) { cancelled += e ? 1 : 0; });
    call(calls);
    timer.cancel();
    loop.poll_one();
  }
  const std::int64_t spent = bench_cpu_now() - begin;
  if (cancelled != n) std::_Exit(1);
  bench_report("timeout", "asio", double(spent) / double(n), "ns", n);
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  if (strcmp(bench_text_option(argc, argv, "--workload", "lateness"), "timeout") == 0) {
    timeouts(bench_option(argc, argv, "--n", 1'000'000));
    return 0;
  }
  ticker t;
  t.wanted = std::size_t(bench_option(argc, argv, "--n", 1000));
  t.next();
  t.loop.run();
  std::sort(t.late.begin(), t.late.end());
  bench_report("lateness", "asio", double(t.late[t.late.size() / 2]) / 1000, "us",
               std::int64_t(t.wanted));
}
