// Boost.Fiber's `mutex`: 100 fibers lock one boost::fibers::mutex, count, yield, unlock.
#include <boost/fiber/all.hpp>
#include <mutex>
#include <vector>

#include "bench.h"

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const std::int64_t n = bench_option(argc, argv, "--n", 1'000'000);
  const std::int64_t tasks = bench_option(argc, argv, "--tasks", 100);
  boost::fibers::mutex mutex;
  std::int64_t counted = 0;
  std::vector<boost::fibers::fiber> all;
  for (std::int64_t task = 0; task < tasks; ++task) {
    all.emplace_back(boost::fibers::launch::post, [&] {
      for (std::int64_t i = 0; i < n / tasks; ++i) {
        const std::lock_guard<boost::fibers::mutex> lock(mutex);
        ++counted;
        boost::this_fiber::yield();
      }
    });
  }
  const std::int64_t begin = bench_cpu_now();
  for (boost::fibers::fiber& f : all) f.join();
  const std::int64_t spent = bench_cpu_now() - begin;
  bench_report("mutex", "boost.fiber", double(spent) / double(counted), "ns", counted);
}
