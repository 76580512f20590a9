// The pool of stacks: sizes, reuse, indices that can always be asked for, memory that comes back.
#include <sys/resource.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/status.hpp"
#include "context/child.hpp"
#include "context/rig.hpp"
#include "support/catch.hpp"

using namespace structio::ctx;
namespace base = structio::base;

namespace {

std::vector<stack*> acquire_many(stack_pool& pool, std::size_t count) {
  std::vector<stack*> all(count);
  for (stack*& s : all) REQUIRE(pool.acquire(0, s) == 0);
  return all;
}

void release_all(stack_pool& pool, const std::vector<stack*>& all) {
  for (stack* s : all) pool.release(*s);
}

/// Calls until the pool has done all that it wants to do at this moment.
std::int64_t trim_fully(stack_pool& pool, std::int64_t now, std::int64_t half_life) {
  std::int64_t next = now;
  for (int i = 0; i < 100000 && next == now; ++i) next = pool.trim(now, half_life);
  return next;
}

/// Counted page by page: the cheaper counters of /proc/self/statm are only about right.
std::size_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/smaps_rollup", "re");
  if (!file) return 0;
  char line[256];
  unsigned long kib = 0;
  while (std::fgets(line, sizeof line, file) && std::sscanf(line, "Rss: %lu kB", &kib) != 1) {
  }
  std::fclose(file);
  return kib * 1024;
}

}  // namespace

TEST_CASE("a stack is as it says it is", "[pool]") {
  stack_pool pool({});
  stack* s = nullptr;
  REQUIRE(pool.acquire(0, s) == 0);
  CHECK(pool.default_size() == 256 * 1024);
  CHECK(s->top() == s);
  CHECK(s->base + s->size == static_cast<void*>(s));
  CHECK(s->size > 250 * 1024);
  CHECK(s->generation == 1);
  CHECK(s->user == nullptr);
  CHECK_FALSE(s->prepared);
  CHECK(pool.at(s->index) == s);
  std::memset(s->base, 0x5a, s->size);
  pool.release(*s);
}

TEST_CASE("stacks do not overlap, of whatever sizes", "[pool]") {
  stack_pool pool({});
  std::vector<stack*> all;
  for (std::size_t size : {0u, 1u, 5000u, 16384u, 65536u, 100000u, 262144u, 1u << 20, 3u << 20}) {
    for (int i = 0; i < 3; ++i) {
      stack* s = nullptr;
      REQUIRE(pool.acquire(size, s) == 0);
      CHECK(s->size >= size);
      CHECK(pool.at(s->index) == s);
      s->user = s->base;
      all.push_back(s);
    }
  }
  for (stack* s : all) {
    s->base[0] = std::byte{1};
    s->base[s->size - 1] = std::byte{2};
    for (stack* other : all) {
      CHECK(
          (s == other || s->base + s->size <= other->base || other->base + other->size <= s->base));
    }
  }
  for (stack* s : all) CHECK(s->user == s->base);
  release_all(pool, all);
}

TEST_CASE("a size that the default serves as well takes the default's stacks", "[pool]") {
  stack_pool pool({});
  stack *a = nullptr, *b = nullptr;
  REQUIRE(pool.acquire(0, a) == 0);
  pool.release(*a);
  REQUIRE(pool.acquire(200 * 1024, b) == 0);
  CHECK(a == b);
  pool.release(*b);
}

TEST_CASE("absurd sizes are refused", "[pool]") {
  stack_pool pool({});
  stack* s = nullptr;
  CHECK(pool.acquire((std::size_t{1} << 30) + 1, s) == STRUCTIO_EINVALID);
  CHECK(pool.acquire(SIZE_MAX, s) == STRUCTIO_EINVALID);
  CHECK(s == nullptr);
  CHECK(pool.statistics().in_use == 0);
  REQUIRE(pool.acquire(std::size_t{1} << 30, s) == 0);
  CHECK(s->size >= std::size_t{1} << 30);
  pool.release(*s);
}

TEST_CASE("a default size out of bounds is brought within them", "[pool]") {
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{20001}, SIZE_MAX}) {
    stack_pool_options options;
    options.stack_size = size;
    stack_pool pool(options);
    stack* s = nullptr;
    REQUIRE(pool.acquire(0, s) == 0);
    CHECK(s->size >= 11 * 1024);
    CHECK(pool.default_size() % 4096 == 0);
    pool.release(*s);
  }
}

