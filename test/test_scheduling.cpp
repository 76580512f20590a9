// Checkpoints and the order in which tasks run; exceptions across switches of tasks.
#include <exception>
#include <memory>
#include <set>
#include <stdexcept>

#include "support/face.hpp"

using namespace face;
using structio::testing::assert_checkpoints;
using structio::testing::assert_no_checkpoints;
using structio::testing::count_checkpoints;

namespace {

/// Five tasks leave fifty marks each, one between two checkpoints.
std::string tangle(std::uint64_t seed) {
  std::string marks;
  structio::testing::virtual_clock clock;
  run_with({.seed = seed}, clock, [&] {
    structio::open_nursery([&](structio::nursery& n) {
      for (char tag = 'a'; tag <= 'e'; ++tag) {
        n.start_soon([&marks, tag] {
          for (int i = 0; i < 50; ++i) {
            marks += tag;
            structio::checkpoint();
          }
        });
      }
    });
  });
  return marks;
}

}  // namespace

TEST_CASE("tasks take turns", "[SCHED-01]") {
  std::string marks;
  face::run([&] {
    structio::open_nursery([&](structio::nursery& n) {
      for (const char tag : {'a', 'b'}) {
        n.start_soon([&marks, tag] {
          for (int i = 0; i < 3; ++i) {
            marks += tag;
            structio::checkpoint();
          }
        });
      }
    });
  });
  REQUIRE(marks.size() == 6);
  for (std::size_t round = 0; round < 6; round += 2) CHECK(marks[round] != marks[round + 1]);
}

TEST_CASE("a seed makes the order random, and repeatable", "[SCHED-02][SCHED-03]") {
  const std::string first = tangle(17);
  CHECK(first.size() == 250);
  for (int i = 0; i < 10; ++i) CHECK(tangle(17) == first);
  std::set<std::string> traces;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) traces.insert(tangle(seed));
  CHECK(traces.size() == 10);
}

TEST_CASE("a checkpoint is a cancel point and a schedule point", "[SCHED-04]") {
  face::run([] {
    assert_checkpoints([] { structio::checkpoint(); });
    assert_checkpoints([] {
      structio::checkpoint_if_cancelled();
      structio::cancel_shielded_checkpoint();
    });
    assert_checkpoints([] { structio::sleep(0s); });
    assert_no_checkpoints([] {});
    const auto before = count_checkpoints();
    structio::checkpoint_if_cancelled();
    CHECK(count_checkpoints().schedule_points == before.schedule_points);
    CHECK(count_checkpoints().cancel_points > before.cancel_points);
    structio::cancel_shielded_checkpoint();
    CHECK(count_checkpoints().schedule_points > before.schedule_points);
  });
}

TEST_CASE("the checkpoint assertions hold whatever the budget is", "[TST-05]") {
  for (const std::uint32_t budget : {1u, 2u, 32u}) {
    structio::testing::virtual_clock clock;
    face::run_with({.budget = budget}, clock, [&] {
      structio::mutex m;
      const auto begin = count_checkpoints();
      for (int i = 0; i < 100; ++i) {
        assert_checkpoints([&] { m.lock(); });
        assert_no_checkpoints([&] { m.unlock(); });
      }
      const auto end = count_checkpoints();
      CHECK(end.schedule_points - begin.schedule_points == 100);
      structio::checkpoint();
      CHECK(count_checkpoints().schedule_points == end.schedule_points + 1);
    });
  }
}

TEST_CASE("what is asserted of may return what can only be moved, or a reference", "[TST-05]") {
  face::run([] {
    const auto owned = assert_checkpoints([] {
      structio::checkpoint();
      return std::make_unique<int>(4);
    });
    CHECK(*owned == 4);
    int there = 0;
    assert_no_checkpoints([&]() -> int& { return there; }) = 5;
    CHECK(there == 5);
  });
}

