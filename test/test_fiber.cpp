// What fibers, libuv and a C ABI add to the rules: exceptions and switches, cancellation that is
// swallowed or met in destructors, codes that only look like cancellation, objects of other runs,
// and many tasks at once. The white-box side of it is in context/.
#include <structio/structio.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"
#include "support/face.hpp"

using namespace c_tasks;

namespace {

long resident_kib() {
  long pages = 0;
  if (std::FILE* f = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(f, "%*d %ld", &pages) != 1) pages = 0;
    std::fclose(f);
  }
  return pages * 4;
}

// Runs `fn` in a run on another thread, while the calling run goes on.
template <class Fn>
int run_elsewhere(Fn&& fn) {
  int status = 0;
  std::thread([&] { status = run(fn); }).join();
  return status;
}

}  // namespace

TEST_CASE("whoever swallows a cancellation meets it again", "[FIB-01]") {
  int met = 0;
  face::run([&] {
    structio::cancel_scope scope;
    scope.run([&] {
      scope.cancel();
      for (int i = 0; i < 10; ++i) {
        try {
          structio::sleep_forever();
        } catch (...) {
          ++met;
        }
      }
      structio::sleep_forever();
    });
    CHECK(scope.cancelled_caught());
    structio::checkpoint();
  });
  CHECK(met == 10);
}

TEST_CASE("a C task that ignores a cancellation is told again and again", "[FIB-09]") {
  int told = 0;
  auto deaf = [&] {
    structio_waiter w;
    structio_lot lot;
    structio_lot_init(&lot);
    for (int i = 0; i < 3; ++i) {
      told += structio_checkpoint() == STRUCTIO_ECANCELLED;
      told += structio_sleep(1) == STRUCTIO_ECANCELLED;
      told += structio_sleep_until(0) == STRUCTIO_ECANCELLED;
      structio_waiter_init(&w);
      told += structio_park(&w, "nobody", nullptr, nullptr) == STRUCTIO_ECANCELLED;
      told += structio_lot_park(&lot) == STRUCTIO_ECANCELLED;
      told += structio_wait_all_tasks_blocked(0) == STRUCTIO_ECANCELLED;
    }
    return structio_lot_destroy(&lot);
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "deaf", deaf);
      return structio_scope_cancel(structio_nursery_scope(&n), nullptr);
    });
  };
  CHECK(run(body) == 0);
  CHECK(told == 18);
}

TEST_CASE("'cancelled' from a task that nobody cancelled is an error", "[FIB-08]") {
  owned_failure why;
  auto liar = [] { return int{STRUCTIO_ECANCELLED}; };
  auto body = [&] {
    structio_scope s;
    const int status = scope_block(s, [&] {
      const int left =
          nursery_block([&](structio_nursery& n) { return spawn(n, "liar", liar); }, &why);
      CHECK(left == STRUCTIO_EGROUP);
      return int{STRUCTIO_ECANCELLED};
    });
    CHECK(status == STRUCTIO_ECANCELLED);
    CHECK(structio_scope_cancelled_caught(&s) == 0);
    return status;
  };
  CHECK(run(body) == STRUCTIO_ECANCELLED);
  CHECK(why.count() == 1);
  CHECK(structio_failure_get_kind(structio_failure_member(why.raw, 0)) == STRUCTIO_FAILURE_STATUS);
}

