// Boost.Fiber's `switch`: two fibers that yield to each other under the default scheduler.
#include <boost/fiber/all.hpp>

#include "bench.h"

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const std::int64_t n = bench_option(argc, argv, "--n", 2'000'000);
  auto yielder = [n] {
    for (std::int64_t i = 0; i < n / 2; ++i) boost::this_fiber::yield();
  };
  boost::fibers::fiber a(boost::fibers::launch::post, yielder);
  boost::fibers::fiber b(boost::fibers::launch::post, yielder);
  const std::int64_t begin = bench_cpu_now();
  a.join();
  b.join();
  const std::int64_t spent = bench_cpu_now() - begin;
  bench_report("switch", "boost.fiber", double(spent) / double(n), "ns", n);
}
