// Mutexes: owners, hand-over, and owners that end.
#include <structio/sync.hpp>

#include <memory>
#include <mutex>

#include "support/c_blocks.hpp"
#include "support/face.hpp"
#include "support/op_proof.hpp"

using namespace face;
using structio::testing::assert_checkpoints;
using structio::testing::assert_no_checkpoints;
using structio::testing::wait_all_tasks_blocked;

namespace {

void prove() {
  structio_mutex mutex;
  CHECK(structio_mutex_init(&mutex) == 0);
  CHECK(op_proof::cancelled([&] { return structio_mutex_lock(&mutex); }) == op_proof::aborted);
  CHECK(structio_mutex_locked(&mutex) == 0);
  CHECK(op_proof::halves([&] { CHECK(structio_mutex_lock(&mutex) == 0); }) == 2);
  CHECK(op_proof::halves([&] { CHECK(structio_mutex_unlock(&mutex) == 0); }) == 0);
  CHECK(op_proof::halves([&] { CHECK(structio_mutex_try_lock(&mutex) == 0); }) == 0);
  auto rival = [&] {
    CHECK(op_proof::halves([&] { CHECK(structio_mutex_lock(&mutex) == 0); }) == 2);
    return structio_mutex_unlock(&mutex);
  };
  c_tasks::nursery_block([&](structio_nursery& n) {
    c_tasks::spawn(n, "rival", rival);
    c_tasks::settle();
    return structio_mutex_unlock(&mutex);
  });
  CHECK(structio_mutex_destroy(&mutex) == 0);
}

const op_proof::area proof({{"structio_mutex_lock", 1, STRUCTIO_EFFECT_NOTHING}}, prove);

// A task that locks and ends.
void lock_and_end(structio::nursery& n, structio::mutex& m, const char* name) {
  n.start_soon({.name = name}, [&m] { m.lock(); });
}

std::string why_broken(structio::mutex& m) {
  const auto error = thrown<structio::broken_error>([&] { m.lock(); });
  return error ? error->what() : "not broken";
}

}  // namespace

TEST_CASE("a mutex tells whether it is locked; locking is a checkpoint", "[LOCK-01]") {
  face::run([] {
    structio::mutex m;
    structio::strict_fifo_mutex strict;
    CHECK_FALSE(m.locked());
    assert_checkpoints([&] { m.lock(); });
    CHECK(m.locked());
    assert_no_checkpoints([&] { m.unlock(); });
    CHECK_FALSE(m.locked());
    assert_checkpoints([&] { const std::scoped_lock both(m, strict); });
    CHECK_FALSE(m.locked());
    assert_no_checkpoints([&] {
      const std::unique_lock lock(m, std::try_to_lock);
      CHECK(lock.owns_lock());
    });
    {
      const std::lock_guard lock(strict);
      CHECK(strict.locked());
    }
    CHECK_FALSE(strict.locked());
  });
}

TEST_CASE("a mutex is not recursive, and is its owner's alone", "[LOCK-02][COND-02]") {
  face::run([] {
    structio::mutex m;
    const auto refuses = [](auto&& call, const char* words) {
      const auto error = thrown<structio::usage_error>(call);
      return error && std::string(error->what()).find(words) != std::string::npos;
    };
    CHECK(refuses([&] { m.unlock(); }, "nobody holds the mutex"));
    m.lock();
    CHECK(refuses([&] { m.lock(); }, "not recursive"));
    CHECK(refuses([&] { m.try_lock(); }, "not recursive"));
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] { CHECK(refuses([&] { m.unlock(); }, "task 'main' holds the mutex")); });
    });
    CHECK(m.locked());
    CHECK(m.statistics().owner == structio::current_task());
    m.unlock();
  });
}

TEST_CASE("statistics follow owner and waiters to the end", "[LOCK-03]") {
  face::run([] {
    structio::mutex m;
    structio::open_nursery([&](structio::nursery& n) {
      structio::task_id holder = 0;
      n.start_soon([&] {
        const std::scoped_lock lock(m);
        holder = structio::current_task();
        structio::sleep_forever();
      });
      wait_all_tasks_blocked();
      n.start_soon([&] { const std::scoped_lock lock(m); });
      wait_all_tasks_blocked();
      CHECK_FALSE(m.try_lock());
      CHECK(m.statistics().locked);
      CHECK(m.statistics().owner == holder);
      CHECK(m.statistics().waiting == 1);
      n.cancel_scope().cancel();
    });
    CHECK_FALSE(m.locked());
    CHECK_FALSE(m.statistics().broken);
    CHECK(m.statistics().owner == 0);
    CHECK(m.statistics().waiting == 0);
    CHECK(m.try_lock());
    m.unlock();
  });
}