TEST_CASE("warm stacks come back, the last one first", "[pool]") {
  stack_pool pool({});
  const auto all = acquire_many(pool, 3);
  const std::uint32_t generation = all[1]->generation;
  all[1]->user = &pool;
  all[1]->prepared = true;
  pool.release(*all[0]);
  pool.release(*all[2]);
  pool.release(*all[1]);
  CHECK(pool.statistics().warm == 3);
  CHECK(pool.statistics().in_use == 0);
  CHECK(pool.statistics().peak_in_use == 3);
  const auto again = acquire_many(pool, 3);
  CHECK(again[0] == all[1]);
  CHECK(again[1] == all[2]);
  CHECK(again[2] == all[0]);
  CHECK(again[0]->generation == generation + 1);
  CHECK(again[0]->user == &pool);
  CHECK(again[0]->prepared);
  CHECK(pool.statistics().warm == 0);
  release_all(pool, again);
}

TEST_CASE("any index may be asked for", "[pool]") {
  stack_pool pool({});
  for (std::uint32_t index : {0u, 1u, 63u, 64u, 65u, 1u << 20, UINT32_MAX - 1, UINT32_MAX}) {
    CHECK(pool.at(index) == nullptr);
  }
  const auto all = acquire_many(pool, 70);
  for (stack* s : all) CHECK(pool.at(s->index) == s);
  CHECK(pool.at(70) == nullptr);
  CHECK(pool.at(127) == nullptr);
  CHECK(pool.at(128) == nullptr);
  CHECK(pool.at(UINT32_MAX) == nullptr);
  pool.release(*all[5]);
  CHECK(pool.at(all[5]->index) == all[5]);  // Warm: the descriptor is still there.
  stack* again = nullptr;
  REQUIRE(pool.acquire(0, again) == 0);
  release_all(pool, all);
}

TEST_CASE("an index whose memory went back is stale, and its generation never goes back",
          "[pool]") {
  stack_pool pool({});
  std::vector<std::uint32_t> indices;
  std::uint32_t last_generation = 0;
  for (std::uint32_t round = 1; round <= 5; ++round) {
    const auto all = acquire_many(pool, 130);
    indices.clear();
    for (stack* s : all) indices.push_back(s->index);
    for (stack* s : all) CHECK(s->generation == round);
    last_generation = all[0]->generation;
    release_all(pool, all);
    trim_fully(pool, round, 0);
    CHECK(pool.statistics().warm == 0);
    CHECK(pool.statistics().mapped_bytes == 0);
    for (std::uint32_t index : indices) CHECK(pool.at(index) == nullptr);
  }
  CHECK(last_generation == 5);
  // The same indices may serve stacks of another size; their generations go on.
  stack* s = nullptr;
  REQUIRE(pool.acquire(std::size_t{1} << 20, s) == 0);
  CHECK(s->index < 192);
  CHECK(s->generation > last_generation);
  pool.release(*s);
}

TEST_CASE("after a peak the warm stacks decay by half-lives", "[pool]") {
  stack_pool pool({});
  constexpr std::int64_t half_life = 1000;
  const auto few = acquire_many(pool, 10);
  release_all(pool, acquire_many(pool, 1000));
  CHECK(trim_fully(pool, 5000, half_life) == 5000 + half_life / 8);
  CHECK(pool.statistics().warm == 1000);
  trim_fully(pool, 5000 + half_life, half_life);  // Learns of the peak.
  CHECK(pool.statistics().warm == 1000);
  trim_fully(pool, 5000 + 2 * half_life, half_life);
  CHECK(pool.statistics().warm == 500);
  trim_fully(pool, 5000 + 4 * half_life, half_life);
  CHECK(pool.statistics().warm == 125);
  CHECK(pool.statistics().in_use == 10);
  SECTION("down to what is in use") {
    CHECK(trim_fully(pool, 5000 + 40 * half_life, half_life) == base::forever);
    CHECK(pool.statistics().warm == 0);
    CHECK(pool.statistics().in_use == 10);
    CHECK(pool.statistics().mapped_bytes <= 64 * pool.default_size());
    CHECK(pool.statistics().peak_in_use == 1010);
  }
  SECTION("but not while the peak comes back within the time") {
    for (int i = 5; i < 100; ++i) {
      release_all(pool, acquire_many(pool, 100));
      trim_fully(pool, 5000 + i * half_life, half_life);
    }
    CHECK(pool.statistics().warm == 100);
  }
  release_all(pool, few);
}

TEST_CASE("trim does a bounded part of the work at a time", "[pool]") {
  stack_pool pool({});
  release_all(pool, acquire_many(pool, 1000));
  CHECK(pool.trim(1, 0) == 1);
  const std::size_t warm = pool.statistics().warm;
  CHECK(warm < 1000);
  CHECK(warm >= 800);
  CHECK(trim_fully(pool, 1, 0) == base::forever);
  CHECK(pool.statistics().warm == 0);
}

