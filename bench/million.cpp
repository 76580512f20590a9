// As many tasks as are asked for in one nursery: started, all parked on a timer, cancelled, joined.
// What each of these phases costs a task, and what a parked task takes: resident bytes, page
// tables, mappings; and how many of the stacks have no guard. Each number of tasks is measured in a
// process of its own.
//
//     bench_million [--cpu N] [--n TASKS]      without --n: 1,000 10,000 100,000 1,000,000
#include <structio/debug.hpp>
#include <structio/structio.hpp>

#include <sys/resource.h>
#include <sys/wait.h>

#include <string>

#include "bench.h"

namespace {

constexpr std::int64_t enough_per_task = 8 * 1024;  // resident bytes and page tables, and some more

/// The number after `name` in a file of /proc whose lines are "name: number kB"; 0 without it.
std::int64_t read_kib(const char* path, const char* name) {
  FILE* file = std::fopen(path, "r");
  if (file == nullptr) return 0;
  char line[256];
  long long value = 0;
  const std::size_t length = std::strlen(name);
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, name, length) != 0 || line[length] != ':') continue;
    value = std::strtoll(line + length + 1, nullptr, 10);
    break;
  }
  std::fclose(file);
  return value;
}

std::int64_t count_mappings() {
  FILE* file = std::fopen("/proc/self/maps", "r");
  if (file == nullptr) return 0;
  std::int64_t lines = 0;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) lines += c == '\n';
  std::fclose(file);
  return lines;
}

struct footprint {
  std::int64_t resident = bench_resident();
  std::int64_t page_tables = read_kib("/proc/self/status", "VmPTE") * 1024;
  std::int64_t mappings = count_mappings();
};

/// Says what a phase took: of the clock altogether; of the processor for one task, and how much of
/// that was not in the kernel, which gives and takes the memory.
class phase {
 public:
  explicit phase(std::int64_t n) : n_(n) {}

  void end(const char* name) {
    const std::int64_t wall = bench_wall_now() - wall_;
    const std::int64_t cpu = bench_cpu_now() - cpu_;
    const std::int64_t user = user_time() - user_;
    const std::string workload = std::string("million_") + name;
    bench_report(workload.c_str(), "structio", double(wall) / 1e9, "s", n_);
    bench_report((workload + "_each").c_str(), "structio", double(cpu) / double(n_), "ns", n_);
    bench_report((workload + "_user").c_str(), "structio", double(user) / double(n_), "ns", n_);
    begin();
  }
  void begin() {
    wall_ = bench_wall_now();
    cpu_ = bench_cpu_now();
    user_ = user_time();
  }

 private:
  static std::int64_t user_time() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return std::int64_t{used.ru_utime.tv_sec} * 1'000'000'000 + used.ru_utime.tv_usec * 1000;
  }

  std::int64_t n_;
  std::int64_t wall_ = bench_wall_now();
  std::int64_t cpu_ = bench_cpu_now();
  std::int64_t user_ = user_time();
};

void report_footprint(const footprint& before, std::int64_t n) {
  const footprint after;
  const auto each = [n](std::int64_t more) { return double(more) / double(n); };
  bench_report("million_resident", "structio", each(after.resident - before.resident), "bytes", n);
  bench_report("million_page_tables", "structio", each(after.page_tables - before.page_tables),
               "bytes", n);
  bench_report("million_mappings", "structio", double(after.mappings - before.mappings), "mappings",
               n);
  const auto now = structio::debug::get_statistics();
  bench_report("million_stacks", "structio", double(now.stacks_in_use), "stacks", n);
  bench_report("million_unguarded", "structio", double(now.stacks_unguarded), "stacks", n);
}

void measure(std::int64_t n) {
  std::int64_t parked = 0;
  std::uint64_t seed = 1;
  const footprint before;
  phase timed(n);
  structio::open_nursery([&](structio::nursery& all) {
    for (std::int64_t i = 0; i < n; ++i) {
      all.start_soon([&] {
        ++parked;
        structio::sleep(std::chrono::nanoseconds(bench_long_sleep(&seed)));
      });
    }
    timed.end("spawn");
    while (parked < n) structio::checkpoint();
    timed.end("park");
    report_footprint(before, n);
    timed.begin();
    all.cancel_scope().cancel();
    timed.end("cancel");
  });
  timed.end("join");
  const footprint after;
  bench_report("million_kept", "structio", double(after.resident - before.resident) / double(n),
               "bytes", n);
}

int measure_in_child(std::int64_t n) {
  const std::int64_t free_bytes = read_kib("/proc/meminfo", "MemAvailable") * 1024;
  if (free_bytes < n * enough_per_task) {
    std::fprintf(stderr, "bench_million: %lld tasks would need more memory than is free\n",
                 static_cast<long long>(n));
    return 1;
  }
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    try {
      structio::run([n] { measure(n); });
    } catch (const std::exception& e) {
      std::fprintf(stderr, "bench_million: %s\n", e.what());
      std::_Exit(1);
    }
    std::fflush(stdout);
    std::_Exit(0);
  }
  int status = 1;
  if (child < 0 || waitpid(child, &status, 0) != child) return 1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  if (const std::int64_t n = bench_option(argc, argv, "--n", 0); n > 0) return measure_in_child(n);
  int worst = 0;
  for (const std::int64_t n : {1'000, 10'000, 100'000, 1'000'000}) worst |= measure_in_child(n);
  return worst;
}
