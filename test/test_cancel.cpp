// Cancel scopes: nesting, shields, absorbing, and what a scope says about itself.
#include <memory>
#include <string>

#include "support/face.hpp"

using namespace face;
using structio::cancel_scope;
using structio::exception_group;
using structio::nursery;
using structio::open_nursery;
using structio::scope_ref;

namespace {

bool checkpoint_is_cancelled() {
  return is_cancelled([] { structio::checkpoint(); });
}

}  // namespace

TEST_CASE("cancelling twice is cancelling once", "[CANCEL-01]") {
  face::run([] {
    cancel_scope scope;
    const bool finished = scope.run([&] {
      scope.cancel();
      scope.cancel();
      CHECK(scope.cancel_called());
      CHECK(!scope.cancelled_caught());
      structio::sleep_forever();
    });
    CHECK(!finished);
    CHECK(scope.cancel_called());
    CHECK(scope.cancelled_caught());
  });
}

TEST_CASE("cancellation is told again and again", "[CANCEL-02][FIB-01]") {
  face::run([] {
    cancel_scope scope;
    scope.run([&] {
      scope.cancel();
      for (int i = 0; i < 100; ++i) CHECK(is_cancelled([] { structio::sleep_forever(); }));
      int swallowed = 0;
      for (int i = 0; i < 3; ++i) {
        try {
          structio::checkpoint();
        } catch (...) {
          ++swallowed;
        }
      }
      CHECK(swallowed == 3);
    });
    CHECK(!scope.cancelled_caught());
    structio::checkpoint();
  });
}

TEST_CASE("a scope left without a cancel point caught nothing", "[CANCEL-03]") {
  face::run([] {
    cancel_scope scope;
    CHECK(scope.run([&] { scope.cancel(); }));
    CHECK(scope.cancel_called());
    CHECK(!scope.cancelled_caught());
    structio::checkpoint();
  });
}

TEST_CASE("the outermost cancelled scope catches", "[CANCEL-04][SRC-05]") {
  face::run([] {
    cancel_scope first;
    cancel_scope second;
    cancel_scope third;
    first.run([&] {
      second.run([&] {
        third.run([&] {
          third.cancel();
          second.cancel();
          structio::sleep_forever();
        });
        FAIL_CHECK("the second scope is cancelled");
      });
    });
    CHECK(third.cancel_called());
    CHECK(!third.cancelled_caught());
    CHECK(second.cancelled_caught());
    CHECK(!first.cancel_called());
    CHECK(!first.cancelled_caught());
  });
}

TEST_CASE("a shield stands against what comes from outside", "[CANCEL-05][CANCEL-08]") {
  face::run([] {
    cancel_scope outer;
    cancel_scope inner;
    outer.run([&] {
      inner.run([&] {
        outer.cancel();
        CHECK(checkpoint_is_cancelled());
        inner.set_shield(true);
        CHECK(inner.shield());
        structio::checkpoint();
        inner.cancel();
        structio::checkpoint();
        FAIL_CHECK("inner is cancelled");
      });
      CHECK(inner.cancelled_caught());
      CHECK(checkpoint_is_cancelled());
    });
    CHECK(!outer.cancelled_caught());
  });
}

TEST_CASE("a shield goes up and down, and does not shield from itself", "[CANCEL-06]") {
  face::run([] {
    cancel_scope outer;
    cancel_scope inner({.shield = true});
    cancel_scope third;
    outer.run([&] {
      inner.run([&] {
        outer.cancel();
        structio::checkpoint();
        inner.set_shield(false);
        CHECK(checkpoint_is_cancelled());
        inner.set_shield(true);
        structio::checkpoint();
        third.run([&] {
          structio::checkpoint();
          third.cancel();
          structio::sleep_forever();
        });
        CHECK(third.cancelled_caught());
        structio::checkpoint();
        third.cancel();
        inner.cancel();
        CHECK(checkpoint_is_cancelled());
      });
    });
  });
}

TEST_CASE("lowering a shield wakes who sleeps behind it", "[CANCEL-09]") {
  face::run([] {
    cancel_scope outer;
    bool cancelled = false;
    outer.run([&] {
      outer.cancel();
      open_nursery({.shield = true}, [&](nursery& n) {
        n.start_soon([&] {
          cancelled = is_cancelled([] { structio::sleep_forever(); });
          structio::checkpoint();
        });
        structio::testing::wait_all_tasks_blocked();
        CHECK(!cancelled);
        n.cancel_scope().set_shield(false);
      });
    });
    CHECK(cancelled);
    CHECK(outer.cancelled_caught());
  });
}

