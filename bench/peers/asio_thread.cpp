// Asio's `thread_call` (a function on a thread_pool, whose end is posted back to the io_context)
// and `thread_wake` (another thread posts to the io_context).
#include <pthread.h>

#include "asio_net.hpp"

struct caller {
  net::io_context loop{1};
  net::thread_pool pool{1};
  std::int64_t left;

  void next() {
    if (left-- == 0) return loop.stop();
    net::post(pool, [this] { net::post(loop, [this] { next(); }); });
  }
  void run(std::int64_t n) {
    left = n;
    const auto guard = net::make_work_guard(loop);
    loop.restart();
    net::post(loop, [this] { next(); });
    loop.run();
  }
};

struct messages {
  net::io_context loop{1};
  std::int64_t arrived = 0;
  std::int64_t n = 0;

  static void* send(void* arg) {
    auto& self = *static_cast<messages*>(arg);
    for (std::int64_t i = 0; i < self.n; ++i) {
      net::post(self.loop, [&self] {
        if (++self.arrived == self.n) self.loop.stop();
      });
    }
    return nullptr;
  }
};

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  if (strcmp(bench_text_option(argc, argv, "--workload", "thread_call"), "thread_wake") == 0) {
    messages m;
    m.n = bench_option(argc, argv, "--n", 1000000);
    const auto guard = net::make_work_guard(m.loop);
    pthread_t sender;
    const std::int64_t begin = bench_wall_now();
    pthread_create(&sender, nullptr, messages::send, &m);
    m.loop.run();
    const std::int64_t taken = bench_wall_now() - begin;
    pthread_join(sender, nullptr);
    bench_report("thread_wake", "asio", double(taken) / double(m.n) / 1000, "us", m.n);
    return 0;
  }
  caller c;
  const std::int64_t n = bench_option(argc, argv, "--n", 100000);
  c.run(1000);
  const std::int64_t begin = bench_wall_now();
  c.run(n);
  bench_report("thread_call", "asio", double(bench_wall_now() - begin) / double(n) / 1000, "us", n);
}
