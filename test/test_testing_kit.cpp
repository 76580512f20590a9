// What users test their programs with: cases for Catch2, matchers for groups, exploration, seeds.
// That a failing check inside of a case is reported is proved by a child process: this program
// again, which then runs one of the cases that fail when asked to.
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <structio/structio.hpp>
#include <structio/testing/catch2.hpp>

#include "support/face.hpp"

#if defined(__linux__)
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace face;
using structio::exception_group;
using structio::testing::exploration_failed;
using structio::testing::explore;
using structio::testing::group_of;
using structio::testing::holds_exactly;
using structio::testing::leaf;

namespace {

/// The environment with another STRUCTIO_SEED, until the end of the block.
class seed_set_to {
 public:
  explicit seed_set_to(const char* text) {
    if (const char* now = std::getenv("STRUCTIO_SEED")) before_ = now;
    set(text);
  }
  seed_set_to(const seed_set_to&) = delete;
  seed_set_to& operator=(const seed_set_to&) = delete;
  ~seed_set_to() { set(before_ ? before_->c_str() : nullptr); }

 private:
  static void set(const char* text) {
    if (text) {
      setenv("STRUCTIO_SEED", text, 1);
    } else {
      unsetenv("STRUCTIO_SEED");
    }
  }
  std::optional<std::string> before_;
};

bool asked_to_fail() {
  return std::getenv("STRUCTIO_TEST_FAILS") != nullptr;
}

void one_and_one() {
  structio::open_nursery([](structio::nursery& n) {
    n.start_soon([] { throw key_error("no such key"); });
    n.start_soon([] {
      structio::open_nursery([](structio::nursery& inner) {
        inner.start_soon([] { throw value_error("too large"); });
      });
    });
  });
}

}  // namespace

STRUCTIO_TEST_CASE("a case is a task of a run on a virtual clock [TST-18]", "[kit]") {
  CHECK(structio::in_task());
  const auto begin = clock.now();
  structio::sleep(24h);
  CHECK(clock.now() - begin == 24h);
  CHECK(structio::now() == clock.now());
  SECTION("with sections") {
    structio::open_nursery([](structio::nursery& n) {
      for (int i = 0; i < 3; ++i) n.start_soon([] { CHECK(structio::in_task()); });
    });
  }
  SECTION("one after the other") {
    REQUIRE(structio::in_task());
  }
}

TEST_CASE("a matcher compares a whole group, in any order") {
  face::run([] {
    CHECK_THROWS_MATCHES(
        one_and_one(), exception_group,
        group_of(leaf<key_error>("no such"), group_of(leaf<value_error>("large"))));
    CHECK_THROWS_MATCHES(one_and_one(), exception_group,
                         group_of(group_of(leaf<value_error>()), leaf<key_error>()));
    CHECK_THROWS_MATCHES(one_and_one(), exception_group, (holds_exactly<value_error, key_error>()));
    CHECK_THROWS_MATCHES(one_and_one(), exception_group,
                         !group_of(leaf<key_error>()) && !holds_exactly<key_error>());
    const auto group = thrown<exception_group>(one_and_one);
    REQUIRE(group);
    CHECK_FALSE(
        group_of(leaf<key_error>("other text"), group_of(leaf<value_error>())).match(*group));
    CHECK_FALSE(group_of(leaf<key_error>(), leaf<value_error>()).match(*group));  // nested
    CHECK_FALSE(holds_exactly<key_error, key_error>().match(*group));
    CHECK_FALSE(holds_exactly<key_error, value_error, value_error>().match(*group));
    // One that fits several places is put where it leaves room for the others.
    const auto twice = holds_exactly<std::runtime_error, key_error>();
    CHECK(twice.match(*group));
    CHECK(group_of(group_of(leaf<std::exception>()), leaf<std::runtime_error>()).match(*group));
    CHECK(group_of(leaf<key_error>("text"), group_of(leaf<value_error>())).describe() ==
          "is a group of (face::key_error with \"text\", a group of (face::value_error))");
  });
}