TEST_CASE("raising a shield on the way out does not claim the exception", "[CANCEL-10]") {
  face::run([] {
    cancel_scope outer;
    cancel_scope inner;
    outer.run([&] {
      outer.cancel();
      inner.run([&] {
        try {
          structio::checkpoint();
        } catch (...) {
          inner.set_shield(true);
          throw;
        }
      });
      FAIL_CHECK("inner must not catch");
    });
    CHECK(!inner.cancelled_caught());
    CHECK(outer.cancelled_caught());
  });
}

TEST_CASE("a scope may be cancelled before it is entered", "[CANCEL-11]") {
  face::run([] {
    cancel_scope scope;
    scope.cancel();
    CHECK(scope.cancel_called());
    bool entered = false;
    scope.run([&] {
      entered = true;
      structio::checkpoint();
      FAIL_CHECK("cancelled");
    });
    CHECK(entered);
    CHECK(scope.cancelled_caught());
  });
}

TEST_CASE("a scope made here may be entered and cancelled elsewhere", "[CANCEL-12]") {
  face::run([] {
    cancel_scope scope;
    open_nursery([&](nursery& n) {
      n.start_soon([&] { scope.run([] { structio::sleep_forever(); }); });
      structio::testing::wait_all_tasks_blocked();
      scope.cancel();
    });
    CHECK(scope.cancelled_caught());
  });
}

TEST_CASE("a shield set before entry holds from then on", "[CANCEL-13]") {
  face::run([] {
    cancel_scope outer;
    cancel_scope inner;
    inner.set_shield(true);
    outer.run([&] {
      outer.cancel();
      inner.run([&] {
        structio::checkpoint();
        inner.set_shield(false);
        structio::checkpoint();
      });
    });
    CHECK(!inner.cancelled_caught());
    CHECK(outer.cancelled_caught());
  });
}

TEST_CASE("cancelling a scope that was left is remembered, no more", "[CANCEL-14]") {
  face::run([] {
    cancel_scope scope;
    scope.run([] {});
    CHECK(!scope.cancel_called());
    scope.cancel();
    CHECK(scope.cancel_called());
    CHECK(!scope.cancelled_caught());
    structio::checkpoint();
  });
}

TEST_CASE("a scope is good for a single block", "[CANCEL-15]") {
  face::run([] {
    const auto refused = [](cancel_scope& scope) {
      const auto error = thrown<structio::usage_error>([&] { scope.run([] {}); });
      REQUIRE(error);
      CHECK_THAT(error->what(), ContainsSubstring("single block"));
    };
    cancel_scope scope;
    scope.run([&] {
      refused(scope);
      structio::checkpoint();
    });
    refused(scope);
    cancel_scope busy;
    bool disturbed = true;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        busy.run([&] {
          structio::sleep(2s);
          disturbed = false;
        });
      });
      structio::sleep(1s);
      refused(busy);
    });
    CHECK(!disturbed);
  });
}

TEST_CASE("locals of a cancelled task are destroyed before its nursery ends", "[CANCEL-29]") {
  face::run([] {
    const auto held = std::make_shared<int>(0);
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        const auto local = held;
        structio::sleep_forever();
      });
      structio::testing::wait_all_tasks_blocked();
      CHECK(held.use_count() == 2);
      n.cancel_scope().cancel();
    });
    CHECK(held.use_count() == 1);
  });
}

TEST_CASE("five thousand nested scopes unwind", "[CANCEL-24]") {
  struct deep {
    static void go(int depth, scope_ref outermost) {
      cancel_scope scope;
      scope.run([&] {
        if (depth > 0) return go(depth - 1, outermost);
        outermost.cancel();
        structio::checkpoint();
      });
    }
  };
  structio::testing::virtual_clock clock;
  run_with({.stack_size = 64 << 20}, clock, [] {
    cancel_scope outermost;
    outermost.run([&] { deep::go(5000, outermost); });
    CHECK(outermost.cancelled_caught());
  });
}

TEST_CASE("cancelled is taken out of a group, the rest goes on", "[CANCEL-27]") {
  face::run([] {
    cancel_scope scope;
    const auto group = thrown<exception_group>([&] {
      scope.run([&] {
        scope.cancel();
        std::exception_ptr cancelled;
        try {
          structio::checkpoint();
        } catch (...) {
          cancelled = std::current_exception();
        }
        throw exception_group{cancelled, std::make_exception_ptr(value_error())};
      });
    });
    CHECK(scope.cancelled_caught());
    REQUIRE(group);
    CHECK(group->size() == 1);
    CHECK(count<value_error>(*group) == 1);
  });
}

