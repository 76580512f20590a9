// Guards: every stack has one, of whichever kind the system allows; the limit is respected, said
// once, and a guard really stops whoever runs into it.
#include <sys/mman.h>

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "context/child.hpp"
#include "context/rig.hpp"
#include "context/stack_memory.hpp"
#include "support/catch.hpp"

using namespace structio::ctx;
namespace base = structio::base;

namespace {

std::vector<std::string> lines;

struct captured_log {
  captured_log() {
    lines.clear();
    base::set_log_sink([](std::uint32_t, const char* text, void*) { lines.emplace_back(text); },
                       nullptr);
  }
  ~captured_log() { base::set_log_sink(nullptr, nullptr); }
};

bool kernel_has_guard_install() {
  void* page = memory::reserve(memory::page_size());
  const bool has = memory::guard_by_madvise(page, memory::page_size());
  memory::unreserve(page, memory::page_size());
  return has;
}

std::vector<stack*> acquire_many(stack_pool& pool, std::size_t count) {
  std::vector<stack*> all(count);
  for (stack*& s : all) {
    if (pool.acquire(0, s) != 0) break;
  }
  return all;
}

void release_all(stack_pool& pool, const std::vector<stack*>& all) {
  for (stack* s : all) pool.release(*s);
}

/// Exit code 0 means that nothing stopped the write.
ending touch_guard(stack_pool_options options) {
  return in_child([options] {
    // The default action, not a sanitizer's or the test framework's report.
    std::signal(SIGSEGV, SIG_DFL);
    std::signal(SIGBUS, SIG_DFL);
    stack_pool pool(options);
    stack* s = nullptr;
    if (pool.acquire(0, s) != 0) return 3;
    *static_cast<volatile std::byte*>(s->base) = std::byte{1};
    *static_cast<volatile std::byte*>(s->base - 1) = std::byte{1};
    return 0;
  });
}

}  // namespace

TEST_CASE("a hundred thousand guarded stacks share a few mappings", "[guards]") {
  if (!kernel_has_guard_install()) {
    WARN("this kernel has no MADV_GUARD_INSTALL");
    return;
  }
  const std::size_t count = RUNNING_ON_VALGRIND ? 1000 : 100000;
  stack_pool pool({});
  std::vector<stack*> all;
  all.reserve(count);
  const int before = count_mappings();
  all = acquire_many(pool, count);
  const int after = count_mappings();
  REQUIRE(all.back() != nullptr);
  if (!sanitized) CHECK(after - before <= 8);  // TSan maps shadows of its own.
  CHECK(pool.statistics().guards_madvise == count);
  CHECK(pool.statistics().guards_mprotect == 0);
  CHECK(pool.statistics().unguarded == 0);
  release_all(pool, all);
}

TEST_CASE("without the cheap guards mprotect takes over, within its budget", "[guards]") {
  captured_log log;
  stack_pool_options options;
  options.allow_guard_install = false;
  options.mprotect_budget = 10;
  stack_pool pool(options);
  auto all = acquire_many(pool, 10);
  CHECK(pool.statistics().guards_mprotect == 10);
  CHECK(pool.statistics().unguarded == 0);
  CHECK(lines.empty());
  const auto more = acquire_many(pool, 20);
  CHECK(pool.statistics().guards_mprotect == 10);
  CHECK(pool.statistics().guards_madvise == 0);
  CHECK(pool.statistics().unguarded == 20);
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], ContainsSubstring("10 task stacks are guarded"));
  CHECK_THAT(lines[0], ContainsSubstring("limit of 10"));
  CHECK_THAT(lines[0], ContainsSubstring("vm.max_map_count"));
  CHECK_THAT(lines[0], ContainsSubstring("Remedy"));
  release_all(pool, all);
  release_all(pool, more);
  SECTION("a warm stack keeps its guard") {
    release_all(pool, acquire_many(pool, 30));
    CHECK(pool.statistics().guards_mprotect == 10);
    CHECK(pool.statistics().unguarded == 20);
  }
  SECTION("guards that went away with their memory can be had again") {
    pool.trim(0, 0);
    pool.trim(1, 0);
    CHECK(pool.statistics().guards_mprotect == 0);
    CHECK(pool.statistics().unguarded == 0);
    all = acquire_many(pool, 11);
    CHECK(pool.statistics().guards_mprotect == 10);
    CHECK(pool.statistics().unguarded == 1);
    release_all(pool, all);
  }
  CHECK(lines.size() == 1);
}

TEST_CASE("the default budget leaves mappings to the rest of the program", "[guards]") {
  if (sanitized || RUNNING_ON_VALGRIND) return;
  captured_log log;
  const std::size_t limit = memory::mapping_limit();
  if (limit == 0 || limit > 1000000) return;
  stack_pool_options options;
  options.allow_guard_install = false;
  options.stack_size = 16 * 1024;
  stack_pool pool(options);
  const auto all = acquire_many(pool, limit / 2);
  REQUIRE(all.back() != nullptr);
  CHECK(static_cast<std::size_t>(count_mappings()) < limit * 9 / 10);
  CHECK(pool.statistics().guards_mprotect > limit / 4);
  CHECK(pool.statistics().unguarded > 0);
  CHECK(lines.size() == 1);
  stack_pool second(options);  // The limit belongs to the process.
  release_all(second, acquire_many(second, 1));
  CHECK(second.statistics().guards_mprotect == 0);
  release_all(pool, all);
}

TEST_CASE("locked memory refuses the cheap guards, slab by slab", "[guards]") {
  if (sanitized || RUNNING_ON_VALGRIND || !kernel_has_guard_install()) return;
  const ending e = in_child([] {
    stack_pool_options options;
    options.stack_size = 64 * 1024;
    stack_pool pool(options);
    const auto before = acquire_many(pool, 64);  // Exactly one slab.
    if (mlockall(MCL_FUTURE | MCL_ONFAULT) != 0) return 2;
    const auto after = acquire_many(pool, 64);
    const auto now = pool.statistics();
    release_all(pool, before);
    release_all(pool, after);
    return now.guards_madvise == 64 && now.guards_mprotect == 64 && now.unguarded == 0 ? 0 : 1;
  });
  if (!e.exited_with(2)) CHECK(e.exited_with(0));
}

TEST_CASE("a guard stops whoever runs into it", "[guards]") {
  stack_pool_options options;
  SECTION("whatever kind is usual here") {}
  SECTION("by mprotect") {
    options.allow_guard_install = false;
  }
  const ending e = touch_guard(options);
  CHECK((e.died_of(SIGSEGV) || e.died_of(SIGBUS)));
}

TEST_CASE("a guard survives that the pages of its stack are given back", "[guards]") {
  const ending e = in_child([] {
    std::signal(SIGSEGV, SIG_DFL);
    stack_pool pool({});
    const auto pinned = acquire_many(pool, 1);
    auto all = acquire_many(pool, 3);
    release_all(pool, all);
    pool.trim(0, 0);
    if (pool.statistics().warm != 0) return 3;
    all = acquire_many(pool, 3);
    *static_cast<volatile std::byte*>(all[1]->base - 1) = std::byte{1};
    return 0;
  });
  CHECK(e.died_of(SIGSEGV));
}
