// race and first_success: who wins, what becomes of the losers, whose failure counts.
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include <structio/combine.hpp>

#include "support/face.hpp"

using namespace face;
using structio::exception_group;
using structio::first_success;
using structio::race;

namespace {

auto after(structio::duration time, int value) {
  return [time, value] {
    structio::sleep(time);
    return value;
  };
}

template <class Error>
auto fails_after(structio::duration time) {
  return [time]() -> int {
    structio::sleep(time);
    throw Error();
  };
}

}  // namespace

TEST_CASE("the first to end wins, and the losers have ended when the race returns") {
  face::run([] {
    const auto begin = structio::now();
    bool cleaned_up = false;
    const auto winner = race(after(5s, 1), after(1s, 2), [&] {
      CHECK(is_cancelled([] { structio::sleep_forever(); }));
      structio::shielded(1min, [] { structio::sleep(3s); });
      cleaned_up = true;
      return 3;
    });
    CHECK(winner.index == 1);
    CHECK(winner.value == 2);
    CHECK(cleaned_up);
    CHECK(seconds_since(begin) == 4);
    CHECK(race(after(1s, 7)).value == 7);
  });
}

TEST_CASE("what a race gives has the type of its functions") {
  face::run([] {
    const auto mixed = race([] { structio::sleep_forever(); }, [] { return std::string("text"); },
                            [] {
                              structio::sleep(1h);
                              return 5;
                            });
    using expected = std::variant<std::monostate, std::string, int>;
    CHECK(std::is_same_v<std::remove_const_t<decltype(mixed)>, expected>);
    CHECK(mixed.index() == 1);
    CHECK(std::get<1>(mixed) == "text");
    const auto nothing = race([] { structio::sleep(2s); }, [] { structio::sleep(1s); });
    CHECK(nothing.index == 1);
    const auto owned = race([] { return std::make_unique<int>(4); },
                            [] {
                              structio::sleep_forever();
                              return std::unique_ptr<int>();
                            });
    CHECK(*owned.value == 4);
  });
}

TEST_CASE("a winner that fails is the result of the race") {
  face::run([] {
    bool loser_ended = false;
    const auto group = thrown<exception_group>([&] {
      race(fails_after<key_error>(1s), [&] {
        const bool cut = is_cancelled([] { structio::sleep(1h); });
        loser_ended = cut;
        return 1;
      });
    });
    REQUIRE(group);
    CHECK(group->size() == 1);
    CHECK(structio::holds<key_error>((*group)[0]));
    CHECK(loser_ended);
  });
}

TEST_CASE("what a loser fails with is not lost") {
  face::run([] {
    const auto spoils = [] {
      try {
        structio::sleep_forever();
      } catch (const structio::cancelled&) {
        throw value_error("while cleaning up");
      }
      return 0;
    };
    const auto group = thrown<exception_group>([&] { race(after(1s, 1), spoils); });
    REQUIRE(group);
    CHECK(group->size() == 1);
    CHECK(count<value_error>(*group) == 1);
    const auto both = thrown<exception_group>([&] { race(fails_after<key_error>(1s), spoils); });
    REQUIRE(both);
    CHECK(both->size() == 2);
    CHECK(structio::holds<key_error>((*both)[0]));
    CHECK(structio::holds<value_error>((*both)[1]));
  });
}

TEST_CASE("a race is cancelled from outside, and a winner is told all the same") {
  face::run([] {
    CHECK_FALSE(structio::move_on_after(1s, [] {
      race([] { structio::sleep_forever(); }, [] { structio::sleep(1h); });
      FAIL("nobody has won");
    }));
    structio::cancel_scope scope;
    int won = 0;
    bool cancelled_afterwards = false;
    scope.run([&] {
      won = race(after(1s, 5), [&] {
              CHECK(is_cancelled([] { structio::sleep_forever(); }));
              scope.cancel();  // while the losers are awaited
              structio::shielded(1min, [] { structio::sleep(1s); });
              structio::checkpoint();
              return 6;
            }).value;
      cancelled_afterwards = is_cancelled([] { structio::checkpoint(); });
    });
    CHECK(won == 5);
    CHECK(cancelled_afterwards);
    // A task that has its race cancelled but brings it to an end wins nothing for others.
    const auto begin = structio::now();
    CHECK_FALSE(
        structio::move_on_after(1s, [] { first_success([] { structio::sleep_forever(); }); }));
    CHECK(seconds_since(begin) == 1);
  });
}

