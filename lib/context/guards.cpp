// Choosing and counting guards; the one log line when the limit of the system is met.
#include "context/guards.hpp"

#include <atomic>

#include "base/log.hpp"
#include "context/stack_memory.hpp"

namespace structio::ctx {
namespace {

/// The limit on mappings belongs to the process, so the count must as well.
std::atomic<std::size_t> process_by_mprotect{0};

/// A guard in the middle of a slab costs two mappings. A quarter is left to the rest of the
/// program.
std::size_t budget_of_the_process() noexcept {
  const std::size_t limit = memory::mapping_limit();
  return limit == 0 ? SIZE_MAX : limit / 8 * 3;
}

}  // namespace

guard_keeper::guard_keeper(bool allow_madvise, std::size_t budget) noexcept
    : page_size_(memory::page_size()),
      own_budget_(budget),
      first_choice_(allow_madvise ? guard_kind::madvise : guard_kind::mprotect) {}

guard_kind guard_keeper::install(void* page, guard_kind& preferred) noexcept {
  if (preferred == guard_kind::madvise) {
    if (memory::guard_by_madvise(page, page_size_)) {
      ++by_madvise_;
      return guard_kind::madvise;
    }
    preferred = guard_kind::mprotect;
  }
  if (exhausted_) return guard_kind::none;
  if (within_budget() && memory::guard_by_mprotect(page, page_size_)) {
    ++by_mprotect_;
    process_by_mprotect.fetch_add(1, std::memory_order_relaxed);
    return guard_kind::mprotect;
  }
  exhausted_ = true;
  say_limit_is_met();
  return guard_kind::none;
}

void guard_keeper::removed(std::size_t by_madvise, std::size_t by_mprotect) noexcept {
  by_madvise_ -= by_madvise;
  by_mprotect_ -= by_mprotect;
  process_by_mprotect.fetch_sub(by_mprotect, std::memory_order_relaxed);
  if (by_mprotect != 0) exhausted_ = false;
}

bool guard_keeper::within_budget() noexcept {
  if (own_budget_ != 0) return by_mprotect_ < own_budget_;
  if (shared_budget_ == 0) shared_budget_ = budget_of_the_process();
  return process_by_mprotect.load(std::memory_order_relaxed) < shared_budget_;
}

void guard_keeper::say_limit_is_met() noexcept {
  if (said_) return;
  said_ = true;
  base::log(
      base::log_level::warn,
      "%zu task stacks are guarded by mprotect, and the limit of %zu is met (vm.max_map_count "
      "is %zu): further stacks have no guard page. Remedy: raise it with `sysctl -w "
      "vm.max_map_count=...`, run on Linux 6.13 or later, or keep fewer tasks alive.",
      by_mprotect_, own_budget_ != 0 ? own_budget_ : shared_budget_, memory::mapping_limit());
}

}  // namespace structio::ctx
