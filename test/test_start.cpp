// nursery.start: children that say when they are ready, and whose failures until then are the
// starter's own.
#include <structio/debug.hpp>

#include <string>
#include <vector>

#include "support/face.hpp"

using namespace face;
using structio::exception_group;
using structio::nursery;
using structio::open_nursery;
using structio::task_status;

namespace {

double wait_start_wait(task_status<double>& status, double seconds) {
  const std::chrono::duration<double> pause(seconds);
  structio::sleep(pause);
  status.started(seconds);
  structio::sleep(pause);
  return seconds;
}

std::size_t children(nursery& n) {
  return structio::debug::children(n.native()).size();
}

}  // namespace

TEST_CASE("start returns when the child has started", "[START-01]") {
  face::run([] {
    for (const double pause : {0.0, 1.0, 10.0}) {
      const auto begin = structio::now();
      open_nursery([&](nursery& n) {
        CHECK(children(n) == 0);
        CHECK(n.start<double>(wait_start_wait, pause) == pause);
        CHECK(seconds_since(begin) == pause);
        if (pause > 0) CHECK(children(n) == 1);
      });
      CHECK(seconds_since(begin) == 2 * pause);
    }
  });
}

TEST_CASE("start hands over values of any movable type, or none", "[START-01]") {
  face::run([] {
    bool running = false;
    open_nursery([&](nursery& n) {
      auto value = n.start<std::unique_ptr<int>>({.name = "child"}, [](auto& status) {
        CHECK(structio::task_name() == "child");
        status.started(std::make_unique<int>(5));
        structio::sleep(1s);
      });
      CHECK(*value == 5);
      n.start([&](task_status<void>& status) {
        status.started();
        running = true;
        structio::sleep(1s);
        running = false;
      });
      structio::checkpoint();
      CHECK(running);
    });
  });
}

TEST_CASE("a function with a status can be called directly", "[START-03]") {
  face::run([] {
    const auto begin = structio::now();
    CHECK(wait_start_wait(structio::task_status_ignored, 2) == 2);
    CHECK(seconds_since(begin) == 4);
    task_status<void>& ignored = structio::task_status_ignored;
    ignored.started();
    ignored.started();
  });
}

TEST_CASE("started can be called once", "[START-04]") {
  face::run([] {
    open_nursery([](nursery& n) {
      const int value = n.start<int>([](task_status<int>& status) {
        status.started(1);
        CHECK(throws<structio::usage_error>([&] { status.started(2); }));
        structio::checkpoint();
        CHECK(throws<structio::usage_error>([&] { status.started(3); }));
      });
      CHECK(value == 1);
    });
  });
}

TEST_CASE("a child that fails before it started fails its starter alone", "[START-05]") {
  face::run([] {
    const auto error = std::make_exception_ptr(key_error());
    open_nursery([&](nursery& n) {
      std::exception_ptr seen;
      try {
        n.start<int>([&](task_status<int>&) {
          structio::sleep(1s);
          std::rethrow_exception(error);
        });
      } catch (const key_error&) {
        seen = std::current_exception();
      }
      CHECK(seen == error);
      CHECK(!n.cancel_scope().cancel_called());
      structio::checkpoint();
    });
  });
}

TEST_CASE("nested exceptions survive start", "[START-06]") {
  face::run([] {
    open_nursery([](nursery& n) {
      bool nested = false;
      try {
        n.start([](task_status<void>&) {
          try {
            throw value_error("cause");
          } catch (...) {
            std::throw_with_nested(key_error());
          }
        });
      } catch (const key_error& error) {
        nested = throws<value_error>([&] { std::rethrow_if_nested(error); });
      }
      CHECK(nested);
    });
  });
}

TEST_CASE("a child's own group comes out of start as it is", "[START-07]") {
  face::run([] {
    const exception_group mine{std::make_exception_ptr(value_error())};
    open_nursery([&](nursery& n) {
      const auto group =
          thrown<exception_group>([&] { n.start([&](task_status<void>&) { throw mine; }); });
      REQUIRE(group);
      CHECK(group->as_failure() == mine.as_failure());
    });
  });
}

