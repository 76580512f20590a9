// Conditions: notification, the way through the mutex, cancellation on that way.
#include <structio/sync.hpp>

#include <array>
#include <memory>
#include <mutex>
#include <type_traits>

#include "support/c_blocks.hpp"
#include "support/face.hpp"
#include "support/op_proof.hpp"

using namespace face;
using structio::testing::assert_checkpoints;
using structio::testing::assert_no_checkpoints;
using structio::testing::wait_all_tasks_blocked;

namespace {

void prove() {
  structio_mutex m;
  structio_condition c;
  CHECK(structio_mutex_init(&m) == 0);
  CHECK(structio_condition_init(&c, &m) == 0);
  CHECK(structio_mutex_lock(&m) == 0);
  CHECK(op_proof::cancelled([&] { return structio_condition_wait(&c); }) == op_proof::aborted);
  CHECK(structio_mutex_locked(&m) == 1);
  auto notifier = [&] {
    structio_mutex_lock(&m);
    CHECK(structio_condition_notify(&c, 1) == 1);
    return structio_mutex_unlock(&m);
  };
  c_tasks::nursery_block([&](structio_nursery& n) {
    c_tasks::spawn(n, "notifier", notifier);
    CHECK(op_proof::halves([&] { CHECK(structio_condition_wait(&c) == 0); }) == 2);
    return 0;
  });
  CHECK(op_proof::halves([&] { structio_condition_notify(&c, STRUCTIO_ALL); }) == 0);
  CHECK(structio_mutex_unlock(&m) == 0);
  CHECK(structio_condition_destroy(&c) == 0);
  CHECK(structio_mutex_destroy(&m) == 0);
}

const op_proof::area proof({{"structio_condition_wait", 1, STRUCTIO_EFFECT_NOTHING}}, prove);

static_assert(std::is_constructible_v<structio::condition, structio::mutex&>);
static_assert(!std::is_constructible_v<structio::condition, structio::semaphore&>);
static_assert(!std::is_default_constructible_v<structio::condition>);

/// A mutex with a condition, and tasks that wait for it and note how that ended.
struct shared_room {
  structio::mutex m;
  structio::condition changed{m};
  trace order;

  void start_waiter(structio::nursery& n, const char* name) {
    n.start_soon({.name = name}, [this, name] {
      const std::scoped_lock lock(m);
      changed.wait();
      CHECK(m.statistics().owner == structio::current_task());
      order.emplace_back(name);
    });
    wait_all_tasks_blocked();
  }
};

}  // namespace

TEST_CASE("only the mutex' owner waits and notifies", "[COND-01][COND-02]") {
  face::run([] {
    shared_room room;
    const auto refused = [](auto&& call) {
      const auto error = thrown<structio::usage_error>(call);
      return error && std::string(error->what()).find("mutex") != std::string::npos;
    };
    CHECK(refused([&] { room.changed.wait(); }));
    CHECK(refused([&] { room.changed.notify_one(); }));
    CHECK(refused([&] { room.changed.notify_all(); }));
    room.m.lock();
    CHECK(refused([&] { room.m.try_lock(); }));
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        CHECK(refused([&] { room.changed.wait(); }));
        CHECK(refused([&] { room.changed.notify_all(); }));
      });
    });
    CHECK_FALSE(room.changed.notify_one());
    CHECK(room.changed.notify_all() == 0);
    room.m.unlock();
  });
}

TEST_CASE("a notified task gets the mutex when the notifier lets go of it", "[COND-03][SRC-19]") {
  face::run([] {
    shared_room room;
    structio::open_nursery([&](structio::nursery& n) {
      room.start_waiter(n, "first");
      room.start_waiter(n, "second");
      CHECK_FALSE(room.m.locked());
      CHECK(room.changed.statistics().waiting == 2);
      {
        const std::scoped_lock lock(room.m);
        assert_no_checkpoints([&] { CHECK(room.changed.notify_one()); });
        CHECK(room.changed.statistics().waiting == 1);
        CHECK(room.m.statistics().owner == structio::current_task());
      }
      CHECK(structio::task_name(room.m.statistics().owner) == "first");
      wait_all_tasks_blocked();
      CHECK(room.order == trace{"first"});
      const std::scoped_lock lock(room.m);
      CHECK(room.changed.notify_all() == 1);
    });
    CHECK(room.order == trace{"first", "second"});
  });
}

