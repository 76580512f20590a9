// Virtual clocks that run at a rate, through the C ABI and the face. Real time is only ever bounded
// from the side that a slow machine cannot break: what has passed at least.
#include <chrono>
#include <cmath>
#include <limits>

#include "support/face.hpp"
#include "support/refusals.hpp"

using namespace face;
using c_tasks::refused;
using structio::testing::virtual_clock;

namespace {

using real = std::chrono::steady_clock;

double real_seconds_since(real::time_point begin) {
  return std::chrono::duration<double>(real::now() - begin).count();
}

double virtual_seconds(structio::duration time) {
  return std::chrono::duration<double>(time).count();
}

/// A clock with this rate that does not jump by itself.
structio::testing::virtual_clock_options running(double rate) {
  return {.autojump = std::nullopt, .rate = rate};
}

}  // namespace

TEST_CASE("a rate that is none is refused, and changes nothing", "[CLOCK-03]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  c_tasks::virtual_clock clock(-1, 100);
  for (const double rate : {-1.0, -0.001, nan, infinite, -infinite, 1e13, 1.1e6}) {
    CHECK(
        refused(structio_virtual_clock_set_rate(clock.handle, rate), STRUCTIO_EINVALID, {"rate"}));
    structio_virtual_clock_options options{sizeof options, 0, 0, rate};
    structio_clock* other = clock.handle;
    CHECK(structio_virtual_clock_new(&options, &other) == STRUCTIO_EINVALID);
    CHECK(other == nullptr);
    CHECK(throws<std::invalid_argument>([&] { virtual_clock made(running(rate)); }));
  }
  CHECK(clock.now() == 100);
  CHECK(structio_virtual_clock_set_rate(nullptr, 1) == STRUCTIO_EINVALID);
  structio_clock* freed = nullptr;
  CHECK(structio_virtual_clock_new(nullptr, &freed) == 0);
  CHECK(structio_virtual_clock_free(freed) == 0);
  CHECK(structio_virtual_clock_set_rate(freed, 1) == STRUCTIO_ESTALE);
  // An older program's options end before the rate: its clock stands still.
  structio_virtual_clock_options old{offsetof(structio_virtual_clock_options, rate), 5, 0, 3};
  CHECK(structio_virtual_clock_new(&old, &freed) == 0);
  int64_t now = 0;
  CHECK(structio_virtual_clock_now(freed, &now) == 0);
  CHECK(now == 5);
  CHECK(structio_virtual_clock_free(freed) == 0);
}

TEST_CASE("a clock runs as fast as its rate says, from its first reading on", "[CLOCK-05]") {
  const auto before = real::now();
  virtual_clock clock({.start = structio::time_point(1h), .autojump = std::nullopt, .rate = 3});
  const auto made = real::now();
  double read_after = 0;
  double reading = 0;
  do {
    read_after = real_seconds_since(made);
    reading = virtual_seconds(clock.now() - structio::time_point(1h));
    CHECK(reading <= 3 * real_seconds_since(before) + 1e-6);
    CHECK(reading >= 3 * read_after - 1e-6);
  } while (read_after < 0.002);
}

TEST_CASE("a changed rate keeps the present, a jump adds to it", "[CLOCK-04]") {
  virtual_clock clock(running(2));
  const auto before = clock.now();
  clock.set_rate(0);
  const auto stopped = clock.now();
  CHECK(stopped >= before);
  CHECK(clock.now() == stopped);
  clock.jump(10s);
  CHECK(clock.now() == stopped + 10s);
  clock.set_rate(0.5);
  CHECK(clock.now() >= stopped + 10s);
  clock.set_rate(0);
  const auto later = clock.now();
  clock.set_rate(1000);
  clock.set_rate(0);
  CHECK(clock.now() >= later);
}

TEST_CASE("deadlines are waited for as long as they take at that rate", "[CLOCK-04]") {
  const double rate = GENERATE(0.5, 2.0, 1000.0);
  virtual_clock clock(running(rate));
  run_with({}, clock, [&] {
    const auto time = std::chrono::duration<double>(0.006 * rate);
    const auto begin = real::now();
    const auto start = structio::now();
    structio::sleep(time);
    CHECK(structio::now() - start >= time);
    CHECK(real_seconds_since(begin) >= 0.006 - 1e-6);
    CHECK_FALSE(structio::move_on_after(time, [] { structio::sleep_forever(); }));
    CHECK(real_seconds_since(begin) >= 0.012 - 1e-6);
  });
}

