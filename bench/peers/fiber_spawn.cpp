// Boost.Fiber's `spawn` and `batch_spawn`, with its pooled stacks: the way an expert would.
#include <boost/fiber/all.hpp>
#include <boost/fiber/pooled_fixedsize_stack.hpp>
#include <memory>
#include <vector>

#include "bench.h"

using boost::fibers::fiber;
using boost::fibers::launch;

static std::int64_t ran = 0;

static void batch(std::vector<fiber>& tasks, boost::fibers::pooled_fixedsize_stack& stacks,
                  std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) {
    tasks.emplace_back(launch::post, std::allocator_arg, stacks, [] {
      boost::this_fiber::yield();
      ++ran;
    });
  }
  for (fiber& t : tasks) t.join();
  tasks.clear();
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const char* workload = bench_text_option(argc, argv, "--workload", "spawn");
  const std::int64_t n = bench_option(argc, argv, "--n", 500'000);
  const std::int64_t size = bench_option(argc, argv, "--batch", 10'000);
  boost::fibers::pooled_fixedsize_stack stacks;
  std::vector<fiber> tasks;
  tasks.reserve(std::size_t(size));

  const bool batches = strcmp(workload, "batch_spawn") == 0;
  if (batches) batch(tasks, stacks, size);
  const std::int64_t begin = bench_cpu_now();
  ran = 0;
  if (batches) {
    while (ran < n) batch(tasks, stacks, size);
  } else {
    while (ran < n) fiber(launch::post, std::allocator_arg, stacks, [] { ++ran; }).join();
  }
  const std::int64_t spent = bench_cpu_now() - begin;
  bench_report(workload, "boost.fiber", double(spent) / double(ran), "ns", ran);
}