TEST_CASE("two of three are moved to the mutex' queue", "[COND-04][SRC-19]") {
  face::run([] {
    shared_room room;
    structio::open_nursery([&](structio::nursery& n) {
      for (const char* name : {"first", "second", "third"}) room.start_waiter(n, name);
      const auto before = structio::testing::count_checkpoints();
      {
        const std::scoped_lock lock(room.m);
        CHECK(room.changed.notify(2) == 2);
        CHECK(room.changed.statistics().waiting == 1);
        CHECK(room.m.statistics().waiting == 2);
        wait_all_tasks_blocked();
        CHECK(room.order.empty());  // nobody woke to wait again
      }
      CHECK(room.m.statistics().waiting == 1);
      CHECK(structio::testing::count_checkpoints().cancel_points > before.cancel_points);
      wait_all_tasks_blocked();
      CHECK(room.order == trace{"first", "second"});
      const std::scoped_lock lock(room.m);
      CHECK(room.changed.notify(7) == 1);
    });
    CHECK(room.order.size() == 3);
  });
}

TEST_CASE("waiting is a checkpoint; a predicate is asked with the mutex held", "[COND-03]") {
  face::run([] {
    shared_room room;
    int value = 0;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        const std::scoped_lock lock(room.m);
        assert_checkpoints([&] {
          room.changed.wait([&] {
            CHECK(room.m.statistics().owner == structio::current_task());
            return value == 3;
          });
        });
        room.changed.wait([] { return true; });
      });
      wait_all_tasks_blocked();
      for (int i = 1; i <= 3; ++i) {
        const std::scoped_lock lock(room.m);
        value = i;
        room.changed.notify_all();
      }
    });
    CHECK(value == 3);
    structio::cancel_scope scope;
    scope.cancel();
    scope.run([&] { room.changed.wait([] { return true; }); });
    CHECK(scope.cancelled_caught());
  });
}

TEST_CASE("who is cancelled while waiting has the mutex when it learns of it", "[COND-06]") {
  face::run([] {
    shared_room room;
    bool seen = false;
    structio::open_nursery([&](structio::nursery& n) {
      structio::nursery& inner = n;
      inner.start_soon([&] {
        const std::scoped_lock lock(room.m);
        CHECK(is_cancelled([&] { room.changed.wait(); }));
        CHECK(room.m.statistics().owner == structio::current_task());
        seen = true;
      });
      wait_all_tasks_blocked();
      SECTION("the mutex is free: it is the task's at once") {
        n.cancel_scope().cancel();
        CHECK(room.m.locked());
        CHECK(room.changed.statistics().waiting == 0);
      }
      SECTION("somebody has the mutex: the task takes its turn") {
        const std::scoped_lock lock(room.m);
        n.cancel_scope().cancel();
        CHECK(room.changed.statistics().waiting == 0);
        CHECK(room.m.statistics().waiting == 1);
        CHECK_FALSE(room.changed.notify_one());
        structio::shielded(1s, [] { structio::sleep(10ms); });
        CHECK_FALSE(seen);
      }
    });
    CHECK(seen);
    CHECK_FALSE(room.m.locked());
  });
}

TEST_CASE("a task that is cancelled before it waits keeps the mutex", "[COND-06]") {
  face::run([] {
    shared_room room;
    room.m.lock();
    structio::cancel_scope scope;
    scope.cancel();
    scope.run([&] { structio::open_nursery([&](structio::nursery&) { room.changed.wait(); }); });
    CHECK(scope.cancelled_caught());
    CHECK(room.m.statistics().owner == structio::current_task());
    room.m.unlock();
  });
}

TEST_CASE("a notification is not lost to a task that is cancelled", "[COND-06]") {
  face::run([] {
    shared_room room;
    std::array<structio::cancel_scope, 2> scope;
    std::array<int, 2> result{};
    structio::open_nursery([&](structio::nursery& n) {
      for (std::size_t i = 0; i < 2; ++i) {
        n.start_soon([&, i] {
          scope[i].run([&] {
            result[i] = structio_mutex_lock(room.m.native());
            result[i] = structio_condition_wait(room.changed.native());
            CHECK(room.m.statistics().owner == structio::current_task());
            room.m.unlock();
            structio::checkpoint();
          });
        });
        wait_all_tasks_blocked();
      }
      room.m.lock();
      SECTION("notified first: it counts, and the task learns of the cancellation later") {
        CHECK(room.changed.notify_one());
        scope[0].cancel();
        CHECK(room.m.statistics().waiting == 1);
        room.m.unlock();
        wait_all_tasks_blocked();
        CHECK(result[0] == 0);
        CHECK(scope[0].cancelled_caught());
        CHECK(room.changed.statistics().waiting == 1);
        scope[1].cancel();
      }
      SECTION("cancelled first: the next one is notified") {
        scope[0].cancel();
        CHECK(room.changed.notify_one());
        CHECK(room.m.statistics().waiting == 2);
        room.m.unlock();
        wait_all_tasks_blocked();
        CHECK(result[0] == STRUCTIO_ECANCELLED);
        CHECK(scope[0].cancelled_caught());
        CHECK(result[1] == 0);
      }
    });
  });
}

