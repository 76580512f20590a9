// What the demo needs that has nothing to do with structio: narrating, counting, checking. Included
// by demo.cpp alone.
// Always true: what the demo claims goes through promise(), and one that does not hold makes the
// program fail.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace story {

inline int broken_promises = 0;
inline const auto beginning = std::chrono::steady_clock::now();

template <class Duration>
double seconds(Duration time) {
  return std::chrono::duration<double>(time).count();
}

/// A line of the story, with the time at which it happens.
template <class... Args>
void tell(const char* format, Args... args) {
  std::printf("\n%6.2f s  ", seconds(std::chrono::steady_clock::now() - beginning));
  std::printf(format, args...);
  std::printf("\n");
}
inline void tell(const char* text) {
  tell("%s", text);
}

/// A further line on the same event.
template <class... Args>
void more(const char* format, Args... args) {
  std::printf("          ");
  std::printf(format, args...);
  std::printf("\n");
}
inline void more(const char* text) {
  more("%s", text);
}

/// Text of several lines, set off.
inline void show(const std::string& text) {
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    std::printf("            %.*s\n", static_cast<int>(end - from), text.c_str() + from);
    from = end + 1;
  }
}

inline void promise(bool holds, const char* what) {
  if (holds) return;
  ++broken_promises;
  more("THIS DOES NOT HOLD: %s.", what);
}

/// 1234567 as "1,234,567".
inline std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

/// How long each answer took.
class answer_times {
 public:
  answer_times() { nanoseconds_.reserve(std::size_t{1} << 20); }

  template <class Duration>
  void add(Duration time) {
    nanoseconds_.push_back(static_cast<std::uint32_t>(
        std::min<std::int64_t>(std::chrono::nanoseconds(time).count(), UINT32_MAX)));
  }

  std::size_t count() const { return nanoseconds_.size(); }

  /// In milliseconds.
  double percentile(std::size_t percent) {
    if (nanoseconds_.empty()) return 0;
    const std::size_t rank = (nanoseconds_.size() - 1) * percent / 100;
    const auto at = nanoseconds_.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(nanoseconds_.begin(), at, nanoseconds_.end());
    return *at / 1e6;
  }

 private:
  std::vector<std::uint32_t> nanoseconds_;
};

/// How many descriptors the process has open, as far as `limit`.
inline int open_descriptors(int limit) {
  int count = 0;
  for (int fd = 0; fd < limit; ++fd) count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

/// Asks the system for `wanted` descriptors and returns how many it allows.
inline std::size_t allow_descriptors(std::size_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  return static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, wanted));
}

}  // namespace story