TEST_CASE("stacks that were given back are as good as new", "[pool]") {
  rig r;
  std::vector<stack*> all;
  stack& pinned = r.spawn([] {});  // Keeps the slab mapped.
  for (int round = 0; round < 3; ++round) {
    int ran = 0;
    for (int i = 0; i < 20; ++i) all.push_back(&r.spawn([&ran] { ++ran; }));
    for (stack* s : all) r.resume(*s);
    CHECK(ran == 20);
    for (stack* s : all) r.end(*s);
    all.clear();
    trim_fully(r.pool, round + 1, 0);
    CHECK(r.pool.statistics().warm == 0);
    CHECK(r.pool.statistics().mapped_bytes == 64 * r.pool.default_size());
  }
  r.end(pinned);
}

TEST_CASE("a stack that is in use keeps its content while others are given back", "[pool]") {
  stack_pool pool({});
  const auto all = acquire_many(pool, 64);
  for (std::uint32_t i = 0; i < 64; ++i) {
    REQUIRE(all[i]->index == i);
    std::memset(all[i]->base, static_cast<int>(i), all[i]->size);
    all[i]->user = all[i]->base;
  }
  for (std::uint32_t i = 0; i < 64; ++i) {
    if (i % 3 != 0) pool.release(*all[i]);
  }
  trim_fully(pool, 1, 0);
  std::size_t wrong = 0;
  for (std::uint32_t i = 0; i < 64; ++i) {
    stack* s = pool.at(i);
    CHECK(s == (i % 3 == 0 ? all[i] : nullptr));
    if (!s) continue;
    if (s->user != s->base) ++wrong;
    for (std::size_t k = 0; k < s->size; ++k) wrong += s->base[k] != std::byte(i);
    pool.release(*s);
  }
  CHECK(wrong == 0);
  CHECK(pool.statistics().in_use == 0);
}

TEST_CASE("a stack costs one page of memory, guard and bookkeeping included", "[pool]") {
  if (sanitized || RUNNING_ON_VALGRIND || resident_bytes() == 0) return;
  constexpr std::size_t count = 20000;
  stack_pool pool({});
  std::vector<stack*> all(count);
  const std::size_t before = resident_bytes();
  for (stack*& s : all) {
    REQUIRE(pool.acquire(0, s) == 0);
    auto* top = static_cast<volatile std::byte*>(s->top());
    for (int i = 1; i <= 2000; ++i) top[-i] = std::byte{1};
  }
  const double each = static_cast<double>(resident_bytes() - before) / count;
  CHECK(each >= 4090);
  CHECK(each <= 4096 + 32);
  release_all(pool, all);
}

TEST_CASE("memory comes back to the system after a peak", "[pool]") {
  if (sanitized || RUNNING_ON_VALGRIND || resident_bytes() == 0) return;
  stack_pool pool({});
  const std::size_t before = resident_bytes();
  auto all = acquire_many(pool, 10000);
  CHECK(resident_bytes() - before > 9900 * std::size_t{4096});
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % 64 != 0) pool.release(*all[i]);
  }
  trim_fully(pool, 1, 0);
  CHECK(resident_bytes() - before < 2000 * std::size_t{4096});
  for (std::size_t i = 0; i < all.size(); i += 64) pool.release(*all[i]);
}

TEST_CASE("no mapping is left when a pool is gone", "[pool]") {
  const int before = count_mappings();
  {
    stack_pool pool({});
    release_all(pool, acquire_many(pool, 200));
    stack* s = nullptr;
    REQUIRE(pool.acquire(1 << 20, s) == 0);
    pool.release(*s);
  }
  CHECK(count_mappings() <= before + (sanitized ? 4 : 1));  // malloc may have taken one.
}

TEST_CASE("running out of address space is an answer", "[pool]") {
  if (sanitized || RUNNING_ON_VALGRIND) return;
  const ending e = in_child([] {
    static std::string said;
    base::set_log_sink([](std::uint32_t, const char* text, void*) { said += text; }, nullptr);
    const rlimit limit{std::size_t{512} << 20, std::size_t{512} << 20};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return 2;
    stack_pool pool({});
    std::vector<stack*> all;
    all.reserve(10000);
    int code = 0;
    for (stack* s = nullptr; (code = pool.acquire(0, s)) == 0;) all.push_back(s);
    if (code != STRUCTIO_ENOMEM || all.size() < 1000) return 3;
    if (said.find("Remedy") == std::string::npos) return 4;
    stack* s = nullptr;
    if (pool.acquire(0, s) != STRUCTIO_ENOMEM) return 5;
    pool.release(*all.back());
    if (pool.acquire(0, s) != 0 || s != all.back()) return 6;
    for (stack* each : all) pool.release(*each);
    return 0;
  });
  CHECK(e.status == 0);
}
