// What holds for everything that can serve as a lock: mutex, semaphore(1), limiter(1).
#include <structio/sync.hpp>

#include <vector>

#include "support/face.hpp"

using namespace face;
using structio::testing::wait_all_tasks_blocked;

namespace {

struct mutex_lock {
  structio::mutex raw;
  void lock() { raw.lock(); }
  bool try_lock() { return raw.try_lock(); }
  void unlock() { raw.unlock(); }
  std::size_t waiting() const { return raw.statistics().waiting; }
};

struct semaphore_lock {
  structio::semaphore raw{1, 1};
  void lock() { raw.acquire(); }
  bool try_lock() { return raw.try_acquire(); }
  void unlock() { raw.release(); }
  std::size_t waiting() const { return raw.statistics().waiting; }
};

struct limiter_lock {
  structio::capacity_limiter raw{1};
  void lock() { raw.acquire(); }
  bool try_lock() { return raw.try_acquire(); }
  void unlock() { raw.release(); }
  std::size_t waiting() const { return raw.statistics().waiting; }
};

template <class Lock>
void exclusion() {
  Lock lock;
  int inside = 0;
  int acquired = 0;
  structio::open_nursery([&](structio::nursery& n) {
    for (int worker = 0; worker < 5; ++worker) {
      n.start_soon([&] {
        for (int i = 0; i < 10; ++i) {
          lock.lock();
          CHECK(++inside == 1);
          structio::checkpoint();
          structio::checkpoint();
          CHECK(--inside == 0);
          ++acquired;
          lock.unlock();
        }
      });
    }
  });
  CHECK(acquired == 50);
  CHECK(lock.waiting() == 0);
}

template <class Lock>
void fairness() {
  Lock lock;
  std::vector<int> owners;
  constexpr int rounds = 5;
  structio::open_nursery([&](structio::nursery& n) {
    lock.lock();
    for (int worker = 0; worker < 3; ++worker) {
      n.start_soon([&, worker] {
        for (int i = 0; i < rounds; ++i) {
          lock.lock();
          owners.push_back(worker);
          lock.unlock();
        }
      });
    }
    wait_all_tasks_blocked();
    CHECK(lock.waiting() == 3);
    lock.unlock();
  });
  REQUIRE(owners.size() == 3 * rounds);
  for (std::size_t i = 3; i < owners.size(); ++i) CHECK(owners[i] == owners[i - 3]);
}

template <class Lock>
void try_then_wait() {
  Lock lock;
  trace events;
  structio::open_nursery([&](structio::nursery& n) {
    CHECK(lock.try_lock());
    n.start_soon([&] {
      CHECK_FALSE(lock.try_lock());
      lock.lock();
      events.emplace_back("inside");
      lock.unlock();
    });
    wait_all_tasks_blocked();
    CHECK(lock.waiting() == 1);
    events.emplace_back("unlocking");
    lock.unlock();
  });
  CHECK(events == trace{"unlocking", "inside"});
}

}  // namespace

TEST_CASE("never two are inside", "[LOCK-04]") {
  face::run(exclusion<mutex_lock>);
  face::run(exclusion<semaphore_lock>);
  face::run(exclusion<limiter_lock>);
}

TEST_CASE("the order of owners repeats: nobody barges in", "[LOCK-05]") {
  face::run(fairness<mutex_lock>);
  face::run(fairness<semaphore_lock>);
  face::run(fairness<limiter_lock>);
}

TEST_CASE("what was taken without waiting keeps the others waiting", "[LOCK-06]") {
  face::run(try_then_wait<mutex_lock>);
  face::run(try_then_wait<semaphore_lock>);
  face::run(try_then_wait<limiter_lock>);
}

TEST_CASE("two users at once are found out, not queued", "[UTIL-01]") {
  face::run([] {
    structio::resource_guard reading{"another task is reading"};
    structio::resource_guard writing{"another task is writing"};
    const auto conflict = [](structio::resource_guard& guard) {
      const auto error = thrown<structio::busy_error>([&] { const auto here = guard.enter(); });
      return error ? std::string(error->what()) : "none";
    };
    structio::testing::assert_no_checkpoints([&] {
      const auto outer = reading.enter();
      const auto inner = writing.enter();
      CHECK(conflict(reading) == "another task is reading");
    });
    CHECK(conflict(reading) == "none");
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        const auto here = reading.enter();
        structio::sleep(1s);
      });
      wait_all_tasks_blocked();
      CHECK(conflict(reading) == "another task is reading");
      CHECK(conflict(writing) == "none");
      CHECK(reading.entered());
    });
    CHECK_FALSE(reading.entered());
  });
}