TEST_CASE("exploring runs a body under one seed after the other, and says which fails") {
  const seed_set_to none(nullptr);
  std::set<std::vector<int>> orders;
  const auto three_tasks = [&](std::vector<int>& order) {
    structio::open_nursery([&](structio::nursery& n) {
      for (int i = 0; i < 3; ++i) n.start_soon([&, i] { order.push_back(i); });
    });
  };
  CHECK(explore({.runs = 50}, [&] {
          std::vector<int> order;
          three_tasks(order);
          orders.insert(order);
          structio::sleep(1h);  // on a clock of its own
        }) == 50);
  CHECK(orders.size() == 6);

  // A bug that needs an unlucky order.
  const auto body = [&](structio::testing::virtual_clock& clock) {
    std::vector<int> order;
    three_tasks(order);
    CHECK(clock.now() == structio::now());
    if (order == std::vector<int>{2, 0, 1}) throw key_error("unlucky");
  };
  const auto found = thrown<exploration_failed>([&] { explore({.runs = 1000}, body); });
  REQUIRE(found);
  const std::string text = found->what();
  CHECK(text.find("unlucky") != std::string::npos);
  CHECK(text.find(found->replay()) != std::string::npos);
  CHECK(found->replay() == "STRUCTIO_SEED=" + std::to_string(found->seed()));
  CHECK(throws<key_error>([&] { std::rethrow_exception(found->why()); }));
  {
    const seed_set_to that(std::to_string(found->seed()).c_str());
    const auto again = thrown<exploration_failed>([&] { explore({.runs = 1000}, body); });
    REQUIRE(again);
    CHECK(again->seed() == found->seed());
    CHECK(std::string(again->what()).find("run 1 of 1 ") == 0);
  }
  const auto stuck =
      thrown<exploration_failed>([] { explore({}, [] { structio::sleep_forever(); }); });
  REQUIRE(stuck);
  CHECK(stuck->seed() == 1);
  face::run([] { CHECK(throws<structio::usage_error>([] { explore({}, [] {}); })); });
}

TEST_CASE("a seed is any number of 64 bits; exploring leaves out the one that is none") {
  using structio::testing::parse_seed;
  CHECK(parse_seed("18446744073709551615") == UINT64_MAX);
  CHECK(parse_seed("0") == 0);
  for (const char* wrong : {"18446744073709551616", "", "-1", "+1", " 1", "1x"}) {
    CHECK(throws<std::invalid_argument>([&] { parse_seed(wrong); }));
  }
  const seed_set_to none(nullptr);
  int runs = 0;
  const auto found = thrown<structio::testing::exploration_failed>([&] {
    structio::testing::explore({.runs = 2, .first_seed = UINT64_MAX}, [&] {
      if (++runs == 2) throw key_error();
    });
  });
  CHECK(found.value().seed() == 1);
}

#define TWO_CASES                                             \
  STRUCTIO_TEST_CASE("one of two cases that a macro makes") { \
    CHECK(clock.now() == structio::now());                    \
  }                                                           \
  STRUCTIO_TEST_CASE("the other of them") {                   \
    CHECK(structio::in_run());                                \
  }
TWO_CASES

TEST_CASE("the seed comes from the environment") {
  using structio::testing::seed_from_environment;
  {
    const seed_set_to none(nullptr);
    CHECK(seed_from_environment() == 0);
    CHECK_FALSE(structio::testing::find_seed_in_environment());
  }
  {
    const seed_set_to empty("");
    CHECK(seed_from_environment() == 0);
  }
  {
    const seed_set_to number("1234567890123456789");
    CHECK(seed_from_environment() == 1234567890123456789);
  }
  {
    const seed_set_to any("random");
    std::set<std::uint64_t> drawn;
    for (int i = 0; i < 20; ++i) drawn.insert(seed_from_environment());
    CHECK(drawn.size() > 1);
    CHECK(drawn.count(0) == 0);
  }
  for (const char* wrong : {"-1", "12x", " 5", "99999999999999999999"}) {
    const seed_set_to text(wrong);
    CHECK(throws<std::invalid_argument>([] { seed_from_environment(); }));
  }
}