TEST_CASE("a cancellation that was dealt with does not lend its name later", "[FIB-08]") {
  auto liar = [] {
    structio_scope s;
    scope_block(s, [&] {
      structio_scope_cancel(&s, nullptr);
      structio_checkpoint();
      return 0;  // swallowed
    });
    CHECK(structio_scope_cancelled_caught(&s) == 0);
    return int{STRUCTIO_ECANCELLED};
  };
  auto body = [&] {
    owned_failure why;
    CHECK(nursery_block([&](structio_nursery& n) { return spawn(n, "liar", liar); }, &why) ==
          STRUCTIO_EGROUP);
    CHECK(why.member(0) == STRUCTIO_ECANCELLED);
    CHECK(structio_failure_get_kind(structio_failure_member(why.raw, 0)) ==
          STRUCTIO_FAILURE_STATUS);
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("joining a cancelled task does not cancel who joins", "[FIB-08]") {
  auto sleeper = [] { return structio_sleep_forever(); };
  auto body = [&] {
    owned_failure why;
    auto joiner = [&](structio_nursery& n) {
      structio_task* task = nullptr;
      start_task(n, sleeper, &task);
      structio_task_cancel(task, nullptr);
      const int joined = structio_task_join(task, nullptr);
      structio_task_free(task);
      return joined;  // as if it were its own
    };
    CHECK(nursery_block(joiner, &why) == STRUCTIO_EGROUP);
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a destructor that blocks while a cancellation unwinds does not throw", "[FIB-02]") {
  struct guard {
    bool* slept;
    ~guard() {
      structio::sleep(structio::duration(1000));
      *slept = true;
    }
  };
  bool slept = false;
  face::run([&] {
    structio::cancel_scope scope;
    scope.run([&] {
      const guard g{&slept};
      scope.cancel();
      structio::checkpoint();
    });
    CHECK(scope.cancelled_caught());
  });
  CHECK(slept);
}

TEST_CASE("a scope left by an error of its own lets that error pass", "[FIB-03]") {
  face::run([&] {
    structio::cancel_scope scope;
    try {
      scope.run([&] {
        scope.cancel();
        try {
          structio::checkpoint();
        } catch (const structio::cancelled&) {
          throw face::key_error("instead");
        }
      });
      FAIL("nothing was thrown");
    } catch (const face::key_error& e) {
      CHECK(std::string(e.what()) == "instead");
    }
    CHECK_FALSE(scope.cancelled_caught());
    structio::checkpoint();
  });
}

TEST_CASE("no child outlives the frame of a nursery that is left by an exception", "[FIB-04]") {
  bool child_saw = false;
  face::run([&] {
    std::string data = "alive";
    try {
      structio::open_nursery([&](structio::nursery& n) {
        n.start_soon([&] {
          try {
            structio::sleep_forever();
          } catch (...) {
            child_saw = data == "alive";
            throw;
          }
        });
        structio::checkpoint();
        throw face::value_error();
      });
    } catch (const structio::exception_group&) {
      data = "gone";
    }
  });
  CHECK(child_saw);
}

TEST_CASE("a deadlock unwinds every task, shielded ones too", "[FIB-05]") {
  struct guard {
    int* destroyed;
    ~guard() { ++*destroyed; }
  };
  int destroyed = 0;
  bool resumed = false;
  CHECK(face::throws<structio::deadlock>([&] {
    structio::run([&] {
      const guard of_main{&destroyed};
      structio::open_nursery([&](structio::nursery& n) {
        n.start_soon([&] {
          const guard g{&destroyed};
          structio::sleep_forever();
          resumed = true;
        });
        n.start_soon([&] {
          const guard g{&destroyed};
          structio::cancel_scope shield({.shield = true});
          shield.run([&] {
            const guard inner{&destroyed};
            structio::sleep_forever();
          });
        });
      });
    });
  }));
  CHECK(destroyed == 4);
  CHECK_FALSE(resumed);
}

TEST_CASE("a task that swallows everything cannot keep a deadlocked run alive", "[FIB-05]") {
  int rounds = 0;
  auto stubborn = [&] {
    for (int i = 0; i < 50; ++i) {
      shielded([&] { return structio_sleep_forever(); });
      ++rounds;
    }
    return 0;
  };
  CHECK(run(stubborn) == STRUCTIO_EDEADLOCK);
  CHECK(rounds == 50);
}

TEST_CASE("exceptions in flight and in handlers stay with their own task", "[FIB-06][FIB-07]") {
  struct suspended {
    int* uncaught;
    ~suspended() {
      structio::checkpoint();  // others run while this task is in mid-unwind
      *uncaught = std::uncaught_exceptions();
    }
  };
  int in_unwinding = -1;
  int elsewhere = -1;
  std::vector<std::string> rethrown;
  face::run([&] {
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        try {
          const suspended s{&in_unwinding};
          throw face::key_error();
        } catch (const face::key_error&) {
        }
      });
      n.start_soon([&] { elsewhere = std::uncaught_exceptions(); });
      for (const char* name : {"a", "b", "c"}) {
        n.start_soon([&rethrown, name] {
          try {
            throw face::value_error(name);
          } catch (...) {
            structio::checkpoint();
            structio::checkpoint();
            try {
              throw;
            } catch (const face::value_error& e) {
              rethrown.emplace_back(e.what());
            }
          }
        });
      }
    });
  });
  CHECK(in_unwinding == 1);
  CHECK(elsewhere == 0);
  std::sort(rethrown.begin(), rethrown.end());
  CHECK(rethrown == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("an exception never crosses the C ABI", "[FIB-10]") {
  const auto throwing = [](void*) -> int {
    return structio::detail::enter([] { throw face::key_error("in C"); });
  };
  auto body = [&] {
    owned_failure why;
    const int status = nursery_block(
        [&](structio_nursery& n) { return structio_nursery_start_soon(&n, throwing, nullptr); },
        &why);
    CHECK(status == STRUCTIO_EGROUP);
    CHECK(why.member(0) == STRUCTIO_EPAYLOAD);
    CHECK_THAT(why.tree(), ContainsSubstring("in C"));
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("what belongs to another run is refused", "[FIB-17]") {
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      structio_scope s;
      structio_waiter w;
      structio_task* task = nullptr;
      auto sleeper = [] { return structio_sleep_forever(); };
      structio_waiter_init(&w);
      start_task(n, sleeper, &task);
      const int status = scope_block(s, [&] {
        auto stranger = [&] {
          CHECK(structio_scope_cancel(&s, nullptr) == STRUCTIO_EMISUSE);
          CHECK(says({"another run", "portal"}));
          CHECK(structio_scope_set_shield(&s, 1) == STRUCTIO_EMISUSE);
          CHECK(structio_scope_set_timeout(&s, 1) == STRUCTIO_EMISUSE);
          CHECK(structio_scope_stop(&s, 1, nullptr) == STRUCTIO_EMISUSE);
          CHECK(structio_scope_leave(&s, 0, nullptr) == STRUCTIO_EMISUSE);
          CHECK(structio_nursery_start_soon(&n, call<decltype(sleeper)>, &sleeper) ==
                STRUCTIO_EMISUSE);
          CHECK(says({"another run"}));
          CHECK(structio_nursery_close(&n, 0, nullptr) == STRUCTIO_EMISUSE);
          CHECK(structio_wake(&w, 1) == STRUCTIO_EMISUSE);
          CHECK(structio_park(&w, "theirs", nullptr, nullptr) == STRUCTIO_EMISUSE);
          CHECK(structio_task_join(task, nullptr) == STRUCTIO_EMISUSE);
          CHECK(structio_task_cancel(task, nullptr) == STRUCTIO_EMISUSE);
          CHECK(structio_task_free(task) == STRUCTIO_EMISUSE);
          return 0;
        };
        CHECK(run_elsewhere(stranger) == 0);
        return structio_checkpoint();
      });
      structio_task_cancel(task, nullptr);
      structio_task_free(task);
      return status;
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a lot belongs to the run whose tasks wait in it", "[FIB-17]") {
  structio_lot lot;
  structio_lot_init(&lot);
  auto waiting = [&] { return structio_lot_park(&lot); };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "waiting", waiting);
      settle();
      auto stranger = [&] {
        CHECK(structio_lot_park(&lot) == STRUCTIO_EMISUSE);
        CHECK(structio_lot_unpark(&lot, 1) == STRUCTIO_EMISUSE);
        CHECK(structio_lot_break(&lot, 0) == STRUCTIO_EMISUSE);
        CHECK(structio_lot_destroy(&lot) == STRUCTIO_EMISUSE);
        return 0;
      };
      CHECK(run_elsewhere(stranger) == 0);
      return structio_lot_unpark(&lot, 1) == 1 ? 0 : -1;
    });
  };
  CHECK(run(body) == 0);
  CHECK(structio_lot_destroy(&lot) == 0);
}

