// What the synchronisation primitives cost without competition: no memory, no switch of tasks. And
// what a limiter and a lot do when there is no memory for what they remember.
#include <structio/structio.h>
#include <structio/structio_debug.h>
#include <structio/structio_sync.h>
#include <structio/thread.hpp>

#include <new>

#include "faults/failing_malloc.hpp"
#include "support/c_blocks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

struct costs {
  std::int64_t blocks = 0;
  std::uint64_t switches = 0;
};

std::uint64_t switches() {
  structio_statistics s{};
  s.struct_size = sizeof s;
  structio_get_statistics(&s);
  return s.switches;
}

template <class Fn>
costs of(Fn fn) {
  structio_checkpoint();  // the budget is full
  costs c;
  const std::uint64_t switches_before = switches();
  {
    const failing_malloc::window counting(0);
    fn();
    c.blocks = failing_malloc::made;
  }
  c.switches = switches() - switches_before;
  return c;
}

bool is_nothing(const costs& c) {
  return c.blocks == 0 && c.switches == 0;
}

constexpr int times = 8;  // calls that look, within the least budget that there is by default

int measure_all() {
  structio_event event;
  structio_mutex mutex;
  structio_condition condition;
  structio_semaphore semaphore;
  structio_limiter limiter;
  CHECK(is_nothing(of([&] {
    structio_event_init(&event);
    structio_mutex_init(&mutex);
    structio_condition_init(&condition, &mutex);
    structio_semaphore_init(&semaphore, 1, 1);
    structio_limiter_init(&limiter, 1);
    structio_event_set(&event);
  })));
  CHECK(is_nothing(of([&] {
    for (int i = 0; i < times; ++i) structio_event_wait(&event);
  })));
  CHECK(is_nothing(of([&] {
    for (int i = 0; i < times; ++i) {
      structio_mutex_lock(&mutex);
      structio_condition_notify(&condition, STRUCTIO_ALL);
      structio_mutex_unlock(&mutex);
      structio_mutex_try_lock(&mutex);
      structio_mutex_unlock(&mutex);
    }
  })));
  CHECK(is_nothing(of([&] {
    for (int i = 0; i < times; ++i) {
      structio_semaphore_acquire(&semaphore);
      structio_semaphore_release(&semaphore);
    }
  })));
  CHECK(is_nothing(of([&] {  // a few borrowers have their place in the limiter itself
    for (int i = 0; i < times; ++i) {
      structio_limiter_acquire(&limiter);
      structio_limiter_release(&limiter);
    }
  })));
  CHECK(structio_event_destroy(&event) == 0);
  CHECK(structio_condition_destroy(&condition) == 0);
  CHECK(structio_mutex_destroy(&mutex) == 0);
  CHECK(structio_semaphore_destroy(&semaphore) == 0);
  CHECK(structio_limiter_destroy(&limiter) == 0);
  return 0;
}

}  // namespace

TEST_CASE("without competition nothing is allocated, and nobody switched to") {
  auto body = measure_all;
  CHECK(run(body) == 0);
}

TEST_CASE("waiting and being handed something over allocate nothing either") {
  auto body = [] {
    structio_mutex mutex;
    structio_mutex_init(&mutex);
    auto worker = [&] {
      for (int i = 0; i < 50; ++i) {
        structio_mutex_lock(&mutex);
        structio_checkpoint();
        structio_mutex_unlock(&mutex);
      }
      return 0;
    };
    nursery_block([&](structio_nursery& n) {
      structio_mutex_lock(&mutex);
      for (int i = 0; i < 10; ++i) spawn(n, "worker", worker);
      settle();
      structio_mutex_unlock(&mutex);
      CHECK(of([] {
              for (int i = 0; i < 300; ++i) structio_checkpoint();
            }).blocks == 0);
      return 0;
    });
    return structio_mutex_destroy(&mutex);
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a lot is broken also when there is no memory to remember by whom") {
  if (!failing_malloc::refuses_realloc()) return;
  auto body = [] {
    structio_lot lot;
    structio_lot_init(&lot);
    int status = 0;
    {
      const failing_malloc::window none(1, true);
      status = structio_lot_break(&lot, 0);
    }
    CHECK(status == STRUCTIO_ENOMEM);
    CHECK(structio_lot_park(&lot) == STRUCTIO_EBROKEN);
    return structio_lot_destroy(&lot);
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a limiter that finds no memory lends nothing and stays whole") {
  auto body = [] {
    structio_limiter limiter;
    structio_limiter_init(&limiter, 100);
    int objects[64];
    int lent = 0;
    int refused = 0;
    for (int& object : objects) {
      const std::int64_t before = failing_malloc::living;
      {
        const failing_malloc::window none(1, true);
        const int status = structio_limiter_acquire_on_behalf(&limiter, &object);
        if (status == STRUCTIO_ENOMEM) ++refused;
        lent += status == 0;
      }
      if (failing_malloc::living != before) return -1;
    }
    if (failing_malloc::in_charge()) CHECK(refused > 0);
    CHECK(lent + refused == 64);
    CHECK(structio_limiter_borrowers(&limiter, nullptr, 0) == lent);
    for (int& object : objects) {
      if (structio_limiter_try_acquire_on_behalf(&limiter, &object) == 0) ++lent;
    }
    CHECK(lent == 64);
    for (int& object : objects) structio_limiter_release_on_behalf(&limiter, &object);
    return structio_limiter_destroy(&limiter);
  };
  CHECK(run(body) == 0);
}

TEST_CASE("no memory for the run's own limiter is no misuse") {
  if (!failing_malloc::in_charge()) return;
  auto main = [] {
    bool no_memory = false;
    {
      const failing_malloc::window failing(1);
      try {
        structio::default_thread_limiter();
      } catch (const std::bad_alloc&) {
        no_memory = true;
      } catch (const structio::usage_error&) {
      }
    }
    CHECK(no_memory);
    CHECK(structio::default_thread_limiter().total() == 40);
    return 0;
  };
  CHECK(run(main) == 0);
}
