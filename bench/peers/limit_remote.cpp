// The least that a call between two event loops takes: each waits in epoll for its eventfd, which
// the other one writes to. There and back, a thread each; options as of bench_remote.
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "bench.h"

namespace {

struct loop {
  int poller = epoll_create1(EPOLL_CLOEXEC);
  int door = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

  loop() {
    epoll_event e{};
    e.events = EPOLLIN;
    epoll_ctl(poller, EPOLL_CTL_ADD, door, &e);
  }

  void wait() const {
    epoll_event e{};
    while (epoll_wait(poller, &e, 1, -1) != 1) {
    }
    std::uint64_t count = 0;
    if (read(door, &count, sizeof count) != sizeof count) std::_Exit(1);
  }

  void wake() const {
    const std::uint64_t one = 1;
    if (write(door, &one, sizeof one) != sizeof one) std::_Exit(1);
  }
};

struct both {
  loop here, there;
  std::int64_t n = 0;
  std::int64_t other_cpu = -1;
};

void* answer(void* arg) {
  const auto& b = *static_cast<both*>(arg);
  bench_pin_to(b.other_cpu);
  for (std::int64_t i = 0; i < b.n; ++i) {
    b.there.wait();
    b.here.wake();
  }
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  both b;
  b.n = bench_option(argc, argv, "--n", 20000);
  const std::int64_t cpu = bench_option(argc, argv, "--cpu", -1);
  if (cpu >= 0) b.other_cpu = cpu + bench_option(argc, argv, "--spread", 0);
  const std::int64_t spent = bench_cpu_now();
  const std::int64_t begin = bench_wall_now();
  pthread_t thread;
  pthread_create(&thread, nullptr, answer, &b);
  for (std::int64_t i = 0; i < b.n; ++i) {
    b.there.wake();
    b.here.wait();
  }
  const double wall = double(bench_wall_now() - begin);
  bench_report("portal_call", "limit", double(bench_cpu_now() - spent) / double(b.n) / 1000,
               "us CPU", b.n);
  bench_report("portal_call_wall", "limit", wall / double(b.n) / 1000, "us", b.n);
  pthread_join(thread, nullptr);
  return 0;
}
