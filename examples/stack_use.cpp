// How much of its stack does a task use? Asks the kernel which pages of it have memory behind them.
//
//     stack_use           measures three functions
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <regex>
#include <structio/structio.hpp>
#include <vector>

namespace {

// How far down the calling task's stack has ever been used, in bytes from its top: by this task, or
// by an earlier one that had the same stack. In whole pages.
std::size_t stack_used() {
  void* low = nullptr;
  void* high = nullptr;
  structio_task_stack(&low, &high);
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto top = (reinterpret_cast<std::uintptr_t>(high) + page - 1) / page * page;
  const auto bottom = reinterpret_cast<std::uintptr_t>(low) / page * page;
  std::vector<unsigned char> resident((top - bottom) / page);
  if (mincore(reinterpret_cast<void*>(bottom), top - bottom, resident.data()) != 0) return 0;
  std::size_t untouched = 0;
  while (untouched < resident.size() && (resident[untouched] & 1) == 0) ++untouched;
  return (resident.size() - untouched) * page;
}

// A stack is used again by later tasks, so the measurement has a run of its own, with fresh ones.
template <class Fn>
std::size_t stack_use_of(Fn fn) {
  return structio::run({.stack_size = 8 << 20}, [&] {
    fn();
    return stack_used();
  });
}

int depth(int n) {
  volatile char frame[1000] = {};
  return n == 0 ? frame[0] : depth(n - 1) + frame[n];
}

}  // namespace

int main() {
  const auto nothing = stack_use_of([] {});
  const auto regex =
      stack_use_of([] { std::regex_match(std::string(1000, 'a'), std::regex("(a|b)*")); });
  const auto deep = stack_use_of([] { depth(500); });
  std::printf("nothing: %zu KiB, regex: %zu KiB, 500 calls with a kilobyte each: %zu KiB\n",
              nothing >> 10, regex >> 10, deep >> 10);
  // The default of 256 KiB would have been too little for the last two.
  return nothing < 256 << 10 && deep >= 500'000 ? EXIT_SUCCESS : EXIT_FAILURE;
}
