// Deadlines and timeouts of scopes: when they count, how they are read, what happens to them when
// they are changed; the timeout helpers; stopping in two stages.
#include <structio/debug.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "support/face.hpp"

using namespace face;
using structio::cancel_scope;
using structio::duration;
using structio::nursery;
using structio::open_nursery;
using structio::time_point;

namespace {

structio::testing::virtual_clock_options standing{.autojump = std::nullopt};

}  // namespace

TEST_CASE("a deadline latches, before entry too", "[CANCEL-16]") {
  structio::testing::virtual_clock clock(standing);
  run_with({}, clock, [&] {
    cancel_scope scope({.deadline = structio::now() + 1s});
    CHECK(!scope.cancel_called());
    scope.set_deadline(structio::now());
    CHECK(scope.cancel_called());
    scope.set_deadline(structio::now() + 1s);
    CHECK(scope.cancel_called());
  });
}

TEST_CASE("a scope that was left is no longer under its deadline", "[CANCEL-17]") {
  structio::testing::virtual_clock clock(standing);
  run_with({}, clock, [&] {
    cancel_scope scope;
    scope.run([&] { scope.set_deadline(structio::now() + 1s); });
    clock.jump(2s);
    structio::checkpoint();
    CHECK(!scope.cancel_called());
    CHECK(!scope.cancelled_caught());
  });
}

TEST_CASE("a deadline that passes cancels", "[CANCEL-18]") {
  structio::testing::virtual_clock clock(standing);
  run_with({}, clock, [&] {
    cancel_scope scope({.deadline = structio::now() + 1s});
    scope.run([&] {
      structio::checkpoint();
      clock.jump(2s);
      structio::sleep_forever();
    });
    CHECK(scope.cancel_called());
    CHECK(scope.cancelled_caught());
  });
}

TEST_CASE("a deadline that is moved into the past takes effect at once", "[CANCEL-19]") {
  face::run([] {
    cancel_scope scope({.deadline = structio::now() + 10s});
    scope.run([&] {
      structio::checkpoint();
      scope.set_deadline(structio::now() - 1s);
      CHECK(is_cancelled([] { structio::checkpoint(); }));
      structio::checkpoint();
      FAIL_CHECK("still cancelled");
    });
    CHECK(scope.cancelled_caught());
  });
}

TEST_CASE("nonsense is refused", "[CANCEL-20][TIME-08]") {
  using bad = std::invalid_argument;
  face::run([] {
    CHECK(throws<bad>([] { cancel_scope({.deadline = structio::now(), .timeout = 1s}); }));
    CHECK(throws<bad>([] { cancel_scope({.timeout = -1s}); }));
    cancel_scope scope;
    CHECK(throws<bad>([&] { scope.set_timeout(-1s); }));
    const std::chrono::duration<double> nan(std::numeric_limits<double>::quiet_NaN());
    CHECK(throws<bad>([&] { scope.set_timeout(nan); }));
    CHECK(throws<bad>([&] { structio::sleep(nan); }));
    CHECK(throws<bad>([&] { structio::move_on_after(nan, [] {}); }));
    CHECK(throws<bad>([&] { structio::fail_after(nan, [] {}); }));
    CHECK(throws<bad>([] { structio::sleep(-1s); }));
    CHECK(throws<bad>([] { structio::move_on_after(-1s, [] {}); }));
    CHECK(throws<bad>([] { structio::fail_after(-1ns, [] {}); }));
    CHECK(scope.timeout() == structio::forever);
    // A moment may lie anywhere.
    CHECK(!structio::move_on_at(time_point(-5s), [] { structio::checkpoint(); }));
  });
}

TEST_CASE("durations of any kind are rounded up and saturate", "[CANCEL-20][SRC-02]") {
  using structio::detail::to_nanoseconds;
  CHECK(to_nanoseconds(std::chrono::hours::max()) == structio::forever);
  CHECK(to_nanoseconds(std::chrono::hours::min()) == duration::min());
  CHECK(to_nanoseconds(1.5s) == 1500ms);
  CHECK(to_nanoseconds(std::chrono::duration<double, std::nano>(0.1)) == 1ns);
  CHECK(to_nanoseconds(std::chrono::duration<int, std::pico>(1)) == 1ns);
  CHECK(to_nanoseconds(std::chrono::duration<float>(1e30F)) == structio::forever);
  CHECK(to_nanoseconds(std::chrono::duration<double>(std::numeric_limits<double>::infinity())) ==
        structio::forever);
  face::run([] {
    CHECK(structio::move_on_after(std::chrono::hours::max(), [] { structio::sleep(24h * 365); }));
  });
}

