// Whether a soak's figures stayed what they were: the last third is compared with the second sixth,
// since in the first one everything is still being made.
#pragma once

#include <dirent.h>

#include <algorithm>
#include <vector>

#include "bench.h"

namespace soak_judge {

struct window {
  double at = 0;  // seconds since the beginning
  std::int64_t resident_kib = 0;
  std::int64_t anonymous_kib = 0;  // of these, what is no page of a file
  int descriptors = 0;
  double max = 0;    // lateness of a 1 ms timer, in microseconds
  double own50 = 0;  // percentiles of it, without the time that others had the processor
  double own99 = 0;
  double own999 = 0;
  double own_max = 0;
};

inline int open_descriptors() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return -1;
  int count = -3;  // ".", "..", and the one that reads
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

inline std::int64_t anonymous_kib() {
  FILE* file = std::fopen("/proc/self/status", "r");
  if (file == nullptr) return 0;
  char line[256];
  long long value = 0;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::sscanf(line, "RssAnon: %lld", &value) == 1) break;
  }
  std::fclose(file);
  return value;
}

/// Says of each open descriptor what it is.
inline void print_descriptors() {
  for (int number = 3; number < 1024; ++number) {
    char name[32];
    char target[256];
    std::snprintf(name, sizeof name, "/proc/self/fd/%d", number);
    const ssize_t length = readlink(name, target, sizeof target);
    if (length < 0) continue;
    std::printf("{\"left\": \"%d %.*s\"}\n", number, static_cast<int>(length), target);
  }
}

template <class Read>
double median(const std::vector<window>& windows, std::size_t from, std::size_t to, Read read) {
  std::vector<double> values;
  for (std::size_t i = from; i < to; ++i) values.push_back(double(read(windows[i])));
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

/// Units a minute by which a figure grows after the first sixth: the slope of the straight line
/// with the least squares.
template <class Read>
double slope(const std::vector<window>& windows, Read read) {
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (std::size_t i = windows.size() / 6; i < windows.size(); ++i) {
    const double at = windows[i].at / 60;
    const auto value = double(read(windows[i]));
    ++n, x += at, y += value, xx += at * at, xy += at * value;
  }
  const double spread = n * xx - x * x;
  return spread > 0 ? (n * xy - x * y) / spread : 0;
}

/// Whether a figure stayed what it was; `factor` and `more` say what is still the same.
template <class Read>
bool steady(const std::vector<window>& windows, const char* name, double factor, double more,
            Read read) {
  const std::size_t n = windows.size();
  const double early = median(windows, n / 6, n / 3, read);
  const double late = median(windows, n - n / 3, n, read);
  const bool good = late <= early * factor + more;
  std::printf(
      "{\"judged\": \"%s\", \"early\": %.6g, \"late\": %.6g, \"per_minute\": %.4g, \"steady\": %s}"
      "\n",
      name, early, late, slope(windows, read), good ? "true" : "false");
  return good;
}

// The pipe by which libuv tells its loops of signals is the process's, and outlives every run.
constexpr int descriptors_of_process = 2;

/// How many there are more than `before`. The start of a child that was given up when the run ended
/// is still being made in a thread, with the files that it opened for the child: that takes a
/// while.
inline int descriptors_left(int before) {
  int left = open_descriptors() - before;
  for (int i = 0; i < 500 && left > descriptors_of_process; ++i) {
    usleep(10'000);
    left = open_descriptors() - before;
  }
  return left;
}

inline bool judge(const std::vector<window>& windows, int left) {
  bool good = windows.size() >= 6;
  // Of the program's own file the system takes pages away and reads them again, as it likes.
  good &= steady(windows, "rss_kib", 1.02, 4096, [](const window& w) { return w.resident_kib; });
  good &= steady(windows, "anon_kib", 1.02, 1024, [](const window& w) { return w.anonymous_kib; });
  good &= steady(windows, "descriptors", 1, 16, [](const window& w) { return w.descriptors; });
  // Only the lateness of its own: what others do with the machine is not the soak's fault.
  good &= steady(windows, "own_p50_us", 1.5, 1000, [](const window& w) { return w.own50; });
  good &= steady(windows, "own_p99_us", 1.5, 2000, [](const window& w) { return w.own99; });
  good &= steady(windows, "own_p99.9_us", 2, 2000, [](const window& w) { return w.own999; });
  good &= left <= descriptors_of_process;
  if (left > descriptors_of_process) print_descriptors();
  double worst = 0;
  double own_worst = 0;
  for (const auto& w : windows) worst = std::max(worst, w.max);
  for (const auto& w : windows) own_worst = std::max(own_worst, w.own_max);
  std::printf(
      "{\"worst_late_us\": %.0f, \"own_worst_late_us\": %.0f, \"descriptors_left\": %d, \"good\": "
      "%s}\n",
      worst, own_worst, left, good ? "true" : "false");
  return good;
}

}  // namespace soak_judge
