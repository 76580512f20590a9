// Nurseries: what fails and how it is reported, who waits for whom, what may be started when.
#include <structio/debug.hpp>
#include <structio/sync.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "support/face.hpp"

using namespace face;
using structio::exception_group;
using structio::nursery;
using structio::open_nursery;

namespace {

/// The group that a run of `fn` ends with.
template <class Fn>
exception_group group_of(Fn&& fn) {
  auto group = thrown<exception_group>([&] { face::run(fn); });
  REQUIRE(group);
  return *group;
}

void sleeper() {
  structio::sleep_forever();
}

}  // namespace

TEST_CASE("what the body throws comes out in a group", "[NUR-01][NUR-17]") {
  const auto error = std::make_exception_ptr(value_error());
  const auto group = group_of([&] { open_nursery([&] { std::rethrow_exception(error); }); });
  REQUIRE(group.size() == 1);
  CHECK(group.exception(0) == error);
}

TEST_CASE("what a child throws comes out in a group", "[NUR-02][NUR-17]") {
  const auto error = std::make_exception_ptr(value_error());
  const auto group = group_of([&] {
    open_nursery([&](nursery& n) { n.start_soon([&] { std::rethrow_exception(error); }); });
  });
  REQUIRE(group.size() == 1);
  CHECK(group.exception(0) == error);
}

TEST_CASE("body and child may both fail", "[NUR-03]") {
  const auto group = group_of([] {
    open_nursery([](nursery& n) {
      n.start_soon([] { throw value_error(); });
      throw key_error();
    });
  });
  CHECK(group.size() == 2);
  CHECK(count<key_error>(group) == 1);
  CHECK(count<value_error>(group) == 1);
}

TEST_CASE("two children may fail", "[NUR-04]") {
  const auto group = group_of([] {
    open_nursery([](nursery& n) {
      n.start_soon([] { throw value_error(); });
      n.start_soon([] { throw key_error(); });
    });
  });
  CHECK(group.size() == 2);
  CHECK(count<key_error>(group) == 1);
  CHECK(count<value_error>(group) == 1);
}

TEST_CASE("a child's failure wakes the body", "[NUR-06][SRC-04]") {
  bool body_cancelled = false;
  const auto group = group_of([&] {
    open_nursery([&](nursery& n) {
      n.start_soon([] { throw value_error(); });
      body_cancelled = is_cancelled(sleeper);
    });
  });
  CHECK(body_cancelled);
  CHECK(group.size() == 1);
  CHECK(count<value_error>(group) == 1);
}

TEST_CASE("the body's failure cancels the children, and all are awaited", "[SRC-04]") {
  int ended = 0;
  const auto group = group_of([&] {
    open_nursery([&](nursery& n) {
      for (int i = 0; i < 3; ++i) {
        n.start_soon([&] {
          const bool cancelled = is_cancelled(sleeper);
          structio::shielded(10s, [] { structio::sleep(5s); });
          if (cancelled) ++ended;
        });
      }
      structio::checkpoint();
      throw value_error();
    });
  });
  CHECK(ended == 3);
  CHECK(group.size() == 1);
}

TEST_CASE("the group holds its members and nothing of itself", "[NUR-07]") {
  const auto held = std::make_shared<int>(1);
  struct with_resource {
    std::shared_ptr<int> resource;
  };
  {
    const auto group = group_of([&] {
      open_nursery([&](nursery& n) {
        n.start_soon([&] { throw with_resource{held}; });
        throw value_error();
      });
    });
    CHECK(dynamic_cast<const std::nested_exception*>(static_cast<const std::exception*>(&group)) ==
          nullptr);
    CHECK(held.use_count() == 2);
  }
  CHECK(held.use_count() == 1);
}

TEST_CASE("an empty nursery in a cancelled scope gives way but is no cancel point", "[NUR-08]") {
  face::run([] {
    structio::cancel_scope scope;
    scope.run([&] {
      scope.cancel();
      const auto before = structio::testing::count_checkpoints();
      open_nursery([] {});
      CHECK(structio::testing::count_checkpoints().schedule_points > before.schedule_points);
    });
    CHECK(!scope.cancelled_caught());
  });
}

TEST_CASE("waiting for a child is no cancel point", "[NUR-09][NUR-27]") {
  face::run([] {
    bool ran = false;
    structio::cancel_scope scope;
    scope.run([&] {
      scope.cancel();
      open_nursery([&](nursery& n) { n.start_soon([&] { ran = true; }); });
    });
    CHECK(ran);
    CHECK(!scope.cancelled_caught());
  });
}

TEST_CASE("an error in a cancelled nursery comes out alone", "[NUR-10]") {
  face::run([] {
    structio::cancel_scope scope;
    const auto group = thrown<exception_group>([&] {
      scope.run([&] {
        scope.cancel();
        open_nursery([] { throw key_error(); });
      });
    });
    REQUIRE(group);
    CHECK(group->size() == 1);
    CHECK(count<key_error>(*group) == 1);
    CHECK(!scope.cancelled_caught());
  });
}

