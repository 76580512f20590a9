// What is left of a run in objects that outlive it, and of a task in what ends with it.
#include <structio/structio.h>
#include <structio/structio_sync.h>
#include <structio/structio_thread.h>

#include <string>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"

using namespace c_tasks;

namespace {

int64_t borrowed(structio_limiter& l) {
  structio_limiter_statistics s{};
  s.struct_size = sizeof s;
  CHECK(structio_limiter_get_statistics(&l, &s) == 0);
  return s.borrowed;
}

// A run whose main task goes away with a token.
void leave_with_token(structio_limiter& l) {
  auto main = [&] { return structio_limiter_acquire(&l); };
  CHECK(run(main) == 0);
}

// A run whose task goes away with a mutex that knows nothing of it any more.
void leave_with_mutex(structio_mutex& m) {
  auto main = [&] {
    CHECK(structio_mutex_lock(&m) == 0);
    CHECK(structio_mutex_destroy(&m) == STRUCTIO_EMISUSE);
    return 0;
  };
  CHECK(run(main) == 0);
}

}  // namespace

TEST_CASE("tokens that nobody gave back are free again once the run has ended", "[LIM]") {
  structio_limiter l;
  REQUIRE(structio_limiter_init(&l, 1) == 0);
  leave_with_token(l);
  SECTION("for the next run") {
    auto next = [&] {
      CHECK(structio_limiter_acquire(&l) == 0);
      CHECK(borrowed(l) == 1);
      return structio_limiter_release(&l);
    };
    CHECK(run(next) == 0);
    CHECK(structio_limiter_destroy(&l) == 0);
  }
  SECTION("and whoever has it may end it") {
    CHECK(structio_limiter_destroy(&l) == 0);
  }
  SECTION("in whatever way") {
    CHECK(structio_limiter_discard(&l) == 0);
  }
}

TEST_CASE("a limiter that a living run uses is not for others") {
  structio_limiter l;
  REQUIRE(structio_limiter_init(&l, 1) == 0);
  auto main = [&] {
    CHECK(structio_limiter_acquire(&l) == 0);
    auto elsewhere = [](void* arg) {
      auto& limiter = *static_cast<structio_limiter*>(arg);
      auto other = [&] {
        CHECK(structio_limiter_try_acquire(&limiter) == STRUCTIO_EMISUSE);
        return 0;
      };
      CHECK(run(other) == 0);
      CHECK(structio_limiter_discard(&limiter) == STRUCTIO_EMISUSE);
      return 0;
    };
    CHECK(structio_run_in_thread(elsewhere, &l, nullptr) == 0);
    return structio_limiter_release(&l);
  };
  CHECK(run(main) == 0);
  CHECK(structio_limiter_destroy(&l) == 0);
}

TEST_CASE("a mutex whose owner's run has ended is broken, and tells so") {
  structio_mutex m;
  REQUIRE(structio_mutex_init(&m) == 0);
  leave_with_mutex(m);
  SECTION("to whoever asks") {
    CHECK(structio_mutex_locked(&m) == 0);
  }
  SECTION("to the next run") {
    auto next = [&] {
      CHECK(structio_mutex_try_lock(&m) == STRUCTIO_EBROKEN);
      return 0;
    };
    CHECK(run(next) == 0);
  }
  SECTION("and goes") {
    CHECK(structio_mutex_discard(&m) == 0);
    CHECK(structio_mutex_init(&m) == 0);
  }
  CHECK(structio_mutex_destroy(&m) == 0);
}

TEST_CASE("what a local's drop function locks breaks with its task") {
  structio_mutex m;
  REQUIRE(structio_mutex_init(&m) == 0);
  auto main = [&] {
    static const char key = 0;
    auto leaves = [&] {
      const auto lock = [](void* of) {
        CHECK(structio_mutex_try_lock(static_cast<structio_mutex*>(of)) == 0);
      };
      return structio_local_set(&key, &m, lock, nullptr);
    };
    const int code = nursery_block([&](structio_nursery& n) { return spawn(n, "leaves", leaves); });
    CHECK(structio_mutex_try_lock(&m) == STRUCTIO_EBROKEN);
    return code;
  };
  CHECK(run(main) == 0);
  CHECK(structio_mutex_destroy(&m) == 0);
}

TEST_CASE("a post that is destroyed while the run closes is not made any more", "[TOKEN]") {
  struct two {
    structio_post first;
    structio_post second;
    int made = 0;
  } posts;
  auto main = [&] {
    structio_portal* portal = nullptr;
    CHECK(structio_portal_new(&portal) == 0);
    const auto end_second = [](void* of) {
      return structio_post_destroy(&static_cast<two*>(of)->second);
    };
    const auto count = [](void* of) { return ++static_cast<two*>(of)->made; };
    CHECK(structio_post_init(&posts.first, portal, end_second, &posts) == 0);
    CHECK(structio_post_init(&posts.second, portal, count, &posts) == 0);
    CHECK(structio_post_send(&posts.first) == 1);
    CHECK(structio_post_send(&posts.second) == 1);
    return structio_portal_free(portal);
  };
  CHECK(run(main) == 0);
  CHECK(posts.made == 0);
  CHECK(structio_post_destroy(&posts.first) == 0);
}
