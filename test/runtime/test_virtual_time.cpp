// The arithmetic of a virtual clock, with real moments that are made up: exact, and without
// waiting.
#include <cmath>

#include "runtime/virtual_time.hpp"
#include "support/catch.hpp"

using structio::rt::virtual_time;
namespace base = structio::base;

namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t begin = 77 * second;  // where real time happens to be

/// What is left of real time until the clock shows `moment`.
std::int64_t real_wait(const virtual_time& clock, std::int64_t moment, std::int64_t real) {
  const std::int64_t until = clock.real_moment_of(moment, real);
  if (until == base::long_ago) return 0;
  return until == base::forever ? base::forever : until - real;
}

}  // namespace

TEST_CASE("at rate 0 a deadline is now or never", "[CLOCK-02]") {
  virtual_time clock;
  clock.set(5 * second, begin);
  CHECK(clock.at(begin + second) == 5 * second);
  CHECK(real_wait(clock, 4 * second, begin) == 0);
  CHECK(real_wait(clock, 5 * second, begin) == 0);
  CHECK(real_wait(clock, 5 * second + 1, begin) == base::forever);
  CHECK(real_wait(clock, base::forever, begin) == base::forever);
}

TEST_CASE("a rate turns real time into virtual time, and deadlines into waits", "[CLOCK-04]") {
  virtual_time clock;
  clock.set(0, begin);
  clock.set_rate(2, begin);
  CHECK(clock.at(begin) == 0);
  CHECK(clock.at(begin + second) == 2 * second);
  const std::int64_t now = begin + second;
  CHECK(real_wait(clock, 2 * second, now) == 0);
  CHECK(real_wait(clock, 3 * second, now) == second / 2 + 1);  // never early
  clock.set_rate(0.5, now);
  CHECK(clock.at(now) == 2 * second);
  CHECK(real_wait(clock, 3 * second, now) == 2 * second + 1);
  clock.set(clock.at(now) + 10 * second, now);  // a jump
  CHECK(clock.at(now) == 12 * second);
  CHECK(clock.at(now + 2 * second) == 13 * second);
  clock.set_rate(0, now + 2 * second);
  CHECK(clock.at(now + 100 * second) == 13 * second);
}

TEST_CASE("a clock that is made with a rate begins where it shall", "[CLOCK-05]") {
  virtual_time clock;
  clock.set(0, begin);
  clock.rate = 3;
  CHECK(clock.at(begin) == 0);
  CHECK(clock.at(begin + second) == 3 * second);
}

TEST_CASE("a waiting hub that wakes at the moment it was told finds the deadline passed") {
  const double rate = GENERATE(0.001, 0.3, 1.0, 1.7, 3.0, 1e6);
  virtual_time clock;
  clock.set(17, begin);
  clock.set_rate(rate, begin);
  for (std::int64_t deadline = 18; deadline < 3 * second; deadline = deadline * 3 + 7) {
    const std::int64_t until = clock.real_moment_of(deadline, begin);
    CHECK(clock.at(until) >= deadline);
    // Nor much too late: by no more than a few nanoseconds of real time.
    CHECK(clock.at(until - 3) <= deadline);
  }
}

TEST_CASE("time never ends and never goes back") {
  virtual_time clock;
  clock.set(0, begin);
  clock.set_rate(1e12, begin);
  CHECK(clock.at(base::forever) == base::forever - 1);
  CHECK(clock.at(begin - second) == 0);
  std::int64_t before = 0;
  for (std::int64_t real = begin; real < begin + 1000; ++real) {
    CHECK(clock.at(real) >= before);
    before = clock.at(real);
  }
  clock.set_rate(1e-9, begin);
  CHECK(clock.real_moment_of(base::forever - 1, begin) == base::forever);  // as good as
  CHECK(clock.real_moment_of(base::forever, begin) == base::forever);
}