TEST_CASE("nothing that wakes by the clock is early", "[FIB-15]") {
  auto body = [] {
    for (const int64_t length : {1, 1000, 50000, 999999, 1000001, 1500000, 2500000}) {
      const int64_t until = structio_now() + length;
      if (const int status = structio_sleep_until(until)) return status;
      if (structio_now() < until) return -1;
      if (const int status = structio_sleep(length)) return status;
    }
    return 0;
  };
  CHECK(run(body) == 0);
}

#if defined(__SANITIZE_THREAD__)
#define STRUCTIO_TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STRUCTIO_TEST_TSAN 1
#endif
#endif

TEST_CASE("ten thousand blocked tasks cost what they touch", "[FIB-20]") {
#ifdef STRUCTIO_TEST_TSAN
  constexpr int many = 5000;       // TSan knows no more than 8,128 threads and fibers,
  constexpr long most_kib = 4096;  // and keeps about 900 KiB of history for each
#else
  constexpr int many = 10000;
  constexpr long most_kib = 64;
#endif
  structio_lot lot;
  structio_lot_init(&lot);
  int woken = 0;
  auto waiting = [&] {
    const int status = structio_lot_park(&lot);
    ++woken;
    return status;
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      const long before = resident_kib();
      for (int i = 0; i < many; ++i) spawn(n, "waiting", waiting);
      settle();
      CHECK(structio_lot_waiting(&lot) == many);
      CHECK((resident_kib() - before) / many < most_kib);  // of 256 KiB each; sanitizers touch more
      CHECK(structio_lot_unpark(&lot, STRUCTIO_ALL) == many);
      return 0;
    });
  };
  CHECK(run(body) == 0);
  CHECK(woken == many);
  CHECK(structio_lot_destroy(&lot) == 0);
}

