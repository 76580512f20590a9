// Boost.Fiber's `memory_*` and `cold_task`: fibers parked on a condition variable, default stacks
// (no guard), pooled with `--pooled 1`.
#include <boost/fiber/all.hpp>
#include <boost/fiber/pooled_fixedsize_stack.hpp>
#include <memory>

#include "bench.h"

static std::int64_t parked = 0;
static boost::fibers::mutex* gate = nullptr;
static boost::fibers::condition_variable* never = nullptr;

static void parks() {
  std::unique_lock<boost::fibers::mutex> lock(*gate);
  ++parked;
  never->wait(lock);
}

template <class Stacks>
static void measure(Stacks stacks, std::int64_t n, const char* workload) {
  const std::int64_t before = bench_resident();
  const std::int64_t begin = bench_cpu_now();
  for (std::int64_t i = 0; i < n; ++i) {
    boost::fibers::fiber(boost::fibers::launch::post, std::allocator_arg, stacks, parks).detach();
  }
  while (parked < n) boost::this_fiber::yield();
  const std::int64_t spent = bench_cpu_now() - begin;
  const std::int64_t after = bench_resident();
  if (strcmp(workload, "cold_task") != 0) {
    bench_report(workload, "boost.fiber", double(after - before) / double(n), "bytes", n);
  }
  bench_report("cold_task", "boost.fiber", double(spent) / double(n), "ns", n);
  std::_Exit(0);
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const char* workload = bench_text_option(argc, argv, "--workload", "memory_10k");
  const std::int64_t n = bench_option(argc, argv, "--n", 10'000);
  boost::fibers::mutex mutex;
  boost::fibers::condition_variable condition;
  gate = &mutex;
  never = &condition;
  if (bench_option(argc, argv, "--pooled", 0) != 0) {
    measure(boost::fibers::pooled_fixedsize_stack(), n, workload);
  } else {
    measure(boost::fibers::default_stack(), n, workload);
  }
}