TEST_CASE("a failure after started is the nursery's", "[START-08]") {
  face::run([] {
    bool start_returned = false;
    const auto group = thrown<exception_group>([&] {
      open_nursery([&](nursery& n) {
        n.start<int>([](task_status<int>& status) {
          status.started(1);
          throw key_error();
        });
        start_returned = true;
        structio::sleep_forever();
      });
    });
    CHECK(start_returned);
    REQUIRE(group);
    CHECK(group->size() == 1);
    CHECK(count<key_error>(*group) == 1);
  });
}

TEST_CASE("a child that ends without having started is a usage error", "[START-09]") {
  face::run([] {
    open_nursery([](nursery& n) {
      const auto error =
          thrown<structio::usage_error>([&] { n.start<int>([](task_status<int>&) {}); });
      REQUIRE(error);
      CHECK_THAT(error->what(), ContainsSubstring("without"));
      CHECK_THAT(error->what(), ContainsSubstring("started"));
      structio::checkpoint();
    });
  });
}

TEST_CASE("start in a cancelled scope, the child goes on to block", "[START-10]") {
  face::run([] {
    open_nursery([](nursery& n) {
      structio::cancel_scope scope;
      bool returned = false;
      scope.run([&] {
        scope.cancel();
        n.start<std::string>([&](task_status<std::string>& status) {
          status.started("hi");
          structio::checkpoint();
        });
        returned = true;
      });
      CHECK(!returned);
      CHECK(scope.cancelled_caught());
      CHECK(children(n) == 0);
    });
  });
}

TEST_CASE("start in a cancelled scope, the child just returns", "[START-11]") {
  face::run([] {
    open_nursery([](nursery& n) {
      structio::cancel_scope scope;
      int value = 0;
      scope.run([&] {
        scope.cancel();
        value = n.start<int>([](task_status<int>& status) { status.started(5); });
      });
      CHECK(value == 5);
      CHECK(!scope.cancelled_caught());
    });
  });
}

TEST_CASE("start in a cancelled scope, the child fails", "[START-12]") {
  face::run([] {
    open_nursery([](nursery& n) {
      structio::cancel_scope scope;
      CHECK(throws<key_error>([&] {
        scope.run([&] {
          scope.cancel();
          n.start<int>([](task_status<int>& status) {
            status.started(5);
            throw key_error();
          });
        });
      }));
      CHECK(!scope.cancelled_caught());
    });
  });
}

TEST_CASE("start in a nursery that has ended is refused at once", "[START-13]") {
  face::run([] {
    structio_nursery storage;
    REQUIRE(structio_nursery_open(&storage) == 0);
    REQUIRE(structio_nursery_close(&storage, 0, nullptr) == 0);
    static bool ran;
    ran = false;
    const auto begin = structio::now();
    const auto child = [](void*) {
      ran = true;
      return structio_started(nullptr);
    };
    CHECK(structio_nursery_start(&storage, nullptr, child, nullptr, nullptr) == STRUCTIO_ECLOSED);
    structio::checkpoint();
    CHECK(!ran);
    CHECK(structio::now() == begin);
  });
}

TEST_CASE("pending starts keep the nursery open", "[START-14]") {
  face::run([] {
    const auto begin = structio::now();
    const auto child = [](task_status<void>& status) {
      structio::sleep(2s);
      status.started();
      structio::sleep(3s);
    };
    open_nursery([&](nursery& starters) {
      open_nursery([&](nursery& target) {
        starters.start_soon([&] { target.start(child); });
        starters.start_soon([&] {
          structio::sleep(1s);
          target.start(child);
        });
        structio::sleep(1s);
        structio::checkpoint();
      });
      CHECK(seconds_since(begin) == 6);
    });
    CHECK(seconds_since(begin) == 6);
  });
}

