// Entering and leaving a run: values, exceptions, nesting, time, statistics.
#include <structio/debug.hpp>

#include <memory>
#include <string>
#include <thread>
#include <type_traits>

#include "support/face.hpp"

using namespace face;
using structio::debug::get_statistics;

namespace {

template <class Main>
concept can_run = requires(Main program) {
  structio::run(program);
};

}  // namespace

TEST_CASE("run gives back what main returns", "[RUN-01]") {
  CHECK(structio::run([] { return 17; }) == 17);
  CHECK(structio::run([] {
          structio::checkpoint();
          return std::string("value");
        }) == "value");
  auto moved = structio::run([] {
    structio::checkpoint();
    return std::make_unique<int>(3);
  });
  CHECK(*moved == 3);
  bool ran = false;
  structio::run([&] { ran = true; });
  CHECK(ran);
}

TEST_CASE("a main that cannot be run is refused, and the thread can run again", "[RUN-02]") {
  static_assert(can_run<int (*)()>);
  static_assert(!can_run<int (*)(int)>);
  static_assert(!can_run<int>);
  CHECK(structio_run(nullptr, nullptr, nullptr) == STRUCTIO_EINVALID);
  CHECK(structio::run([] { return 1; }) == 1);
}

TEST_CASE("main's very exception comes out of run", "[RUN-03]") {
  const void* object = nullptr;
  const auto program = [&] {
    structio::checkpoint();
    try {
      throw value_error("17");
    } catch (const value_error& error) {
      object = &error;
      throw;
    }
  };
  bool caught = false;
  try {
    structio::run(program);
  } catch (const value_error& error) {
    caught = true;
    CHECK(&error == object);
    CHECK(std::string(error.what()) == "17");
  }
  CHECK(caught);
  // Not only what derives from std::exception.
  CHECK(throws<int>([] { structio::run([] { throw 5; }); }));
}

TEST_CASE("main may throw a group of its own", "[RUN-03]") {
  const auto group = thrown<structio::exception_group>([] {
    structio::run([] {
      throw structio::exception_group{std::make_exception_ptr(key_error()),
                                      std::make_exception_ptr(value_error())};
    });
  });
  REQUIRE(group);
  CHECK(group->size() == 2);
}

TEST_CASE("a run inside a run is refused and disturbs nothing", "[RUN-04]") {
  const int value = structio::run([] {
    const auto error = thrown<structio::usage_error>([] { structio::run([] {}); });
    CHECK(error);
    if (error) CHECK_THAT(error->what(), ContainsSubstring("inside a run"));
    structio::checkpoint();
    return 4;
  });
  CHECK(value == 4);
}

TEST_CASE("in_run and in_task tell where the caller is", "[RUN-06]") {
  const auto nowhere = [] { return !structio::in_run() && !structio::in_task(); };
  const auto inside = [] { return structio::in_run() && structio::in_task(); };
  CHECK(nowhere());
  structio::run([&] {
    CHECK(inside());
    bool thread_is_nowhere = false;
    std::thread([&] { thread_is_nowhere = nowhere(); }).join();
    CHECK(thread_is_nowhere);
    bool asked = false;
    structio::cancel_scope scope;
    scope.run([&] {
      scope.cancel();
      structio::waiter waiter;
      waiter.park("test", [&] {
        asked = inside();
        return structio::abort_result::done;
      });
    });
    CHECK(asked);
    CHECK(scope.cancelled_caught());
  });
  CHECK(nowhere());
}

TEST_CASE("a broken runtime ends the run with an internal error", "[RUN-07]") {
  CHECK(throws<structio::internal_error>([] {
    face::run([] {
      structio::testing::inject_internal_error();
      structio::sleep_forever();
    });
  }));
  CHECK(!structio::in_run());
  CHECK(structio::run([] { return 1; }) == 1);
}

TEST_CASE("the run's clock is monotonic", "[RUN-08]") {
  structio::run([] {
    const auto first = structio::now();
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < 2ms) structio::checkpoint();
    CHECK(structio::now() > first);
  });
  CHECK(throws<structio::usage_error>([] { structio::now(); }));
}

TEST_CASE("a virtual clock is the run's clock", "[RUN-09]") {
  structio::testing::virtual_clock clock;
  run_with({}, clock, [&] {
    CHECK(structio::now() == clock.now());
    clock.jump(3.15s);
    CHECK(structio::now() == clock.now());
    CHECK(structio::now().time_since_epoch() == 3150ms);
  });
}

TEST_CASE("a deadline on the real clock may be late, never early", "[RUN-10]") {
  structio::run([] {
    const auto start = std::chrono::steady_clock::now();
    CHECK(!structio::move_on_at(structio::now() + 30ms, [] { structio::sleep_forever(); }));
    const auto took = std::chrono::steady_clock::now() - start;
    CHECK(took >= 30ms);
    CHECK(took < 1s);
  });
}