TEST_CASE("a timeout reads back", "[CANCEL-21]") {
  face::run([] {
    cancel_scope scope;
    scope.set_timeout(5s);
    CHECK(scope.timeout() == 5s);
    cancel_scope made({.timeout = 7s});
    CHECK(made.timeout() == 7s);
  });
}

TEST_CASE("a scope describes itself", "[CANCEL-22]") {
  face::run([] {
    cancel_scope scope;
    CHECK_THAT(scope.describe(), ContainsSubstring("unbound"));
    scope.run([&] {
      CHECK_THAT(scope.describe(), ContainsSubstring("active"));
      scope.set_deadline(structio::now() + 10s);
      CHECK_THAT(scope.describe(), ContainsSubstring("deadline") && ContainsSubstring("10"));
      scope.set_deadline(structio::now() - 10s);
      CHECK_THAT(scope.describe(), ContainsSubstring("cancelled"));
    });
    CHECK_THAT(scope.describe(), ContainsSubstring("exited"));
  });
}

TEST_CASE("the deadline that a task is under", "[CANCEL-23]") {
  face::run([] {
    using structio::current_deadline;
    const auto start = structio::now();
    CHECK(current_deadline() == structio::never);
    cancel_scope first;
    first.run([&] {
      CHECK(current_deadline() == structio::never);
      first.set_deadline(start + 10s);
      CHECK(current_deadline() == start + 10s);
      cancel_scope second({.deadline = start + 5s});
      second.run([&] {
        CHECK(current_deadline() == start + 5s);
        second.set_deadline(start + 99s);
        CHECK(current_deadline() == start + 10s);
        second.set_shield(true);
        CHECK(current_deadline() == start + 99s);
        first.cancel();
        CHECK(current_deadline() == start + 99s);
        second.set_shield(false);
        CHECK(current_deadline() == time_point::min());
      });
    });
    CHECK(current_deadline() == structio::never);
  });
}

TEST_CASE("a deadline that is rewritten for ever leaves nothing behind", "[CANCEL-25]") {
  face::run([] {
    cancel_scope scope;
    const bool finished = scope.run([&] {
      for (int i = 0; i < 5000; ++i) {
        scope.set_deadline(structio::now() + 10s);
        scope.set_deadline(structio::now() + 20s);
      }
      structio::sleep(15s);
      structio::checkpoint();
    });
    CHECK(finished);
    CHECK(!scope.cancel_called());
  });
}

TEST_CASE("a deadline that has passed cancels at entry", "[SRC-06]") {
  face::run([] {
    cancel_scope scope({.deadline = structio::now() - 1s});
    scope.run([&] { CHECK(is_cancelled([] { structio::checkpoint_if_cancelled(); })); });
    cancel_scope none({.timeout = 0s});
    none.run([&] { CHECK(is_cancelled([] { structio::checkpoint_if_cancelled(); })); });
  });
}

TEST_CASE("of two deadlines in one pass the outer scope catches", "[SRC-21]") {
  structio::testing::virtual_clock clock(standing);
  run_with({}, clock, [&] {
    for (const auto& [outer_at, inner_at] : {std::pair{1s, 2s}, std::pair{2s, 1s}}) {
      cancel_scope outer({.timeout = outer_at});
      cancel_scope inner({.timeout = inner_at});
      open_nursery([&](nursery& n) {
        n.start_soon([&] { outer.run([&] { inner.run([] { structio::sleep_forever(); }); }); });
        structio::testing::wait_all_tasks_blocked();
        clock.jump(5s);
      });
      CHECK(outer.cancelled_caught());
      CHECK(!inner.cancelled_caught());
    }
  });
}

TEST_CASE("sleeping takes as long as asked for", "[TIME-01][TIME-02]") {
  face::run([] {
    const auto start = structio::now();
    structio::sleep(1s);
    CHECK(seconds_since(start) == 1);
    structio::sleep_until(start + 2s);
    CHECK(seconds_since(start) == 2);
    structio::sleep_until(start);
    structio::sleep(0s);
    CHECK(seconds_since(start) == 2);
    structio::testing::assert_checkpoints([] { structio::sleep(0s); });
    structio::testing::assert_checkpoints([&] { structio::sleep_until(start); });
    cancel_scope scope;
    scope.run([&] {
      scope.set_deadline(structio::now());
      CHECK(is_cancelled([] { structio::sleep(0s); }));
    });
  });
}