TEST_CASE("the checkpoint assertions fail when they should", "[TST-05]") {
  using structio::testing::assertion_failed;
  face::run([] {
    CHECK(throws<assertion_failed>([] { assert_checkpoints([] {}); }));
    CHECK(throws<assertion_failed>(
        [] { assert_checkpoints([] { structio::checkpoint_if_cancelled(); }); }));
    CHECK(throws<assertion_failed>(
        [] { assert_checkpoints([] { structio::cancel_shielded_checkpoint(); }); }));
    CHECK(throws<assertion_failed>([] { assert_no_checkpoints([] { structio::checkpoint(); }); }));
    CHECK(throws<key_error>([] { assert_checkpoints([] { throw key_error(); }); }));
    CHECK(assert_checkpoints([] {
            structio::checkpoint();
            return 5;
          }) == 5);
  });
}

TEST_CASE("checkpoint_if_cancelled gives way only to cancellation", "[SCHED-05]") {
  face::run([] {
    structio::cancel_scope scope;
    bool raised = false;
    scope.run([&] {
      structio::checkpoint_if_cancelled();
      scope.cancel();
      raised = is_cancelled([] { structio::checkpoint_if_cancelled(); });
    });
    CHECK(raised);
  });
}

TEST_CASE("a shielded checkpoint passes in a cancelled scope", "[SCHED-06]") {
  face::run([] {
    structio::cancel_scope scope;
    scope.run([&] {
      scope.cancel();
      structio::cancel_shielded_checkpoint();
      structio::cancel_shielded_checkpoint();
      CHECK(is_cancelled([] { structio::checkpoint(); }));
    });
  });
}

TEST_CASE("a wait in a cancelled scope does not begin", "[SCHED-07]") {
  face::run([] {
    const auto start = structio::now();
    structio::cancel_scope scope;
    scope.run([&] {
      scope.cancel();
      CHECK(is_cancelled([] { structio::sleep_forever(); }));
      CHECK(is_cancelled([] { structio::sleep(10s); }));
    });
    CHECK(structio::now() == start);
  });
}

TEST_CASE("a checkpoint looks at deadlines", "[SCHED-08]") {
  structio::testing::virtual_clock clock({.autojump = std::nullopt});
  run_with({}, clock, [&] {
    const bool finished = structio::move_on_at(structio::now() + 5s, [&] {
      structio::checkpoint();
      clock.jump(10s);
      structio::checkpoint();
    });
    CHECK(!finished);
  });
}

TEST_CASE("what becomes ready during a pass waits for the next", "[SCHED-09]") {
  face::run([] {
    int laps = 0;
    bool stop = false;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        while (!stop) {
          ++laps;
          structio::checkpoint();
        }
      });
      for (int i = 0; i < 20; ++i) {
        structio::checkpoint();
        CHECK(laps <= i + 1);
      }
      stop = true;
    });
    CHECK(laps >= 19);
  });
}

TEST_CASE("a task that never has to wait cannot keep others out", "[SCHED-09]") {
  // On the real clock the budget is larger than one, but it ends.
  structio::run([] {
    bool other_ran = false;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] { other_ran = true; });
      int calls = 0;
      structio::parking_lot lot;
      while (!other_ran && ++calls < 10000) structio::sleep_until(structio::time_point::min());
      CHECK(other_ran);
    });
  });
}

TEST_CASE("a wait returns what it was woken with, or throws it", "[SCHED-10]") {
  face::run([] {
    structio::open_nursery([](structio::nursery& n) {
      structio::waiter* first = nullptr;
      structio::waiter* second = nullptr;
      n.start_soon([&] {
        structio::waiter waiter;
        first = &waiter;
        CHECK(waiter.park("value") == 17);
      });
      n.start_soon([&] {
        structio::waiter waiter;
        second = &waiter;
        CHECK(throws<value_error>([&] { waiter.park("error"); }));
      });
      structio::waiter third;
      structio::testing::wait_all_tasks_blocked();
      CHECK(first->wake(17));
      CHECK(!first->wake(18));
      CHECK(second->wake(std::make_exception_ptr(value_error())));
      CHECK(third.wake(STRUCTIO_EBROKEN));
      CHECK(throws<structio::broken_error>([&] { third.park("code"); }));
      structio::testing::wait_all_tasks_blocked();
    });
  });
}