TEST_CASE("a child of a cancelled nursery begins, and is cancelled when it blocks", "[NUR-11]") {
  face::run([] {
    bool began = false;
    bool cancelled = false;
    open_nursery([&](nursery& n) {
      n.cancel_scope().cancel();
      n.start_soon([&] {
        began = true;
        cancelled = is_cancelled(sleeper);
        structio::checkpoint();
      });
    });
    CHECK(began);
    CHECK(cancelled);
  });
}

TEST_CASE("cancellation reaches the leaves of the tree", "[NUR-12]") {
  face::run([] {
    int leaves = 0;
    open_nursery([&](nursery& n) {
      for (int i = 0; i < 2; ++i) {
        n.start_soon([&] {
          open_nursery([&](nursery& inner) {
            for (int j = 0; j < 2; ++j) {
              inner.start_soon([&] {
                if (is_cancelled(sleeper)) ++leaves;
              });
            }
          });
        });
      }
      structio::testing::wait_all_tasks_blocked();
      n.cancel_scope().cancel();
    });
    CHECK(leaves == 4);
  });
}

TEST_CASE("a child may start others after the body has ended", "[NUR-13][SRC-23]") {
  face::run([] {
    const auto start = structio::now();
    bool grandchild_done = false;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        structio::sleep(1s);
        // Its very last step.
        n.start_soon([&] {
          structio::sleep(1s);
          grandchild_done = true;
        });
      });
    });
    CHECK(grandchild_done);
    CHECK(seconds_since(start) == 2);
  });
}

TEST_CASE("who comes when the last child has gone is awaited as well", "[NUR-13]") {
  structio::testing::virtual_clock clock;
  face::run_with({}, clock, [] {  // without a seed, so that tasks run in the order of their waking
    structio::event last_step;
    bool late_done = false;
    nursery* closing = nullptr;
    open_nursery([&](nursery& around) {
      around.start_soon([&] {
        last_step.wait();
        closing->start_soon([&] {
          structio::checkpoint();
          late_done = true;
        });
      });
      structio::testing::wait_all_tasks_blocked();
      open_nursery([&](nursery& n) {
        closing = &n;
        n.start_soon([&] { last_step.set(); });  // and ends, which wakes its nursery's owner second
      });
      CHECK(late_done);
    });
  });
}

TEST_CASE("nothing is started in a nursery that has ended", "[NUR-14]") {
  face::run([] {
    structio_nursery storage;
    REQUIRE(structio_nursery_open(&storage) == 0);
    REQUIRE(structio_nursery_close(&storage, 0, nullptr) == 0);
    static bool ran;
    ran = false;
    const auto child = [](void*) {
      ran = true;
      return 0;
    };
    CHECK(structio_nursery_start_soon(&storage, child, nullptr) == STRUCTIO_ECLOSED);
    structio::testing::wait_all_tasks_blocked();
    CHECK(!ran);
  });
}

TEST_CASE("cancelled children of an outer scope are told until that scope", "[NUR-15]") {
  face::run([] {
    structio::cancel_scope outer;
    std::optional<exception_group> left_nursery;
    const auto left_scope = thrown<exception_group>([&] {
      outer.run([&] {
        left_nursery = thrown<exception_group>([&] {
          open_nursery([&](nursery& n) {
            n.start_soon(sleeper);
            n.start_soon(sleeper);
            n.start_soon([] {
              structio::shielded(10s, [] { structio::sleep(2s); });
              throw key_error();
            });
            structio::sleep(1s);
            n.start_soon(sleeper);
            outer.cancel();
          });
        });
        if (left_nursery) throw *left_nursery;
      });
    });
    REQUIRE(left_nursery);
    CHECK(left_nursery->size() == 4);
    CHECK(count<structio::cancelled>(*left_nursery) == 3);
    CHECK(count<key_error>(*left_nursery) == 1);
    REQUIRE(left_scope);
    CHECK(left_scope->size() == 1);
    CHECK(count<key_error>(*left_scope) == 1);
    CHECK(outer.cancelled_caught());
  });
}

TEST_CASE("a task's open nurseries are listed from the outermost", "[NUR-16]") {
  face::run([] {
    using list = std::vector<structio_nursery*>;
    const auto task = structio::current_task();
    CHECK(structio::debug::nurseries(task).empty());
    open_nursery([&](nursery& outer) {
      CHECK(structio::debug::nurseries(task) == list{outer.native()});
      const bool failed = throws<exception_group>([&] {
        open_nursery([&](nursery& inner) {
          CHECK(structio::debug::nurseries(task) == list{outer.native(), inner.native()});
          throw key_error();
        });
      });
      CHECK(failed);
      CHECK(structio::debug::nurseries(task) == list{outer.native()});
    });
    CHECK(structio::debug::nurseries(task).empty());
  });
}

TEST_CASE("one failure or two, it is always a group", "[NUR-17]") {
  for (const int failures : {1, 2}) {
    const auto group = group_of([&] {
      open_nursery([&](nursery& n) {
        for (int i = 0; i < failures; ++i) n.start_soon([] { throw value_error(); });
      });
    });
    CHECK(group.size() == static_cast<std::size_t>(failures));
  }
}

