// Being told when a scope is cancelled, and std::stop_token made of it.
#include <structio/thread.hpp>
#include <structio/token.hpp>

#include <string>
#include <vector>

#include "support/face.hpp"
#include "support/refusals.hpp"

using namespace c_tasks;
using namespace std::chrono_literals;

namespace {

void count(void* n) {
  ++*static_cast<int*>(n);
}

}  // namespace

TEST_CASE("a watch is told once, within the call that cancels", "[scope_watch]") {
  auto main = [&] {
    structio_scope scope;
    structio_scope_watch first;
    structio_scope_watch second;
    structio_scope_watch third;
    int told = 0;
    CHECK(scope_block(scope, [&] {
            CHECK(structio_scope_on_cancel(&scope, &first, count, &told) == 0);
            CHECK(structio_scope_on_cancel(&scope, &second, count, &told) == 0);
            CHECK(structio_scope_on_cancel(&scope, &third, count, &told) == 0);
            CHECK(structio_scope_watch_remove(&second) == 0);
            CHECK(told == 0);
            structio_scope_cancel(&scope, nullptr);
            CHECK(told == 2);
            structio_scope_cancel(&scope, nullptr);
            CHECK(told == 2);
            CHECK(structio_scope_on_cancel(&scope, &second, count, &told) == 0);
            CHECK(told == 3);  // at once
            return structio_checkpoint();
          }) == 0);
    CHECK(structio_scope_watch_remove(&first) == 0);
    CHECK(refused(structio_scope_on_cancel(&scope, &first, count, &told), STRUCTIO_EMISUSE,
                  {"left"}));
    return 0;
  };
  CHECK(run(main) == 0);
}

TEST_CASE("deadlines, outer scopes and shields count as they do for tasks", "[scope_watch]") {
  auto main = [&] {
    structio_scope outer;
    structio_scope inner;
    structio_scope_watch watch;
    int told = 0;
    CHECK(scope_block(outer, [&] {
            structio_scope_options options = scope_options();
            options.shield = 1;
            return scope_block(
                inner,
                [&] {
                  structio_scope_on_cancel(&inner, &watch, count, &told);
                  structio_scope_cancel(&outer, nullptr);
                  CHECK(told == 0);
                  structio_scope_set_shield(&inner, 0);
                  CHECK(told == 1);
                  return structio_checkpoint();
                },
                options);
          }) == 0);
    CHECK(scope_block(inner, [&] {
            structio_scope_on_cancel(&inner, &watch, count, &told);
            structio_scope_set_timeout(&inner, STRUCTIO_SECONDS(5));
            return structio_sleep_forever();
          }) == 0);
    CHECK(told == 2);
    // Cancelled before it is entered: told on entry.
    CHECK(structio_scope_init(&inner, nullptr) == 0);
    structio_scope_cancel(&inner, nullptr);
    structio_scope_on_cancel(&inner, &watch, count, &told);
    CHECK(told == 2);
    structio_scope_enter(&inner);
    CHECK(told == 3);
    CHECK(structio_scope_leave(&inner, 0, nullptr) == 0);
    // Left without a cancellation: nobody is told, and nothing is touched.
    structio_scope_init(&inner, nullptr);
    structio_scope_enter(&inner);
    structio_scope_on_cancel(&inner, &watch, count, &told);
    structio_scope_leave(&inner, 0, nullptr);
    structio_scope_cancel(&inner, nullptr);
    CHECK(told == 3);
    return structio_scope_watch_remove(&watch);
  };
  virtual_clock clock(0);
  CHECK(run(main, clock.options()) == 0);
}

TEST_CASE("who is told must not block, and may cancel and remove others", "[scope_watch]") {
  struct fixture {
    structio_scope scope;
    structio_scope other;
    structio_scope_watch watch;
    structio_scope_watch next;
    int code = 0;
    int told = 0;
  } f;
  auto main = [&] {
    return scope_block(f.other, [&] {
      return scope_block(f.scope, [&] {
        const auto told = [](void* arg) {
          auto& self = *static_cast<fixture*>(arg);
          self.code = structio_sleep(1);
          structio_scope_watch_remove(&self.next);
          structio_scope_cancel(&self.other, nullptr);
        };
        structio_scope_on_cancel(&f.scope, &f.watch, told, &f);
        structio_scope_on_cancel(&f.scope, &f.next, count, &f.told);
        // Whichever of the two is told first.
        structio_scope_cancel(&f.scope, nullptr);
        return structio_checkpoint();
      });
    });
  };
  CHECK(run(main) == 0);
  CHECK(f.code == STRUCTIO_ENOTASK);
  CHECK(f.told <= 1);
  CHECK(structio_scope_cancelled_caught(&f.other) == 1);
}

TEST_CASE("bad watches are refused", "[scope_watch]") {
  structio_scope_watch watch = garbage<structio_scope_watch>(0x5a);
  structio_scope scope;
  structio_scope_init(&scope, nullptr);
  CHECK(structio_scope_watch_remove(&watch) == STRUCTIO_EINVALID);
  CHECK(structio_scope_watch_remove(nullptr) == STRUCTIO_EINVALID);
  CHECK(structio_scope_on_cancel(&scope, nullptr, count, nullptr) == STRUCTIO_EINVALID);
  CHECK(structio_scope_on_cancel(&scope, &watch, nullptr, nullptr) == STRUCTIO_EINVALID);
  CHECK(structio_scope_on_cancel(&scope, &watch, count, nullptr) == STRUCTIO_ENOTASK);
}

#if defined(__cpp_lib_jthread)
TEST_CASE("a stop token of a scope reaches a thread", "[THR-30]") {
  structio::cancel_scope scope;
  bool stopped = false;
  face::run([&] {
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        scope.run([&] {
          auto stop = structio::stop_source_of(scope);
          structio::run_in_thread([&stopped, token = stop.token()] {
            while (!token.stop_requested()) {
            }
            stopped = true;
          });
        });
      });
      structio::testing::wait_all_tasks_blocked();
      CHECK(!stopped);
      scope.cancel();
    });
  });
  CHECK(stopped);
}

TEST_CASE("a stop token outlives its source", "[THR-30]") {
  std::stop_token token;
  face::run([&] {
    structio::move_on_after(5s, [&](structio::cancel_scope& scope) {
      auto stop = structio::stop_source_of(scope);
      token = stop.token();
      CHECK(!token.stop_requested());
      structio::sleep(10s);
    });
  });
  CHECK(token.stop_requested());
}
#endif
