// Asio's `lateness`: a steady_timer of a millisecond, again and again, by callbacks. It waits on a
// timerfd, which has no slack: the peer to beat.
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

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  ticker t;
  t.wanted = std::size_t(bench_option(argc, argv, "--n", 1000));
  t.next();
  t.loop.run();
  std::sort(t.late.begin(), t.late.end());
  bench_report("lateness", "asio", double(t.late[t.late.size() / 2]) / 1000, "us",
               std::int64_t(t.wanted));
}