TEST_CASE("a tree of tasks may be deep, and so may its failure", "[FIB-16][NUR-19]") {
  constexpr int deepest = 3000;
  struct level {
    int depth;
    static int go(void* arg) {
      const int depth = static_cast<level*>(arg)->depth;
      if (depth == deepest) return fail(-70, "at the bottom");
      structio_nursery n;
      structio_nursery_open(&n);
      level below{depth + 1};
      structio_nursery_start_soon(&n, go, &below);
      return structio_nursery_close(&n, 0, nullptr);
    }
  };
  structio_failure* why = nullptr;
  structio_run_options options = run_options();
  options.failure = &why;
  level top{0};
  CHECK(structio_run(level::go, &top, &options) == STRUCTIO_EGROUP);
  int depth = 0;
  structio_failure* f = why;
  for (; structio_failure_get_kind(f) == STRUCTIO_FAILURE_GROUP; ++depth) {
    REQUIRE(structio_failure_count(f) == 1);
    f = structio_failure_member(f, 0);
  }
  CHECK(depth == deepest);
  CHECK(structio_failure_code(f) == -70);
  CHECK(structio_failure_describe(why, nullptr, 0) > 0);
  CHECK(structio_failure_free(why) == 0);
}

TEST_CASE("a deep tree is cancelled from its root, and filtered on the way out",
          "[NUR-12][CANCEL-24]") {
  constexpr int deepest = 2000;
  struct level {
    int depth;
    static int go(void* arg) {
      const int depth = static_cast<level*>(arg)->depth;
      if (depth == deepest) return structio_sleep_forever();
      structio_nursery n;
      structio_nursery_open(&n);
      level below{depth + 1};
      structio_nursery_start_soon(&n, go, &below);
      int status = 0;
      if (depth == deepest / 2) {
        structio_sleep_forever();
        status = fail(-70, "half way");
      }
      return structio_nursery_close(&n, status, nullptr);
    }
  };
  auto body = [] {
    owned_failure why;
    structio_nursery n;
    level top{0};
    structio_nursery_open(&n);
    structio_nursery_start_soon(&n, level::go, &top);
    settle();
    structio_scope_cancel(structio_nursery_scope(&n), "all of it");
    CHECK(structio_nursery_close(&n, 0, &why.raw) == STRUCTIO_EGROUP);
    CHECK_THAT(why.tree(), !ContainsSubstring("cancelled due"));
    return 0;
  };
  CHECK(run(body) == 0);
}
