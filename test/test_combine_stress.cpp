// Random trees of combinators under many seeds: functions that wait, fail, swallow cancellations
// and combine others in their turn, under random deadlines and cancels. Whatever happens, what
// began has ended when a combinator returns, values are those of the functions that gave them, no
// failure is lost, and the run ends.
//
// STRUCTIO_TEST_SEED=n runs that seed alone.
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <structio/combine.hpp>
#include <structio/concurrent.hpp>

#include "support/face.hpp"
#include "support/ranges.hpp"

using namespace face;
using structio::exception_group;

namespace {

struct planned_error : std::runtime_error {
  planned_error() : std::runtime_error("planned") {}
};

struct world {
  explicit world(std::uint64_t seed) : random(seed) {}

  int pick(int below) { return static_cast<int>(random() % static_cast<std::uint64_t>(below)); }
  bool chance(int percent) { return pick(100) < percent; }
  structio::duration some_time() { return std::chrono::milliseconds(pick(40)); }
  void expect(bool true_now, const char* what) {
    if (!true_now && broken.empty()) broken = what;
  }

  std::mt19937_64 random;
  int left = 600;
  int inside = 0;  // functions that have begun and not ended
  int begun = 0;
  std::string broken;
};

class counted {
 public:
  explicit counted(world& w, int* of_call) : w_(w), of_call_(of_call) {
    ++w.inside;
    ++w.begun;
    ++*of_call;
  }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() {
    --w_.inside;
    --*of_call_;
  }

 private:
  world& w_;
  int* of_call_;
};

void combine(world& w, int depth);

/// What one function of a combinator does; its value is its number.
int live(world& w, int depth, int number, int* of_call) {
  const counted here(w, of_call);
  switch (w.pick(6)) {
    case 0: break;
    case 1: try { structio::sleep(w.some_time());
      } catch (const structio::cancelled&) {
        if (w.chance(50)) throw;
        if (w.chance(20)) throw planned_error();
      }
      break;
    case 2: structio::shielded(1s, [&] { structio::sleep(w.some_time()); }); break;
    case 3:
      if (depth < 4) combine(w, depth + 1);
      break;
    default: structio::sleep(w.some_time());
  }
  if (w.chance(10)) throw planned_error();
  return number;
}

void race_some(world& w, int depth, int count, int* inside) {
  std::vector<std::function<int()>> work;
  for (int i = 0; i < count; ++i) {
    work.emplace_back([&w, depth, i, inside] { return live(w, depth, i, inside); });
  }
  if (count == 0) {
    w.expect(throws<std::invalid_argument>([&] { structio::race(work); }), "an empty race");
    return;
  }
  const auto winner = w.chance(50) ? structio::race(work) : structio::first_success(work);
  w.expect(static_cast<int>(winner.index) == winner.value, "another's value");
}

void loop_some(world& w, int depth, int count, int* inside) {
  const std::size_t limit = w.chance(20) ? structio::no_limit : 1 + w.random() % 4;
  std::vector<int> items;
  for (int i = 0; i < count; ++i) items.push_back(i);
  int next = 0;
  const auto turn = [&](int i) {
    w.expect(i == next++, "turns out of order");
    w.expect(static_cast<std::size_t>(*inside) < limit, "too many turns at once");
    return live(w, depth, i, inside);
  };
  if (w.chance(50)) {
    w.expect(structio::map_concurrent(items, limit, turn) == items, "values out of order");
  } else {
    // A range that does not know its size.
    auto same = items;
    support::kept_range some(same, [](int) { return true; });
    structio::for_each_concurrent(some, limit, turn);
    w.expect(next == count, "turns left out");
  }
}

void combine(world& w, int depth) {
  const int count = std::min(w.pick(6), w.left);
  w.left -= count;
  int inside = 0;
  const auto work = [&] {
    switch (w.pick(4)) {
      case 0: {
        std::vector<std::function<int()>> all;
        for (int i = 0; i < count; ++i) {
          all.emplace_back([&, i] { return live(w, depth, i, &inside); });
        }
        const std::vector<int> values = structio::gather(all);
        for (int i = 0; i < count; ++i) {
          w.expect(values[static_cast<std::size_t>(i)] == i, "values out of order");
        }
        break;
      }
      case 1: race_some(w, depth, count, &inside); break;
      case 2: loop_some(w, depth, count, &inside); break;
      default: {
        const auto [a, b] = structio::all([&] { return live(w, depth, 7, &inside); },
                                          [&] { return live(w, depth, 8, &inside); });
        w.expect(a == 7 && b == 8, "values out of order");
      }
    }
  };
  try {
    if (w.chance(30)) {
      structio::move_on_after(w.some_time(), work);
    } else {
      work();
    }
  } catch (const exception_group& group) {
    w.expect(inside == 0, "somebody has not ended when the failure came");
    w.expect(face::count<planned_error>(group) > 0, "a group without an error");
    if (w.chance(30)) throw;
  } catch (const structio::cancelled&) {
    w.expect(inside == 0, "somebody has not ended when the cancellation came");
    throw;
  }
  w.expect(inside == 0, "somebody has not ended");
}

void run_seed(std::uint64_t seed) {
  INFO("STRUCTIO_TEST_SEED=" << seed);
  world w(seed);
  structio::testing::virtual_clock clock;
  run_with({.seed = seed}, clock, [&] {
    structio::cancel_scope scope;
    try {
      scope.run([&] {
        structio::open_nursery([&](structio::nursery& n) {
          n.start_service([&] {
            structio::sleep(std::chrono::milliseconds(50 + w.pick(400)));
            scope.cancel();
          });
          n.start_soon([&] {
            while (w.left > 0) combine(w, 0);
          });
        });
      });
    } catch (const exception_group&) {
    }
  });
  CHECK(w.broken == "");
  CHECK(w.inside == 0);
  CHECK(w.begun > 0);
}

std::uint64_t seeds() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 20;
#else
  return 60;
#endif
}

}  // namespace

TEST_CASE("combinators in random trees keep what they promise") {
  if (const char* only = std::getenv("STRUCTIO_TEST_SEED")) {
    run_seed(std::strtoull(only, nullptr, 10));
    return;
  }
  const std::uint64_t base = support::seed() * 1000;
  for (std::uint64_t seed = base + 1; seed <= base + seeds(); ++seed) run_seed(seed);
}

TEST_CASE("thousands compete, one wins, all have ended") {
  face::run([] {
    int inside = 0;
    std::vector<std::function<int()>> work;
    for (int i = 0; i < 3000; ++i) {
      work.emplace_back([&inside, i] {
        ++inside;
        try {
          structio::sleep(std::chrono::milliseconds(5000 - i));
        } catch (...) {
          --inside;
          throw;
        }
        --inside;
        return i;
      });
    }
    CHECK(structio::race(work).value == 2999);
    CHECK(inside == 0);
    CHECK(structio::first_success(work).value == 2999);
    CHECK(inside == 0);
    CHECK(structio::gather(work).size() == 3000);
  });
}
