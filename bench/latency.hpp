// How late a timer of a millisecond is, counted in a histogram of fixed size: a bucket is an eighth
// of a power of two, so that a percentile is at most an eighth too high.
#pragma once

#include <structio/structio.hpp>

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

/// Sleeps a millisecond again and again, until cancelled, and counts by how much it was longer.
inline void watch_timer(histogram& late) {
  using namespace std::chrono_literals;
  for (;;) {
    const std::int64_t begin = bench_wall_now();
    structio::sleep(1ms);
    late.add(bench_wall_now() - begin - STRUCTIO_MILLISECONDS(1));
  }
}

}  // namespace latency