TEST_CASE("unlock hands over: who comes later is not faster", "[LOCK-05]") {
  face::run([] {
    structio::mutex m;
    m.lock();
    structio::task_id waiter = 0;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        waiter = structio::current_task();
        const std::scoped_lock lock(m);
      });
      wait_all_tasks_blocked();
      m.unlock();
      CHECK(m.statistics().owner == waiter);
      CHECK_FALSE(m.try_lock());
    });
    CHECK_FALSE(m.locked());
  });
}

TEST_CASE("a mutex that was handed to a task that is cancelled then is that task's", "[LOCK-05]") {
  face::run([] {
    structio::mutex m;
    m.lock();
    bool had_it = false;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        const std::scoped_lock lock(m);
        had_it = true;
      });
      wait_all_tasks_blocked();
      m.unlock();
      n.cancel_scope().cancel();
    });
    CHECK(had_it);
    CHECK_FALSE(m.locked());
  });
}

TEST_CASE("a mutex whose owner ended is broken, and says by whom", "[LOCK-07]") {
  face::run([] {
    structio::mutex m;
    structio::open_nursery([&](structio::nursery& n) { lock_and_end(n, m, "careless"); });
    CHECK_THAT(why_broken(m), ContainsSubstring("task 'careless' ended without unlocking it"));
    CHECK_THAT(why_broken(m), ContainsSubstring("careless"));  // for ever
    CHECK(throws<structio::broken_error>([&] { m.try_lock(); }));
    CHECK_FALSE(m.locked());
    CHECK(m.statistics().broken);
    CHECK(m.statistics().owner != 0);
    CHECK(structio::task_name(m.statistics().owner).empty());
    m.unlock();  // harmless: nobody has it
    CHECK(structio_mutex_unlock(m.native()) == STRUCTIO_EBROKEN);
  });
}

TEST_CASE("cancellation is looked for before a mutex is found broken", "[LOCK-07]") {
  face::run([] {
    structio::mutex m;
    structio::open_nursery([&](structio::nursery& n) { lock_and_end(n, m, "careless"); });
    structio::cancel_scope scope;
    scope.cancel();
    scope.run([&] { m.lock(); });
    CHECK(scope.cancelled_caught());
  });
}

TEST_CASE("an owner that ends fails the one that waits, in its nursery's group", "[LOCK-08]") {
  face::run([] {
    structio::mutex m;
    const auto group = thrown<structio::exception_group>([&] {
      structio::open_nursery([&](structio::nursery& n) {
        lock_and_end(n, m, "first");
        lock_and_end(n, m, "second");
      });
    });
    REQUIRE(group);
    CHECK(count<structio::broken_error>(*group) == 1);
    CHECK(m.statistics().waiting == 0);
  });
}

TEST_CASE("the watch moves along with each hand-over", "[LOCK-09]") {
  face::run([] {
    structio::mutex m;
    m.lock();
    structio::open_nursery([&](structio::nursery& n) {
      lock_and_end(n, m, "heir");
      wait_all_tasks_blocked();
      m.unlock();
      CHECK(structio::task_name(m.statistics().owner) == "heir");
    });
    CHECK_THAT(why_broken(m), ContainsSubstring("'heir'"));
  });
  // The first owner has ended with its run: nothing of it is left, and all may go.
}

TEST_CASE("an owner that was taken down with its run breaks what it held", "[FIB-19]") {
  auto m = std::make_unique<structio::mutex>();
  c_tasks::virtual_clock clock;
  auto owner = [&] {
    CHECK(structio_mutex_lock(m->native()) == 0);
    return structio_sleep_forever();  // ended by the run's end, with the mutex locked
  };
  auto main = [&] {
    CHECK(c_tasks::start_system(owner, "killed") == 0);
    c_tasks::settle();
    return 0;
  };
  CHECK(c_tasks::run(main, clock.options()) == 0);
  CHECK(m->statistics().broken);
  face::run([&] { CHECK_THAT(why_broken(*m), ContainsSubstring("'killed'")); });
}