TEST_CASE("a pending start that crashes lets the nursery end", "[START-15]") {
  face::run([] {
    const auto begin = structio::now();
    open_nursery([&](nursery& starters) {
      open_nursery([&](nursery& target) {
        starters.start_soon([&] {
          CHECK(throws<value_error>([&] {
            target.start([](task_status<void>&) {
              structio::sleep(7s);
              throw value_error();
            });
          }));
          CHECK(seconds_since(begin) == 7);
        });
        structio::sleep(1s);
      });
      CHECK(seconds_since(begin) == 7);
    });
  });
}

TEST_CASE("moving to a cancelled nursery cancels the child and its own", "[START-16][START-17]") {
  for (const bool cancel_first : {true, false}) {
    face::run([&] {
      int sleepers_cancelled = 0;
      bool child_cancelled = false;
      open_nursery([&](nursery& n) {
        n.start<int>([&](task_status<int>& status) {
          open_nursery([&](nursery& own) {
            for (int i = 0; i < 2; ++i) {
              own.start_soon([&] {
                if (is_cancelled([] { structio::sleep_forever(); })) ++sleepers_cancelled;
              });
            }
            structio::testing::wait_all_tasks_blocked();
            if (cancel_first) n.cancel_scope().cancel();
            status.started(1);
            if (!cancel_first) n.cancel_scope().cancel();
            child_cancelled = is_cancelled([] { structio::sleep_forever(); });
          });
        });
        CHECK(n.cancel_scope().cancel_called());
      });
      CHECK(sleepers_cancelled == 2);
      CHECK(child_cancelled);
    });
  }
}

TEST_CASE("until it has started a child lives somewhere else", "[START-18]") {
  face::run([] {
    open_nursery([](nursery& n) {
      using structio::debug::eventual_parent_nursery;
      using structio::debug::parent_nursery;
      structio_nursery* hidden = nullptr;
      n.start([&](task_status<void>& status) {
        const auto self = structio::current_task();
        hidden = parent_nursery(self);
        CHECK(hidden != nullptr);
        CHECK(hidden != n.native());
        CHECK(structio::debug::parent_task(hidden) == structio::debug::root_task());
        CHECK(eventual_parent_nursery(self) == n.native());
        status.started();
        CHECK(parent_nursery(self) == n.native());
        CHECK(eventual_parent_nursery(self) == nullptr);
      });
    });
  });
}

TEST_CASE("until it has started a child is cancelled with its starter", "[START-20]") {
  face::run([] {
    open_nursery([](nursery& n) {
      bool child_cancelled = false;
      const bool finished = structio::move_on_after(2s, [&] {
        n.start([&](task_status<void>&) {
          child_cancelled = is_cancelled([] { structio::sleep_forever(); });
          structio::checkpoint();
        });
      });
      CHECK(!finished);
      CHECK(child_cancelled);
      CHECK(!n.cancel_scope().cancel_called());
    });
  });
}

TEST_CASE("a started child is no longer cancelled with its starter", "[START-20]") {
  face::run([] {
    bool child_finished = false;
    open_nursery([&](nursery& n) {
      structio::cancel_scope scope;
      scope.run([&] {
        n.start([&](task_status<void>& status) {
          status.started();
          structio::sleep(3s);
          child_finished = true;
        });
        scope.cancel();
        structio::checkpoint();
      });
      CHECK(scope.cancelled_caught());
    });
    CHECK(child_finished);
  });
}

TEST_CASE("nobody else gets into the hidden nursery", "[START-19]") {
  face::run([] {
    bool ran = false;
    open_nursery([&](nursery& n) {
      n.start([&](task_status<void>& status) {
        structio_nursery* hidden = structio::debug::parent_nursery(structio::current_task());
        const auto other = [](void* arg) {
          *static_cast<bool*>(arg) = true;
          return 0;
        };
        CHECK(structio_nursery_start_soon(hidden, other, &ran) == STRUCTIO_EMISUSE);
        status.started();
      });
    });
    CHECK(!ran);
  });
}