TEST_CASE("a run with many ready tasks sees a running clock's deadlines pass") {
  virtual_clock clock(running(1000));
  run_with({.budget = 32}, clock, [] {
    bool over = false;
    structio::open_nursery([&](structio::nursery& n) {
      for (int i = 0; i < 3; ++i) {
        n.start_soon([&] {
          while (!over) structio::checkpoint();
        });
      }
      structio::sleep(1s);
      over = true;
    });
    CHECK(over);
  });
}

TEST_CASE("a change of the rate takes effect on those who wait") {
  virtual_clock clock({.autojump = std::nullopt});
  run_with({}, clock, [&] {
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([] { structio::sleep(24h); });
      structio::testing::wait_all_tasks_blocked();
      CHECK(structio::now() == structio::time_point());
      clock.set_rate(1e6);
    });
    CHECK(structio::now() >= structio::time_point(24h));
    clock.set_rate(0);
  });
}

TEST_CASE("close to the end of time only what is for ever lasts for ever", "[CLOCK-03]") {
  constexpr auto nearly = structio::time_point(structio::duration(INT64_MAX - 1000));
  const auto at_the_end = [&](auto body) {
    virtual_clock clock({.start = nearly});
    run_with({}, clock, body);
  };
  at_the_end([] {
    structio::sleep(1s);
    CHECK(structio::now() < structio::time_point::max());
  });
  at_the_end([] { CHECK_FALSE(structio::move_on_after(1s, [] { structio::sleep_forever(); })); });
  at_the_end([] {
    structio::cancel_scope scope;
    scope.run([&] {
      scope.set_timeout(1s);
      structio::sleep_forever();
    });
    CHECK(scope.cancelled_caught());
  });
  CHECK(throws<structio::deadlock>([&] {
    at_the_end([] { structio::move_on_after(structio::duration::max(), structio::sleep_forever); });
  }));
}

TEST_CASE("a running clock jumps as well", "[CLOCK-06]") {
  virtual_clock clock({.autojump = 0s, .rate = 0.001});
  const auto begin = real::now();
  run_with({}, clock, [] {
    structio::sleep(1h);
    structio::sleep(2h);
    CHECK(structio::now() >= structio::time_point(3h));
    CHECK(structio::now() < structio::time_point(3h + 1min));
  });
  CHECK(real_seconds_since(begin) < 60);
}

TEST_CASE("a clock that runs is no deadlock as long as somebody has a deadline") {
  virtual_clock clock(running(1000));
  run_with({}, clock, [] { structio::sleep(2s); });
  CHECK(
      throws<structio::deadlock>([&] { run_with({}, clock, [] { structio::sleep_forever(); }); }));
  virtual_clock frozen({.autojump = std::nullopt});
  CHECK(throws<structio::deadlock>([&] { run_with({}, frozen, [] { structio::sleep(2s); }); }));
}

TEST_CASE("deadlines are moments of a run's own clock, whose zero means nothing", "[SRC-20]") {
  const auto deadline_in = [](structio::time_point start) {
    virtual_clock clock({.start = start});
    return run_with({}, clock, [] {
      structio::cancel_scope scope({.timeout = 5s});
      scope.run([] {});
      return scope.deadline();
    });
  };
  CHECK(deadline_in(structio::time_point(100s)) == structio::time_point(105s));
  CHECK(deadline_in(structio::time_point(-100s)) == structio::time_point(-95s));
  structio::time_point of_this_run{};
  run_with({}, *std::make_unique<virtual_clock>(), [&] { of_this_run = structio::now() + 5s; });
  virtual_clock later({.start = structio::time_point(1h)});
  run_with({}, later, [&] {
    // In another run the same number is another moment: here it has long passed.
    CHECK_FALSE(structio::move_on_at(of_this_run, [] { structio::sleep(1s); }));
    CHECK(structio::now() == structio::time_point(1h));
  });
}

TEST_CASE("who sleeps for ever is woken by nobody but a cancellation", "[TIME-04]") {
  virtual_clock standing({.autojump = std::nullopt});
  run_with({}, standing, [] {
    structio_waiter waiter;
    bool asleep = true;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        CHECK(structio_waiter_init(&waiter) == 0);
        CHECK(structio_sleep_forever() == STRUCTIO_ECANCELLED);
        asleep = false;
        structio::checkpoint();
      });
      structio::testing::wait_all_tasks_blocked();
      // A waiter names the task's next park; a sleep is none, and not touched.
      structio_wake(&waiter, 1);
      structio::testing::wait_all_tasks_blocked();
      CHECK(asleep);
      n.cancel_scope().cancel();
    });
    CHECK_FALSE(asleep);
    CHECK(refused(structio_park(&waiter, "test", nullptr, nullptr), STRUCTIO_EMISUSE,
                  {"another task's"}));
  });
}