TEST_CASE("an interrupt ends the main task's wait, with the mutex held", "[COND-06]") {
  structio::testing::virtual_clock clock;
  structio::run({.clock = clock}, [&] {
    shared_room room;
    const std::scoped_lock lock(room.m);
    structio::testing::inject_interrupt();
    CHECK(throws<structio::interrupted>([&] { room.changed.wait(); }));
    CHECK(room.m.statistics().owner == structio::current_task());
  });
}

TEST_CASE("who waits in a condition of a mutex that breaks is told", "[COND-06][LOCK-07]") {
  face::run([] {
    shared_room room;
    std::string why;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        const std::unique_lock lock(room.m);
        const auto error = thrown<structio::broken_error>([&] { room.changed.wait(); });
        REQUIRE(error);
        why = error->what();
        // The guard lets go of what the task does not have any more.
      });
      wait_all_tasks_blocked();
      SECTION("in the condition's queue") {
        n.start_soon({.name = "careless"}, [&] { room.m.lock(); });
      }
      SECTION("notified, in the mutex' queue") {
        n.start_soon({.name = "careless"}, [&] {
          room.m.lock();
          room.changed.notify_one();
        });
      }
      SECTION("cancelled, in the mutex' queue") {
        n.start_soon({.name = "careless"}, [&] {
          room.m.lock();
          n.cancel_scope().cancel();
        });
      }
    });
    CHECK_THAT(why, ContainsSubstring("'careless' ended without unlocking"));
    CHECK(room.changed.statistics().waiting == 0);
    CHECK(throws<structio::broken_error>([&] { room.changed.notify_one(); }));
    CHECK(throws<structio::broken_error>([&] { room.changed.wait(); }));
  });
}

TEST_CASE("several conditions share a mutex", "[COND-01]") {
  face::run([] {
    structio::mutex m;
    structio::condition full(m);
    structio::condition empty(m);
    trace order;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        const std::scoped_lock lock(m);
        full.wait();
        order.emplace_back("full");
      });
      n.start_soon([&] {
        const std::scoped_lock lock(m);
        empty.wait();
        order.emplace_back("empty");
      });
      wait_all_tasks_blocked();
      CHECK(structio_mutex_destroy(m.native()) == STRUCTIO_EMISUSE);  // tasks wait on its account
      const std::scoped_lock lock(m);
      empty.notify_all();
      full.notify_all();
    });
    CHECK(order == trace{"empty", "full"});
  });
}

TEST_CASE("who waits in a condition that goes away is told, and has the mutex", "[COND-06]") {
  face::run([] {
    structio::mutex m;
    auto c = std::make_unique<structio::condition>(m);
    int told = 0;
    structio::open_nursery([&](structio::nursery& n) {
      for (int i = 0; i < 3; ++i) {
        n.start_soon([&] {
          const std::scoped_lock lock(m);
          CHECK(throws<structio::broken_error>([&] { c->wait(); }));
          CHECK(m.statistics().owner == structio::current_task());
          ++told;
        });
      }
      wait_all_tasks_blocked();
      CHECK(structio_condition_destroy(c->native()) == STRUCTIO_EMISUSE);
      c.reset();
      CHECK(m.locked());
      CHECK(m.statistics().waiting == 2);
    });
    CHECK(told == 3);
    CHECK_FALSE(m.locked());
  });
}

TEST_CASE("a mutex that goes away takes those along who wait in its conditions", "[COND-06]") {
  face::run([] {
    auto m = std::make_unique<structio::mutex>();
    structio::condition c(*m);
    bool told = false;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        m->lock();
        told = throws<structio::broken_error>([&] { c.wait(); });
      });
      wait_all_tasks_blocked();
      m.reset();
    });
    CHECK(told);
  });
}
