// How late a timer of a millisecond is, counted in a histogram of fixed size: a bucket is an eighth
// of a power of two, so that a percentile is at most an eighth too high.
#pragma once

#include <structio/structio.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>

#include "bench.h"

namespace latency {

class histogram {
 public:
  void add(std::int64_t nanoseconds) {
    const std::uint64_t value = nanoseconds < 0 ? 0 : static_cast<std::uint64_t>(nanoseconds);
    ++counts_[bucket(value)];
    ++total_;
    if (value > max_) max_ = value;
  }

  std::int64_t count() const { return total_; }
  double max_us() const { return double(max_) / 1000; }

  /// The upper edge of the bucket in which the given share of all values has been reached.
  double percentile_us(double percent) const {
    const double wanted = double(total_) * percent / 100;
    std::int64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > 0 && double(seen) >= wanted) return double(std::min(edge(i), max_)) / 1000;
    }
    return max_us();
  }

 private:
  static std::size_t bucket(std::uint64_t value) {
    if (value < 8) return static_cast<std::size_t>(value);
    const auto power = static_cast<std::size_t>(std::bit_width(value)) - 4;
    return power * 8 + static_cast<std::size_t>(value >> power);
  }
  static std::uint64_t edge(std::size_t index) {
    if (index < 16) return index;
    const std::size_t power = index / 8 - 1;
    return ((index % 8 + 9) << power) - 1;
  }

  std::array<std::int64_t, 64 * 8> counts_{};
  std::int64_t total_ = 0;
  std::uint64_t max_ = 0;
};

/// How late a timer was, and how late without the time in which its thread was ready and the kernel
/// let others have the processor: what is left then is what the run and its tasks did.
struct lateness {
  histogram all;
  histogram own;
};

/// Nanoseconds for which the thread that made it has waited for a processor, as the kernel counts
/// them; 0 where it does not.
class waited_for_processor {
 public:
  waited_for_processor() : file_(open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}
  waited_for_processor(const waited_for_processor&) = delete;
  waited_for_processor& operator=(const waited_for_processor&) = delete;
  ~waited_for_processor() {
    if (file_ >= 0) close(file_);
  }

  std::int64_t nanoseconds() const {
    char text[96];
    const ssize_t got = file_ < 0 ? 0 : pread(file_, text, sizeof text - 1, 0);
    if (got <= 0) return 0;
    text[got] = '\0';
    char* second = nullptr;
    std::strtoll(text, &second, 10);
    return std::strtoll(second, nullptr, 10);
  }

 private:
  int file_;
};

/// Sleeps a millisecond again and again, until cancelled, and counts by how much it was longer.
inline void watch_timer(lateness& late) {
  using namespace std::chrono_literals;
  const waited_for_processor waited;
  for (;;) {
    const std::int64_t others = waited.nanoseconds();
    const std::int64_t begin = bench_wall_now();
    structio::sleep(1ms);
    const std::int64_t by = bench_wall_now() - begin - STRUCTIO_MILLISECONDS(1);
    late.all.add(by);
    late.own.add(by - (waited.nanoseconds() - others));
  }
}

}  // namespace latency