TEST_CASE("statistics count tasks and callbacks at once", "[RUN-11]") {
  face::run([] {
    const auto idle = get_statistics();
    CHECK(idle.tasks_runnable == 0);
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([] { structio::sleep_forever(); });
      structio::testing::wait_all_tasks_blocked();
      CHECK(get_statistics().tasks_living == idle.tasks_living + 1);
      CHECK(get_statistics().tasks_spawned == idle.tasks_spawned + 1);
      CHECK(get_statistics().tasks_runnable == 0);
      structio::portal portal;
      portal.post([] {});
      portal.post([] {});
      CHECK(get_statistics().posted == 2);
      n.cancel_scope().cancel();
      CHECK(get_statistics().tasks_runnable == 1);
    });
    CHECK(get_statistics().tasks_living == idle.tasks_living);
  });
}

TEST_CASE("statistics know the next deadline", "[RUN-12]") {
  face::run([] {
    structio::cancel_scope scope({.deadline = structio::now() + 5s});
    scope.run(
        [] { CHECK(get_statistics().to_next_deadline == std::chrono::nanoseconds(5s).count()); });
    CHECK(get_statistics().to_next_deadline == STRUCTIO_FOREVER);
  });
}

TEST_CASE("the root task has no parent", "[RUN-13]") {
  CHECK(structio::debug::root_task() == 0);
  structio::run({.name = "the one"}, [] {
    const auto root = structio::debug::root_task();
    CHECK(root == structio::current_task());
    CHECK(structio::task_name(root) == "the one");
    CHECK(structio::debug::parent_nursery(root) == nullptr);
    CHECK(structio::debug::eventual_parent_nursery(root) == nullptr);
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] { CHECK(structio::debug::root_task() == root); });
    });
  });
  CHECK(structio::run([] { return structio::task_name(); }) == "main");
}

TEST_CASE("a blocking call from a thread that is no run's is a usage error", "[RUN-14]") {
  CHECK(throws<structio::usage_error>([] { structio::sleep(1s); }));
  CHECK(throws<structio::usage_error>([] { structio::checkpoint(); }));
  CHECK(throws<structio::usage_error>([] { structio::open_nursery([] {}); }));
  CHECK(throws<structio::usage_error>([] { structio::cancel_scope().run([] {}); }));
  bool sibling_cancelled = false;
  const auto group = thrown<structio::exception_group>([&] {
    structio::run([&] {
      structio::open_nursery([&](structio::nursery& n) {
        n.start_soon([&] { sibling_cancelled = is_cancelled([] { structio::sleep_forever(); }); });
        structio::checkpoint();
        std::exception_ptr error;
        std::thread([&] {
          try {
            structio::sleep(1s);
          } catch (...) {
            error = std::current_exception();
          }
        }).join();
        std::rethrow_exception(error);
      });
    });
  });
  REQUIRE(group);
  CHECK(sibling_cancelled);
  CHECK(count<structio::usage_error>(*group) == 1);
  const auto text = structio::to_string(*group);
  CHECK_THAT(text, ContainsSubstring("structio_sleep"));
}

TEST_CASE("what must not be made by hand cannot be", "[RUN-16][UTIL-05]") {
  static_assert(std::is_final_v<structio::nursery>);
  static_assert(!std::is_default_constructible_v<structio::nursery>);
  static_assert(!std::is_copy_constructible_v<structio::nursery>);
  static_assert(!std::is_move_constructible_v<structio::nursery>);
  static_assert(!std::is_destructible_v<structio::nursery>);
  static_assert(std::is_final_v<structio::cancel_scope>);
  static_assert(!std::is_copy_constructible_v<structio::cancel_scope>);
  static_assert(!std::is_move_constructible_v<structio::cancel_scope>);
  static_assert(!std::is_default_constructible_v<structio::task_status<int>>);
  static_assert(!std::is_default_constructible_v<structio::task_handle<int>>);
  face::run([] {
    bool ran = false;
    structio::open_nursery([&](structio::nursery&) { ran = true; });
    CHECK(ran);
  });
}

TEST_CASE("main's stack is as large as asked for", "[RUN-01]") {
  struct recursion {
    static std::size_t go(int depth) {
      char frame[1024];
      frame[0] = static_cast<char>(depth);
      auto* kept = static_cast<volatile char*>(frame);
      return depth == 0 ? 1 : go(depth - 1) + static_cast<std::size_t>(*kept == depth % 128);
    }
  };
  const auto depth = structio::run({.stack_size = 4 << 20}, [] { return recursion::go(2000); });
  CHECK(depth > 0);
}