TEST_CASE("each task keeps the exception that it handles", "[SCHED-12][FIB-06][FIB-07]") {
  face::run([] {
    structio::open_nursery([](structio::nursery& n) {
      const auto handler = [](int mine, int pause) {
        CHECK(std::current_exception() == nullptr);
        CHECK(std::uncaught_exceptions() == 0);
        try {
          throw mine;
        } catch (...) {
          structio::sleep(std::chrono::seconds(pause));
          try {
            throw;
          } catch (int seen) {
            CHECK(seen == mine);
          }
        }
        CHECK(std::current_exception() == nullptr);
      };
      n.start_soon(handler, 1, 5);
      n.start_soon(handler, 2, 3);
      n.start_soon(handler, 3, 7);
    });
  });
}

TEST_CASE("a task in mid-unwind does not show in another", "[FIB-06]") {
  face::run([] {
    struct slow {
      ~slow() {
        CHECK(std::uncaught_exceptions() == 1);
        structio::shielded(10s, [] { structio::sleep(1s); });
        CHECK(std::uncaught_exceptions() == 1);
      }
    };
    structio::open_nursery([](structio::nursery& n) {
      n.start_soon([] {
        try {
          slow on_the_way_out;
          throw key_error();
        } catch (const key_error&) {
          CHECK(std::uncaught_exceptions() == 0);
        }
      });
      n.start_soon([] {
        for (int i = 0; i < 4; ++i) {
          CHECK(std::uncaught_exceptions() == 0);
          structio::sleep(500ms);
        }
      });
    });
  });
}

TEST_CASE("an error that wakes a handler does not disturb what it handles", "[SCHED-13]") {
  face::run([] {
    structio::open_nursery([](structio::nursery& n) {
      structio::waiter* waiting = nullptr;
      n.start_soon([&] {
        bool rethrown = false;
        try {
          try {
            throw key_error();
          } catch (...) {
            structio::waiter waiter;
            waiting = &waiter;
            const auto swallow = [&] { CHECK(throws<value_error>([&] { waiter.park("test"); })); };
            swallow();
            throw;
          }
        } catch (const key_error&) {
          rethrown = true;
        }
        CHECK(rethrown);
      });
      structio::testing::wait_all_tasks_blocked();
      waiting->wake(std::make_exception_ptr(value_error()));
      structio::testing::wait_all_tasks_blocked();
    });
  });
}

TEST_CASE("an error that leaves a handler can keep what was handled", "[SCHED-14]") {
  const auto group = thrown<structio::exception_group>([] {
    face::run([] {
      structio::waiter* waiting = nullptr;
      structio::open_nursery([&](structio::nursery& n) {
        n.start_soon([&] {
          try {
            throw key_error();
          } catch (...) {
            structio::waiter waiter;
            waiting = &waiter;
            try {
              waiter.park("test");
            } catch (const value_error& error) {
              const std::string text = error.what();
              static_cast<void>(text);
            }
            std::throw_with_nested(value_error("outer"));
          }
        });
        structio::testing::wait_all_tasks_blocked();
        waiting->wake(std::make_exception_ptr(value_error("inner")));
        structio::testing::wait_all_tasks_blocked();
      });
    });
  });
  REQUIRE(group);
  REQUIRE(group->size() == 1);
  bool key_inside = false;
  try {
    std::rethrow_exception(group->exception(0));
  } catch (const std::exception& error) {
    CHECK(std::string(error.what()) == "outer");
    try {
      std::rethrow_if_nested(error);
    } catch (const key_error&) {
      key_inside = true;
    }
  }
  CHECK(key_inside);
}

TEST_CASE("a slow task makes others late by a step or two, however quick it was before",
          "[SCHED-08][SCHED-09]") {
  structio::run({.budget = 32}, [] {
    int slow_steps = 0;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        const auto spin = [](std::chrono::microseconds least) {
          const auto end = std::chrono::steady_clock::now() + least;
          while (std::chrono::steady_clock::now() < end) continue;
        };
        for (int i = 0; i < 10000; ++i) structio::checkpoint();
        for (int i = 0; i < 100; ++i) {  // by now it is known how slow it is
          spin(300us);
          structio::checkpoint();
        }
        for (;; ++slow_steps) {
          spin(300us);
          structio::checkpoint();
        }
      });
      while (slow_steps == 0) structio::checkpoint();
      const int before = slow_steps;
      structio::sleep(900us);
      CHECK(slow_steps - before <= 8);
      n.cancel_scope().cancel();
    });
  });
}
