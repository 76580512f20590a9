// Threads under load: many tasks, random cancellations, calls back and abandonment; nothing is
// lost, nothing is done twice, no token is kept.
#include <structio/structio_thread.h>
#include <structio/thread.hpp>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "support/face.hpp"
#include "support/gate.hpp"

using namespace std::chrono_literals;

namespace {

struct totals {
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  std::atomic<int> dropped{0};
  std::atomic<int> called{0};
  std::atomic<int> answered{0};
  int returned = 0;
  int cancelled = 0;
};

// Counts its own destruction, however often it is moved.
struct counted_closure {
  totals* of;
  explicit counted_closure(totals& t) : of(&t) {}
  counted_closure(counted_closure&& other) noexcept : of(std::exchange(other.of, nullptr)) {}
  ~counted_closure() {
    if (of) ++of->dropped;
  }
};

void work(totals& t, unsigned kind) {
  ++t.begun;
  struct at_end {
    totals& of;
    ~at_end() { ++of.ended; }
  } guard{t};
  if (kind % 3 == 0) std::this_thread::yield();
  if (kind % 4 == 1) {
    ++t.called;
    try {
      structio::from_thread::call([&] {
        ++t.answered;
        if (kind % 8 == 1) structio::sleep(1us);
      });
    } catch (const structio::cancelled&) {
      structio::from_thread::check_cancelled();
    }
  }
  if (kind % 5 == 2) structio::from_thread::check_cancelled();
}

void one_task(totals& t, structio::limiter_ref limiter, unsigned kind) {
  const bool to_its_end = structio::move_on_after(std::chrono::microseconds(kind % 200), [&] {
    structio::run_in_thread({.limiter = limiter, .abandon_on_cancel = kind % 2 == 0},
                            [&t, kind, held = counted_closure(t)] { work(t, kind); });
    structio::checkpoint();
  });
  ++(to_its_end ? t.returned : t.cancelled);
}

}  // namespace

TEST_CASE("threads under random cancellation", "[THR-12][THR-33]") {
  totals t;
  constexpr int tasks = 600;
  structio::run({.seed = support::seed()}, [&] {
    std::minstd_rand random(static_cast<unsigned>(support::seed() + 1));
    structio::capacity_limiter limiter(6);
    structio::open_nursery([&](structio::nursery& n) {
      for (int i = 0; i < tasks; ++i) {
        n.start_soon(
            [&t, &limiter, kind = static_cast<unsigned>(random())] { one_task(t, limiter, kind); });
      }
    });
    structio::testing::wait_all_threads_completed();
    CHECK(limiter.statistics().borrowed == 0);
    CHECK(structio::testing::active_thread_count() == 0);
  });
  CHECK(t.returned + t.cancelled == tasks);
  CHECK(t.begun == t.ended);
  CHECK(t.dropped == tasks);
  CHECK(t.answered == t.called);
}

TEST_CASE("several runs at once share the cache", "[TCACHE-05][THR-16]") {
  std::atomic<int> done{0};
  std::vector<std::thread> runs;
  for (int r = 0; r < 3; ++r) {
    runs.emplace_back([&done] {
      structio::run({.interrupt = structio::interrupt_mode::ignore}, [&] {
        structio::open_nursery([&](structio::nursery& n) {
          for (int i = 0; i < 50; ++i) {
            n.start_soon([&] {
              structio::run_in_thread([&] {
                structio::from_thread::call([&] { structio::checkpoint(); });
                ++done;
              });
            });
          }
        });
      });
    });
  }
  for (auto& t : runs) t.join();
  CHECK(done == 150);
}

TEST_CASE("runs end with threads that were left alone, again and again", "[THR-11]") {
  constexpr int rounds = 60;
  const auto ended = std::make_shared<support::counter>();
  for (int i = 0; i < rounds; ++i) {
    structio::run({.interrupt = structio::interrupt_mode::ignore}, [&] {
      structio::cancel_scope scope;
      structio::open_nursery([&](structio::nursery& n) {
        n.start_soon([&] {
          scope.run([&] {
            structio::run_in_thread({.abandon_on_cancel = true}, [ended] {
              auto nothing = [](void*) { return 0; };
              structio_thread_call(nothing, nullptr);  // or it is told that the run has ended
              ended->add();
            });
          });
        });
        for (int j = 0; j <= i % 3; ++j) structio::checkpoint();
        scope.cancel();
      });
    });
  }
  std::uint64_t alive = 1;
  std::uint64_t idle = 0;
  while (alive != idle) structio_thread_cache_counts(&alive, &idle);
  CHECK(ended->now() <= rounds);
}

TEST_CASE("many threads call through one portal", "[THR-01][TOKEN-11]") {
  constexpr int threads = 4;
  constexpr int each = 200;
  int made = 0;
  std::atomic<int> sum{0};
  structio::run({.interrupt = structio::interrupt_mode::ignore}, [&] {
    structio::portal portal;
    structio::open_nursery([&](structio::nursery& n) {
      for (int i = 0; i < threads; ++i) {
        n.start_soon([&] {
          structio::run_in_thread([&] {
            for (int j = 0; j < each; ++j) {
              sum += portal.call([&] {
                ++made;
                if (made % 5 == 0) structio::checkpoint();
                return 1;
              });
            }
          });
        });
      }
    });
  });
  CHECK(made == threads * each);
  CHECK(sum == made);
}
