// Boost.Fiber's `channel` (two of its unbuffered channels) and `channel_128` (a buffered one, whose
// capacity has to be a power of two and is one less than it says).
#include <boost/fiber/all.hpp>

#include "bench.h"

namespace {

using value = std::int64_t;

std::int64_t round_trips(std::int64_t n, std::int64_t& sum) {
  boost::fibers::unbuffered_channel<value> there;
  boost::fibers::unbuffered_channel<value> back;
  boost::fibers::fiber ping(boost::fibers::launch::post, [&] {
    for (value i = 0; i < n; ++i) {
      there.push(i);
      sum += back.value_pop();
    }
  });
  boost::fibers::fiber pong(boost::fibers::launch::post, [&] {
    for (value i = 0; i < n; ++i) back.push(there.value_pop());
  });
  const std::int64_t begin = bench_cpu_now();
  ping.join();
  pong.join();
  return bench_cpu_now() - begin;
}

std::int64_t one_way(std::int64_t n, std::int64_t& sum) {
  boost::fibers::buffered_channel<value> through(128);
  boost::fibers::fiber producer(boost::fibers::launch::post, [&] {
    for (value i = 0; i < n; ++i) through.push(i);
  });
  boost::fibers::fiber consumer(boost::fibers::launch::post, [&] {
    for (value i = 0; i < n; ++i) sum += through.value_pop();
  });
  const std::int64_t begin = bench_cpu_now();
  producer.join();
  consumer.join();
  return bench_cpu_now() - begin;
}

}  // namespace

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const char* workload = bench_text_option(argc, argv, "--workload", "channel");
  const bool buffered = strcmp(workload, "channel_128") == 0;
  const std::int64_t n = bench_option(argc, argv, "--n", buffered ? 5'000'000 : 1'000'000);
  std::int64_t sum = 0;
  const std::int64_t spent = buffered ? one_way(n, sum) : round_trips(n, sum);
  if (sum != n * (n - 1) / 2) return 1;
  bench_report(workload, "boost.fiber", double(spent) / double(n), "ns", n);
}
