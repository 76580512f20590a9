// Boost.Fiber's `sleepers` (100,000 fibers with pooled stacks, each sleeping up to a second) and
// `lateness` (one fiber sleeping a millisecond).
#include <algorithm>
#include <boost/fiber/all.hpp>
#include <boost/fiber/pooled_fixedsize_stack.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "bench.h"

using boost::fibers::fiber;

static void sleepers(std::int64_t n) {
  boost::fibers::pooled_fixedsize_stack stacks;
  std::vector<fiber> tasks;
  tasks.reserve(std::size_t(n));
  std::uint64_t seed = 1;
  const std::int64_t begin = bench_cpu_now();
  for (std::int64_t i = 0; i < n; ++i) {
    tasks.emplace_back(boost::fibers::launch::post, std::allocator_arg, stacks, [&seed] {
      boost::this_fiber::sleep_for(std::chrono::nanoseconds(bench_short_sleep(&seed)));
    });
  }
  for (fiber& t : tasks) t.join();
  const std::int64_t spent = bench_cpu_now() - begin;
  bench_report("sleepers", "boost.fiber", double(spent) / double(n) / 1000, "us CPU", n);
}

static void lateness(std::int64_t n) {
  std::vector<std::int64_t> late;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t deadline = bench_wall_now() + 1'000'000;
    boost::this_fiber::sleep_for(std::chrono::milliseconds(1));
    late.push_back(bench_wall_now() - deadline);
  }
  std::sort(late.begin(), late.end());
  bench_report("lateness", "boost.fiber", double(late[late.size() / 2]) / 1000, "us", n);
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  if (strcmp(bench_text_option(argc, argv, "--workload", "sleepers"), "lateness") == 0) {
    lateness(bench_option(argc, argv, "--n", 1000));
  } else {
    sleepers(bench_option(argc, argv, "--n", 100'000));
  }
}