TEST_CASE("move_on_after moves on", "[TIME-03]") {
  face::run([] {
    const auto start = structio::now();
    CHECK(!structio::move_on_after(1s, [] { structio::sleep(100s); }));
    CHECK(seconds_since(start) == 1);
    CHECK(structio::move_on_after(10s, [] { return 3; }) == 3);
    CHECK(structio::move_on_at(structio::now() + 1s, [] {}));
  });
}

TEST_CASE("timeouts behind shields keep their own deadline", "[TIME-05][TIME-06]") {
  face::run([] {
    const auto start = structio::now();
    cancel_scope outer;
    outer.run([&] {
      outer.cancel();
      cancel_scope inner({.timeout = 3s, .shield = true});
      inner.run([&] {
        structio::sleep(1s);
        structio::sleep(100s);
      });
      CHECK(inner.cancelled_caught());
      cancel_scope failing({.timeout = 1s, .shield = true});
      CHECK(
          throws<structio::too_slow>([&] { failing.run_or_fail([] { structio::sleep(100s); }); }));
      CHECK(!structio::shielded(1s, [] { structio::sleep_forever(); }));
      CHECK(structio::shielded(1s, [] { return 5; }) == 5);
    });
    CHECK(seconds_since(start) == 5);
  });
}

TEST_CASE("fail_after fails", "[TIME-07]") {
  face::run([] {
    CHECK(throws<structio::too_slow>([] { structio::fail_after(1s, structio::sleep_forever); }));
    CHECK(throws<structio::too_slow>(
        [] { structio::fail_at(structio::now(), structio::checkpoint); }));
    CHECK(structio::fail_after(1s, [] { return std::string("in time"); }) == "in time");
    structio::fail_at(structio::now() + 1s, [] {});
    CHECK(throws<key_error>([] { structio::fail_after(1s, [] { throw key_error(); }); }));
  });
}

TEST_CASE("a timeout counts from entry", "[TIME-09][TIME-10][TIME-11]") {
  face::run([] {
    cancel_scope scope({.timeout = 5s});
    structio::sleep(3s);
    CHECK(!scope.shield());
    scope.set_shield(true);
    CHECK(scope.shield());
    scope.run([&](cancel_scope& self) {
      CHECK(&self == &scope);
      const auto start = structio::now();
      CHECK(scope.deadline() == start + 5s);
      scope.set_deadline(start + 3s);
      CHECK(scope.timeout() == 3s);
      scope.set_timeout(4s);
      CHECK(scope.deadline() == start + 4s);
    });
  });
}

TEST_CASE("before entry a scope has a moment or a duration", "[TIME-12]") {
  using structio::usage_error;
  face::run([] {
    cancel_scope relative({.timeout = 5s});
    CHECK(throws<usage_error>([&] { relative.deadline(); }));
    CHECK(throws<usage_error>([&] { relative.set_deadline(structio::now()); }));
    CHECK(relative.timeout() == 5s);
    const auto moment = structio::now() + 5s;
    cancel_scope absolute({.deadline = moment});
    CHECK(throws<usage_error>([&] { absolute.timeout(); }));
    CHECK(throws<usage_error>([&] { absolute.set_timeout(1s); }));
    CHECK(absolute.deadline() == moment);
  });
}

TEST_CASE("a failing scope can be adjusted before it is entered", "[TIME-13]") {
  face::run([] {
    cancel_scope scope({.timeout = 1s});
    scope.set_timeout(10s);
    CHECK(scope.run_or_fail([] {
      structio::sleep(5s);
      return 1;
    }) == 1);
  });
}

TEST_CASE("a stop is polite, then firm", "[CANCEL-01]") {
  face::run([] {
    const auto start = structio::now();
    double idle_ended = -1;
    double busy_ended = -1;
    cancel_scope scope;
    scope.run([&] {
      open_nursery([&](nursery& n) {
        n.start_soon([&] {
          cancel_scope idle({.ends_on_stop = true});
          idle.run([] { structio::sleep_forever(); });
          idle_ended = seconds_since(start);
          CHECK(structio::stop_requested());
          structio::sleep(1s);
        });
        n.start_soon([&] {
          CHECK(is_cancelled([] { structio::sleep_forever(); }));
          busy_ended = seconds_since(start);
        });
        CHECK(!structio::stop_requested());
        structio::sleep(2s);
        scope.stop(5s, "enough");
        scope.stop(10s);
      });
    });
    CHECK(idle_ended == 2);
    CHECK(busy_ended == 7);
    CHECK(!structio::stop_requested());
  });
}