TEST_CASE("cancelled members vanish at every depth, groups keep their nesting", "[NUR-19]") {
  const auto group = group_of([] {
    open_nursery([](nursery& outer) {
      outer.start_soon(sleeper);
      outer.start_soon([] { throw key_error(); });
      open_nursery([&](nursery& inner) {
        inner.start_soon(sleeper);
        inner.start_soon([] { throw value_error(); });
        outer.cancel_scope().cancel();
      });
    });
  });
  REQUIRE(group.size() == 2);
  CHECK(count<structio::cancelled>(group) == 0);
  std::vector<structio::failure_kind> kinds{group[0].kind(), group[1].kind()};
  CHECK(std::count(kinds.begin(), kinds.end(), structio::failure_kind::group) == 1);
  for (std::size_t i = 0; i < 2; ++i) {
    if (group[i].kind() != structio::failure_kind::group) continue;
    CHECK(group[i].size() == 1);
    CHECK(count<value_error>(group[i]) == 1);
  }
}

TEST_CASE("no type of exception is special", "[NUR-20]") {
  struct stop_iteration {};
  const auto group = group_of([] {
    open_nursery([](nursery& n) {
      n.start_soon([] { throw value_error(); });
      throw stop_iteration();
    });
  });
  CHECK(group.size() == 2);
  CHECK(count<stop_iteration>(group) == 1);
  CHECK(count<value_error>(group) == 1);
}

TEST_CASE("an iterator with a nursery inside unwraps its end", "[NUR-21]") {
  struct stop_iteration {};
  face::run([] {
    std::vector<int> left{1, 2, 3, 4};
    std::vector<int> right{5, 6};
    std::size_t at = 0;
    const auto step = [&](const std::vector<int>& from, int& to) {
      structio::checkpoint();
      if (at == from.size()) throw stop_iteration();
      to = from[at];
    };
    std::vector<std::pair<int, int>> zipped;
    bool ended = false;
    while (!ended) {
      std::pair<int, int> both;
      ended = throws<stop_iteration>([&] {
        structio::unwrap_single([&] {
          open_nursery([&](nursery& n) {
            n.start_soon([&] { step(left, both.first); });
            n.start_soon([&] { step(right, both.second); });
          });
        });
      });
      if (!ended) zipped.push_back(both);
      ++at;
    }
    CHECK(zipped == std::vector<std::pair<int, int>>{{1, 5}, {2, 6}});
  });
}

TEST_CASE("leaving a nursery waits for children that cannot be cancelled", "[NUR-27]") {
  face::run([] {
    const auto start = structio::now();
    structio::cancel_scope scope;
    scope.run([&] {
      open_nursery([&](nursery& n) {
        n.start_soon([] { structio::shielded(10s, [] { structio::sleep(3s); }); });
        structio::checkpoint();
        scope.cancel();
      });
    });
    CHECK(seconds_since(start) == 3);
  });
}

TEST_CASE("a task has its starter's name, or its own", "[NUR-28]") {
  face::run([] {
    open_nursery([](nursery& n) {
      n.start_soon([] { CHECK(structio::task_name() == "main"); });
      n.start_soon({.name = "worker"}, [] {
        CHECK(structio::task_name() == "worker");
        structio::set_task_name(std::string("renamed"));
        CHECK(structio::task_name() == "renamed");
      });
      n.start_service({.name = "service"}, [] { CHECK(structio::task_name() == "service"); });
    });
    structio::start_system_task({.name = "system"},
                                [] { CHECK(structio::task_name() == "system"); });
    structio::testing::wait_all_tasks_blocked();
    CHECK(structio::task_name(12345).empty());
  });
}

TEST_CASE("a group without a cancelled member passes a cancelled scope", "[NUR-29][CANCEL-26]") {
  face::run([] {
    structio::cancel_scope scope;
    const exception_group mine{std::make_exception_ptr(std::runtime_error("a")),
                               std::make_exception_ptr(std::runtime_error("b"))};
    const auto group = thrown<exception_group>([&] {
      scope.run([&] {
        scope.cancel();
        throw mine;
      });
    });
    REQUIRE(group);
    CHECK(group->as_failure() == mine.as_failure());
    CHECK(!scope.cancelled_caught());
  });
}

TEST_CASE("a child does not run before the starter's next checkpoint", "[SRC-03]") {
  structio::testing::virtual_clock clock;
  face::run_with({}, clock, [] {  // without a seed: then children begin in their order
    std::vector<int> order;
    open_nursery([&](nursery& n) {
      for (int i = 0; i < 3; ++i) n.start_soon([&order, i] { order.push_back(i); });
      CHECK(order.empty());
      structio::checkpoint();
      CHECK(order == std::vector<int>{0, 1, 2});
    });
  });
}

TEST_CASE("a child is under the nursery's scopes, not its starter's", "[SRC-07]") {
  face::run([] {
    bool finished = false;
    open_nursery([&](nursery& n) {
      structio::cancel_scope scope;
      scope.run([&] {
        n.start_soon([&] {
          structio::sleep(5s);
          finished = true;
        });
        scope.cancel();
      });
    });
    CHECK(finished);
  });
}