// The cases that fail when they are asked to.

STRUCTIO_TEST_CASE("kit: a check fails in a child") {
  if (!asked_to_fail()) return;
  structio::open_nursery(
      [](structio::nursery& n) { n.start_soon([] { CHECK(structio::in_task() == false); }); });
}

STRUCTIO_TEST_CASE("kit: a requirement fails in a child of a child") {
  if (!asked_to_fail()) return;
  structio::open_nursery([](structio::nursery& n) {
    n.start_soon([] { structio::sleep_forever(); });
    n.start_soon([] {
      structio::open_nursery([](structio::nursery& inner) {
        inner.start_soon([] { REQUIRE(structio::in_task() == false); });
      });
    });
  });
}

STRUCTIO_TEST_CASE("kit: a requirement fails beside an error") {
  if (!asked_to_fail()) return;
  structio::open_nursery([](structio::nursery& n) {
    n.start_soon([] { throw key_error("the other error"); });
    n.start_soon([] { REQUIRE(structio::in_task() == false); });
  });
}

STRUCTIO_TEST_CASE("kit: a requirement fails in body and system task") {
  if (!asked_to_fail()) return;
  SECTION("body") {
    REQUIRE(structio::in_task() == false);
  }
  SECTION("system") {
    structio::start_system_task({}, [] { REQUIRE(structio::in_task() == false); });
    structio::sleep_forever();
  }
}

STRUCTIO_TEST_CASE("kit: an error leaves a child") {
  if (!asked_to_fail()) return;
  one_and_one();
}

#if defined(__linux__)

namespace {

struct outcome {
  int status = 0;
  std::string text;
  bool says(const std::string& part) const { return text.find(part) != std::string::npos; }
};

outcome run_this_program(const std::string& case_name) {
  char path[4096] = {0};
  if (readlink("/proc/self/exe", path, sizeof path - 1) <= 0) return {};
  const std::string command = "STRUCTIO_TEST_FAILS=1 STRUCTIO_SEED=4711 '" + std::string(path) +
                              "' '" + case_name + "' 2>&1";
  outcome result;
  FILE* out = popen(command.c_str(), "r");
  if (!out) return {};
  char part[512];
  while (const std::size_t got = fread(part, 1, sizeof part, out)) result.text.append(part, got);
  const int status = pclose(out);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

}  // namespace

TEST_CASE("what fails inside of a case fails the case, and says how to repeat it") {
  const outcome check = run_this_program("kit: a check fails in a child");
  INFO(check.text);
  CHECK(check.status > 0);
  CHECK(check.says("STRUCTIO_SEED=4711"));
  CHECK(check.says("1 failed"));

  const outcome requirement = run_this_program("kit: a requirement fails in a child of a child");
  INFO(requirement.text);
  CHECK(requirement.status > 0);
  CHECK(requirement.says("REQUIRE( structio::in_task() == false )"));
  CHECK(requirement.says("STRUCTIO_SEED=4711"));
  CHECK_FALSE(requirement.says("unexpected exception"));

  const outcome beside = run_this_program("kit: a requirement fails beside an error");
  INFO(beside.text);
  CHECK(beside.status > 0);
  CHECK(beside.says("the other error"));
  CHECK_FALSE(beside.says("unexpected exception"));

  const outcome outside = run_this_program("kit: a requirement fails in body and system task");
  INFO(outside.text);
  CHECK(outside.says("assertions: 2 | 2 failed"));
  CHECK_FALSE(outside.says("unexpected exception"));

  const outcome error = run_this_program("kit: an error leaves a child");
  INFO(error.text);
  CHECK(error.status > 0);
  CHECK(error.says("unexpected exception"));
  CHECK(error.says("no such key"));
  CHECK(error.says("too large"));
  CHECK(error.says("STRUCTIO_SEED=4711"));
}

#endif
