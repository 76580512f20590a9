// Why was I cancelled: source, text and task, and how long they stay.
#include <structio/debug.hpp>

#include <string>
#include <type_traits>

#include "support/face.hpp"

using namespace face;
using structio::cancel_info;
using structio::cancel_source;
using structio::nursery;
using structio::open_nursery;

namespace {

/// What a checkpoint, or another call, is cancelled with.
template <class Fn>
cancel_info reason_of(Fn&& fn) {
  const auto caught = thrown<structio::cancelled>(fn);
  return caught ? caught->reason() : cancel_info{};
}

cancel_info reason_now() {
  return reason_of([] { structio::checkpoint(); });
}

cancel_info reason_asleep() {
  return reason_of([] { structio::sleep_forever(); });
}

}  // namespace

TEST_CASE("the text of a cancellation", "[REASON-01]") {
  structio::run({.name = "boss"}, [] {
    structio::cancel_scope scope;
    scope.run([&] {
      scope.cancel("hello");
      const auto caught = thrown<structio::cancelled>([] { structio::checkpoint(); });
      REQUIRE(caught);
      CHECK(std::string(caught->what()) == "cancelled due to explicit: hello (from task 'boss')");
      char text[100];
      structio_cancel_describe(text, sizeof text);
      CHECK(std::string(text) == caught->what());
    });
    structio::cancel_scope late({.deadline = structio::time_point::min()});
    late.run([&] {
      const auto caught = thrown<structio::cancelled>([] { structio::checkpoint(); });
      REQUIRE(caught);
      CHECK(std::string(caught->what()) == "cancelled due to deadline");
    });
  });
}

TEST_CASE("cancelled is the library's to make, and not for handlers of errors",
          "[REASON-02][REASON-03]") {
  static_assert(std::is_final_v<structio::cancelled>);
  static_assert(!std::is_default_constructible_v<structio::cancelled>);
  static_assert(!std::is_constructible_v<structio::cancelled, structio::failure>);
  static_assert(std::is_copy_constructible_v<structio::cancelled>);
  static_assert(!std::is_convertible_v<structio::cancelled*, std::exception*>);
  static_assert(!std::is_convertible_v<structio::interrupted*, std::exception*>);
  static_assert(!std::is_default_constructible_v<structio::interrupted>);
  // A copy outlives the scope, and the run.
  std::optional<structio::cancelled> kept;
  face::run([&] {
    structio::cancel_scope scope;
    scope.run([&] {
      scope.cancel("for good");
      kept = thrown<structio::cancelled>([] { structio::checkpoint(); });
      throw *kept;
    });
    CHECK(scope.cancelled_caught());
  });
  REQUIRE(kept);
  CHECK(kept->reason().text == "for good");
  CHECK(kept->reason().source == cancel_source::explicit_call);
  CHECK(kept->reason().task_name == "main");
}

TEST_CASE("an explicit cancellation", "[REASON-04]") {
  face::run([] {
    structio::cancel_scope scope;
    scope.run([&] {
      CHECK(!structio::cancel_reason());
      scope.cancel("hello");
      const auto why = reason_now();
      CHECK(why.source == cancel_source::explicit_call);
      CHECK(why.text == "hello");
      CHECK(why.task_name == "main");
      const auto seen = structio::cancel_reason();
      REQUIRE(seen);
      CHECK(seen->source == cancel_source::explicit_call);
      CHECK(seen->text == "hello");
      CHECK(seen->task_name == "main");
    });
    CHECK(!structio::cancel_reason());
    structio::cancel_scope wordless;
    wordless.run([&] {
      wordless.cancel();
      const auto why = reason_now();
      CHECK(why.source == cancel_source::explicit_call);
      CHECK(why.text.empty());
      CHECK(why.task_name == "main");
    });
  });
}

TEST_CASE("a deadline that has passed", "[REASON-05]") {
  face::run([] {
    const auto check = [] {
      const auto why = reason_now();
      CHECK(why.source == cancel_source::deadline);
      CHECK(why.text.empty());
      CHECK(why.task_name.empty());
    };
    structio::cancel_scope before({.deadline = structio::time_point::min()});
    before.run(check);
    structio::cancel_scope inside;
    inside.run([&] {
      inside.set_deadline(structio::time_point::min());
      check();
    });
    structio::cancel_scope later({.timeout = 1s});
    later.run([&] {
      const auto why = reason_asleep();
      CHECK(why.source == cancel_source::deadline);
    });
  });
}