TEST_CASE("the reason of a loser's cancellation names the race") {
  face::run([] {
    std::string why;
    race(after(1s, 1), [&] {
      try {
        structio::sleep_forever();
      } catch (const structio::cancelled& caught) {
        why = caught.reason().text;
        throw;
      }
      return 0;
    });
    CHECK(why == "another function of the race has ended first");
  });
}

TEST_CASE("the first success wins, failures before it are out") {
  face::run([] {
    const auto begin = structio::now();
    const auto winner = first_success(fails_after<key_error>(1s), after(3s, 2), after(5s, 3),
                                      fails_after<value_error>(2s));
    CHECK(winner.index == 1);
    CHECK(winner.value == 2);
    CHECK(seconds_since(begin) == 3);
    // Not even one that comes while it is cancelled.
    const auto quick = first_success(after(1s, 1), []() -> int {
      try {
        structio::sleep_forever();
      } catch (...) {
      }
      throw key_error();
    });
    CHECK(quick.value == 1);
    const auto mixed = first_success(fails_after<key_error>(1s), [] {
      structio::sleep(2s);
      return std::string("text");
    });
    CHECK(std::get<1>(mixed) == "text");
  });
}

TEST_CASE("when nobody succeeds all failures come, in the order in which they came") {
  face::run([] {
    const auto group = thrown<exception_group>([] {
      first_success(fails_after<key_error>(3s), fails_after<value_error>(1s),
                    fails_after<key_error>(2s));
    });
    REQUIRE(group);
    CHECK(group->size() == 3);
    CHECK(structio::holds<value_error>((*group)[0]));
    CHECK(count<key_error>(*group) == 2);
    // Those that have not ended when the caller is cancelled do not hide those that failed.
    const auto partly = thrown<exception_group>([] {
      structio::move_on_after(2s, [] {
        first_success(fails_after<key_error>(1s), [] {
          structio::sleep_forever();
          return 1;
        });
      });
    });
    REQUIRE(partly);
    CHECK(partly->size() == 1);
    CHECK(count<key_error>(*partly) == 1);
  });
}

TEST_CASE("an interrupt is stronger than a success") {
  face::run([] {
    const auto group = thrown<exception_group>([] {
      first_success([]() -> int { throw key_error(); },
                    [] {
                      structio::sleep(1s);
                      structio::testing::inject_interrupt();
                      structio::shielded(1min, [] { structio::sleep(1s); });
                      return 1;
                    });
    });
    REQUIRE(group);
    CHECK(group->size() == 1);
    CHECK(structio::holds<structio::interrupted>((*group)[0]));
  });
}

TEST_CASE("ranges of functions race as well") {
  face::run([] {
    std::vector<std::function<int()>> work{after(3s, 30), after(1s, 10), after(2s, 20)};
    const auto winner = race(work);
    CHECK(winner.index == 1);
    CHECK(winner.value == 10);
    work[1] = fails_after<key_error>(1s);
    CHECK(first_success(work).value == 20);
    CHECK(throws<exception_group>([&] { race(work); }));
    work.clear();
    CHECK(throws<std::invalid_argument>([&] { race(work); }));
    CHECK(throws<std::invalid_argument>([&] { first_success(work); }));
    std::vector<std::function<void()>> plain{[] { structio::sleep_forever(); },
                                             [] { structio::sleep(1s); }};
    CHECK(race(plain).index == 1);
    CHECK(first_success(plain).index == 1);
  });
}

TEST_CASE("races nest, and a timeout around one is told apart from it") {
  face::run([] {
    const auto winner = race([] { return race(after(5s, 1), after(2s, 2)).value; },
                             [] { return first_success(after(1s, 3)).value; });
    CHECK(winner.value == 3);
    CHECK(throws<structio::too_slow>(
        [] { structio::fail_after(1s, [] { race([] { structio::sleep(2s); }); }); }));
    const auto group = thrown<exception_group>([] {
      race([] { structio::fail_after(1s, [] { structio::sleep(2s); }); },
           [] { structio::sleep(5s); });
    });
    REQUIRE(group);
    CHECK(structio::holds<structio::too_slow>((*group)[0]));
  });
}

TEST_CASE("a race in a destructor while an exception unwinds is not cancelled") {
  face::run([] {
    struct cleaner {
      int* value;
      ~cleaner() { *value = race(after(1s, 4), after(2s, 5)).value; }
    };
    int value = 0;
    structio::cancel_scope scope;
    scope.run([&] {
      const cleaner at_the_end{&value};
      scope.cancel();
      structio::checkpoint();
    });
    CHECK(value == 4);
  });
}