TEST_CASE("a task that fails with several mutexes breaks each", "[LOCK-07][SRC-22]") {
  face::run([] {
    structio::mutex a;
    structio::mutex b;
    structio::mutex c;
    CHECK(throws<structio::exception_group>([&] {
      structio::open_nursery([&](structio::nursery& n) {
        n.start_soon({.name = "failing"}, [&] {
          a.lock();
          b.lock();
          c.lock();
          b.unlock();
          throw key_error();
        });
      });
    }));
    CHECK_THAT(why_broken(a), ContainsSubstring("'failing'"));
    CHECK_THAT(why_broken(c), ContainsSubstring("'failing'"));
    CHECK(b.try_lock());
    b.unlock();
  });
}

TEST_CASE("a broken mutex is made anew", "[LOCK-07]") {
  face::run([] {
    structio::mutex m;
    structio::open_nursery([&](structio::nursery& n) { lock_and_end(n, m, "careless"); });
    CHECK(structio_mutex_destroy(m.native()) == 0);
    CHECK(structio_mutex_init(m.native()) == 0);
    const std::scoped_lock lock(m);
    CHECK(m.locked());
  });
}

TEST_CASE("a mutex may go while its waiters have not run since it broke", "[LOCK-08]") {
  face::run([] {
    auto m = std::make_unique<structio::mutex>();
    std::string why;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon({.name = "owner"}, [&] {
        m->lock();
        structio::sleep(1s);
      });
      wait_all_tasks_blocked();
      n.start_soon([&] { why = why_broken(*m); });
      wait_all_tasks_blocked();
      while (!m->statistics().broken) structio::sleep(500ms);
      m.reset();
    });
    CHECK_THAT(why, ContainsSubstring("'owner' ended"));
  });
}

TEST_CASE("storage that goes while it is locked leaves nothing behind", "[LOCK-09]") {
  face::run([] {
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([] {
        structio::mutex kept;
        kept.lock();
        {
          structio::mutex brief;
          brief.lock();
        }
        auto storage = std::make_unique<structio_mutex>();
        structio_mutex_init(storage.get());
        CHECK(structio_mutex_lock(storage.get()) == 0);
        CHECK(structio_mutex_destroy(storage.get()) == STRUCTIO_EMISUSE);
        storage.reset();
        kept.unlock();
      });
    });
  });
}

TEST_CASE("a destruction that was refused changes nothing", "[LOCK-07][LOCK-09]") {
  face::run([] {
    structio::mutex m;
    structio::mutex again;
    structio::mutex unlocked;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon({.name = "owner"}, [&] {
        for (structio::mutex* one : {&m, &again, &unlocked}) {
          one->lock();
          CHECK(structio_mutex_destroy(one->native()) == STRUCTIO_EMISUSE);
          CHECK(structio_mutex_destroy(one->native()) == STRUCTIO_EMISUSE);
        }
        CHECK(again.statistics().owner == structio::current_task());
        unlocked.unlock();
        structio::sleep(1s);
      });
      wait_all_tasks_blocked();
      CHECK(unlocked.try_lock());
      n.start_soon([&] { CHECK_THAT(why_broken(again), ContainsSubstring("'owner'")); });
    });
    CHECK_THAT(why_broken(m), ContainsSubstring("'owner'"));
    CHECK(m.statistics().broken);
    unlocked.unlock();
  });
}

TEST_CASE("after its run a mutex that was not to be destroyed can still be asked", "[LOCK-09]") {
  structio_mutex m;
  structio_mutex_init(&m);
  structio_task_id owner = 0;
  auto body = [&] {
    owner = structio_task_current();
    CHECK(structio_mutex_lock(&m) == 0);
    CHECK(structio_mutex_destroy(&m) == STRUCTIO_EMISUSE);
    return 0;  // and nobody is told that the owner has ended
  };
  CHECK(c_tasks::run(body) == 0);
  structio_mutex_statistics s{};
  s.struct_size = sizeof s;
  CHECK(structio_mutex_get_statistics(&m, &s) == 0);
  CHECK(s.owner == owner);
}

TEST_CASE("who waits for a mutex that goes away is told", "[LOCK-08]") {
  face::run([] {
    auto m = std::make_unique<structio::mutex>();
    structio::open_nursery([&](structio::nursery& n) {
      m->lock();
      n.start_soon([&] { CHECK_THAT(why_broken(*m), ContainsSubstring("was destroyed")); });
      wait_all_tasks_blocked();
      m.reset();
    });
  });
}

TEST_CASE("letting go of a mutex never throws from a destructor of a right program", "[LOCK-02]") {
  face::run([] {
    structio::mutex m;
    CHECK(throws<key_error>([&] {
      const std::lock_guard lock(m);
      m.unlock();  // wrong, but what is thrown here is another error
      throw key_error();
    }));
    CHECK_FALSE(m.locked());
  });
}