TEST_CASE("the first cause stays", "[REASON-06][REASON-07]") {
  structio::testing::virtual_clock clock({.autojump = std::nullopt});
  run_with({}, clock, [&] {
    structio::cancel_scope scope({.timeout = 1s});
    scope.run([&] {
      scope.cancel("first");
      clock.jump(5s);
      CHECK(reason_now().source == cancel_source::explicit_call);
      CHECK(reason_now().text == "first");
    });
    structio::cancel_scope other({.timeout = 1s});
    other.run([&] {
      clock.jump(5s);
      CHECK(reason_now().source == cancel_source::deadline);
      other.cancel("second");
      CHECK(reason_now().source == cancel_source::deadline);
      CHECK(reason_now().text.empty());
    });
  });
}

TEST_CASE("inner scopes and children tell the cause of the outer", "[REASON-08]") {
  face::run([] {
    cancel_info child;
    cancel_info inner;
    structio::cancel_scope scope;
    scope.run([&] {
      open_nursery([&](nursery& n) {
        n.start_soon({.name = "child"}, [&] { child = reason_asleep(); });
        n.start_soon({.name = "inner"}, [&] {
          structio::cancel_scope own;
          own.run([&] { inner = reason_asleep(); });
        });
        n.start_soon({.name = "killer"}, [&] {
          structio::testing::wait_all_tasks_blocked();
          scope.cancel("from above");
        });
      });
    });
    for (const auto* why : {&child, &inner}) {
      CHECK(why->source == cancel_source::explicit_call);
      CHECK(why->text == "from above");
      CHECK(why->task_name == "killer");
    }
  });
}

TEST_CASE("a sibling's failure is quoted", "[REASON-09]") {
  face::run([] {
    cancel_info body;
    cancel_info started;
    CHECK(throws<structio::exception_group>([&] {
      open_nursery([&](nursery& n) {
        n.start_soon({.name = "crasher"}, [] { throw value_error("boom"); });
        body = reason_asleep();
        structio::shielded(10s, [&] {
          n.start([&](structio::task_status<void>& status) {
            status.started();
            started = reason_asleep();
          });
        });
      });
    }));
    for (const auto* why : {&body, &started}) {
      CHECK(why->source == cancel_source::nursery);
      CHECK_THAT(why->text, ContainsSubstring("value_error: boom"));
      CHECK(why->task_name == "crasher");
    }
  });
}

TEST_CASE("the body's failure is quoted", "[REASON-11]") {
  face::run([] {
    cancel_info child;
    CHECK(throws<structio::exception_group>([&] {
      open_nursery([&](nursery& n) {
        n.start_soon({.name = "child"}, [&] { child = reason_asleep(); });
        structio::checkpoint();
        throw value_error("boom");
      });
    }));
    CHECK(child.source == cancel_source::nursery);
    CHECK_THAT(child.text, ContainsSubstring("body"));
    CHECK_THAT(child.text, ContainsSubstring("value_error: boom"));
    CHECK(child.task_name == "main");
  });
}

TEST_CASE("a failed start is the body's failure", "[REASON-12]") {
  face::run([] {
    cancel_info child;
    CHECK(throws<structio::exception_group>([&] {
      open_nursery([&](nursery& n) {
        n.start_soon({.name = "child"}, [&] { child = reason_asleep(); });
        structio::checkpoint();
        n.start([](structio::task_status<void>&) { throw value_error("boom"); });
      });
    }));
    CHECK(child.source == cancel_source::nursery);
    CHECK_THAT(child.text, ContainsSubstring("body"));
    CHECK(child.task_name == "main");
  });
}

TEST_CASE("an interrupt that the parent takes is its children's reason", "[REASON-13]") {
  face::run([] {
    cancel_info child;
    const auto group = thrown<structio::exception_group>([&] {
      open_nursery([&](nursery& n) {
        n.start_soon({.name = "child"}, [&] { child = reason_asleep(); });
        n.start_soon([&] {
          structio::testing::wait_all_tasks_blocked();
          structio::testing::inject_interrupt();
        });
      });
    });
    REQUIRE(group);
    CHECK(group->size() == 1);
    CHECK(count<structio::interrupted>(*group) == 1);
    CHECK(child.source == cancel_source::interrupt);
    CHECK(child.task_name == "main");
  });
}

TEST_CASE("a stop says so", "[REASON-04]") {
  face::run([] {
    cancel_info polite;
    cancel_info rest;
    structio::cancel_scope scope;
    scope.run([&] {
      open_nursery([&](nursery& n) {
        n.start_soon([&] {
          structio::cancel_scope idle({.ends_on_stop = true});
          idle.run([&] { polite = reason_asleep(); });
        });
        n.start_soon([&] { rest = reason_asleep(); });
        structio::checkpoint();
        scope.stop(5s, "maintenance");
        CHECK(structio::stop_requested());
      });
    });
    for (const auto* why : {&polite, &rest}) {
      CHECK(why->source == cancel_source::stop);
      CHECK(why->text == "maintenance");
    }
  });
}