TEST_CASE("a token cancels from another thread", "[CANCEL-12]") {
  structio::run([] {
    cancel_scope scope;
    auto token = scope.token();
    const auto copy = token;
    const structio::portal keeps_the_run_open;
    std::thread other;
    scope.run([&] {
      other = std::thread([moved = std::move(token)] { CHECK(moved.cancel()); });
      structio::sleep_forever();
    });
    other.join();
    CHECK(scope.cancelled_caught());
    static_cast<void>(copy.cancel());
    CHECK(!structio::cancel_token().cancel());
  });
}

#if defined(__cpp_lib_jthread)
TEST_CASE("a std::stop_token cancels a scope", "[CANCEL-12]") {
  structio::run([] {
    std::stop_source source;
    const structio::portal keeps_the_run_open;
    {
      cancel_scope scope;
      const structio::stop_bridge bridge(source.get_token(), scope);
      scope.run([&] {
        std::thread([&] { source.request_stop(); }).join();
        structio::sleep_forever();
      });
      CHECK(scope.cancelled_caught());
    }
    cancel_scope late;
    const structio::stop_bridge bridge(source.get_token(), late);
    late.run([] { structio::sleep_forever(); });
    CHECK(late.cancelled_caught());
  });
}
#endif

TEST_CASE("deadlines that come thick share wake-ups, and none is early", "[RUN-10]") {
  constexpr int count = 4'000;
  structio::run([&] {
    const time_point first = structio::now() + 20ms;
    int early = 0;
    std::uint64_t before = 0;
    open_nursery([&](nursery& n) {
      for (int i = 0; i < count; ++i) {
        n.start_soon([&, moment = first + i * 5us] {
          structio::sleep_until(moment);
          if (structio::now() < moment) ++early;
        });
      }
      structio::sleep_until(first);
      before = structio::debug::get_statistics().polls;
    });
    CHECK(early == 0);
    // One each 25 us at most, and a look now and then while there is something to do.
    const auto polls = static_cast<std::int64_t>(structio::debug::get_statistics().polls - before);
    CHECK(polls * 20us < structio::now() - first + 1ms);
  });
}

TEST_CASE("of very many sleepers those who are cancelled wake in order, the others in time",
          "[NUR-12]") {
  structio::testing::virtual_clock clock({.autojump = 0s});
  constexpr int count = 600;
  const int stay = GENERATE(0, 1, 300, 599);
  std::vector<int> cancelled;
  std::vector<int> woken;
  const auto moment_of = [](int i) { return std::chrono::seconds(i * 77 % count + 1); };
  face::run_with({}, clock, [&] {
    const auto start = structio::now();
    open_nursery([&](nursery& all) {
      for (int i = 0; i < stay; ++i) {
        all.start_soon([&, i] {
          structio::sleep(moment_of(i));
          CHECK(structio::now() == start + moment_of(i));
          woken.push_back(i);
        });
      }
      open_nursery([&](nursery& leaving) {
        for (int i = stay; i < count; ++i) {
          leaving.start_soon([&, i] {
            // Every third one is in a nursery of its own and a level deeper.
            const auto sleeps = [&] { structio::sleep(moment_of(i)); };
            const auto deeper = [&] { open_nursery([&](nursery& n) { n.start_soon(sleeps); }); };
            if (i % 3 == 0 ? is_cancelled(deeper) : is_cancelled(sleeps)) cancelled.push_back(i);
          });
        }
        structio::testing::wait_all_tasks_blocked();
        leaving.cancel_scope().cancel();
      });
    });
  });
  CHECK(cancelled.size() == static_cast<std::size_t>(count - stay));
  CHECK(woken.size() == static_cast<std::size_t>(stay));
  const auto sooner = [&](int a, int b) { return moment_of(a) < moment_of(b); };
  CHECK(std::is_sorted(woken.begin(), woken.end(), sooner));
  // Who sleeps deeper is told later by as many turns: each kind is in order by itself.
  const auto middle =
      std::stable_partition(cancelled.begin(), cancelled.end(), [](int i) { return i % 3 == 0; });
  CHECK(std::is_sorted(cancelled.begin(), middle));
  CHECK(std::is_sorted(middle, cancelled.end()));
}