TEST_CASE("a group of nothing but cancelled vanishes", "[CANCEL-28]") {
  face::run([] {
    cancel_scope scope;
    const bool finished = scope.run([&] {
      scope.cancel();
      std::exception_ptr cancelled;
      try {
        structio::checkpoint();
      } catch (...) {
        cancelled = std::current_exception();
      }
      throw exception_group{cancelled,
                            std::make_exception_ptr(exception_group{cancelled, cancelled})};
    });
    CHECK(!finished);
    CHECK(scope.cancelled_caught());
  });
}

TEST_CASE("nothing is left behind", "[CANCEL-30]") {
  const auto held = std::make_shared<int>(0);
  struct error_with_resource {
    std::shared_ptr<int> resource;
  };
  face::run([&] {
    for (int i = 0; i < 10; ++i) {
      cancel_scope scope;
      scope.run([&, local = held] {
        scope.cancel();
        structio::checkpoint();
      });
      try {
        scope_ref(scope).cancel();
        cancel_scope filtering;
        filtering.run([&] {
          open_nursery([&](nursery& n) {
            n.start_soon([] { structio::sleep_forever(); });
            n.start_soon([&] { throw error_with_resource{held}; });
            filtering.cancel();
            structio::checkpoint();
          });
        });
      } catch (const exception_group& group) {
        CHECK(count<error_with_resource>(group) == 1);
        CHECK(held.use_count() > 1);
      }
      CHECK(held.use_count() == 1);
    }
  });
  CHECK(held.use_count() == 1);
}

TEST_CASE("what a body throws passes through its scope", "[FIB-03]") {
  face::run([] {
    const auto error = std::make_exception_ptr(key_error());
    cancel_scope scope;
    std::exception_ptr seen;
    try {
      scope.run([&] {
        scope.cancel();
        std::rethrow_exception(error);
      });
    } catch (...) {
      seen = std::current_exception();
    }
    CHECK(seen == error);
    CHECK(!scope.cancelled_caught());
    // A scope that was left open inside does not put its own complaint in the exception's place.
    structio_scope forgotten;
    structio_scope_init(&forgotten, nullptr);
    cancel_scope around;
    CHECK(throws<key_error>([&] {
      around.run([&] {
        structio_scope_enter(&forgotten);
        throw key_error();
      });
    }));
  });
}

TEST_CASE("a body's value comes out of its scope", "[CANCEL-01]") {
  face::run([] {
    cancel_scope good;
    const auto value = good.run([](cancel_scope& self) {
      CHECK(!self.cancel_called());
      return std::make_unique<int>(3);
    });
    REQUIRE(value);
    CHECK(**value == 3);
    cancel_scope bad;
    const auto none = bad.run([&] {
      bad.cancel();
      structio::checkpoint();
      return 3;
    });
    CHECK(!none);
  });
}

TEST_CASE("a destructor that blocks is not cancelled while an exception unwinds", "[FIB-02]") {
  face::run([] {
    struct slow_closer {
      bool& closed;
      ~slow_closer() {
        structio::sleep(1s);
        structio::checkpoint();
        closed = true;
      }
    };
    bool closed = false;
    cancel_scope scope;
    scope.run([&] {
      const slow_closer closer{closed};
      scope.cancel();
      structio::checkpoint();
    });
    CHECK(closed);
    CHECK(scope.cancelled_caught());
  });
}

TEST_CASE("shielded has an end in a destructor too", "[FIB-02]") {
  face::run([] {
    struct polite_closer {
      bool& cut;
      ~polite_closer() {
        cut = !structio::shielded(2s, [] { structio::sleep_forever(); });
      }
    };
    const auto start = structio::now();
    bool cut = false;
    cancel_scope scope;
    scope.run([&] {
      const polite_closer closer{cut};
      scope.cancel();
      structio::checkpoint();
    });
    CHECK(cut);
    CHECK(seconds_since(start) == 2);
    CHECK(scope.cancelled_caught());
  });
}

TEST_CASE("those who are cancelled together wake in the order of their start", "[NUR-12]") {
  structio::testing::virtual_clock clock;
  std::vector<int> order;
  face::run_with({}, clock, [&] {
    open_nursery([&](nursery& n) {
      for (int i = 0; i < 5; ++i) {
        n.start_soon([&order, i] {
          face::is_cancelled([] { structio::sleep_forever(); });
          order.push_back(i);
        });
      }
      structio::checkpoint();
      n.cancel_scope().cancel();
    });
  });
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
}
