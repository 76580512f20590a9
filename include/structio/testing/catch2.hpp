// For tests written with Catch2 (2.13 or 3): cases that run as a task, and matchers for groups of
// failures. Not part of testing.hpp, which knows no test framework; may still change between
// releases.
//
//     STRUCTIO_TEST_CASE("a timeout cuts a slow answer", "[timeouts]") {
//       CHECK_FALSE(structio::move_on_after(1s, [] { structio::sleep(1h); }));
//       CHECK(clock.now() == structio::now());
//     }
//
//     CHECK_THROWS_MATCHES(structio::all(f, g), structio::exception_group,
//                          group_of(leaf<key_error>("no such key"), leaf<value_error>()));
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <structio/error.hpp>
#include <structio/group.hpp>
#include <structio/run.hpp>
#include <structio/testing.hpp>

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

// Catch2's macros may have been given a prefix.
#ifdef CATCH_CONFIG_PREFIX_ALL
#define STRUCTIO_CATCH_(name) CATCH_##name
#else
#define STRUCTIO_CATCH_(name) name
#endif
// Those for messages have a setting of their own in version 3.
#if defined(CATCH_CONFIG_PREFIX_ALL) || \
    (defined(CATCH_CONFIG_PREFIX_MESSAGES) && CATCH_VERSION_MAJOR >= 3)
#define STRUCTIO_CATCH_INFO_ CATCH_INFO
#else
#define STRUCTIO_CATCH_INFO_ INFO
#endif

namespace structio {
inline namespace v0 {
namespace testing {

#if CATCH_VERSION_MAJOR >= 3
using group_matcher_base = Catch::Matchers::MatcherBase<exception_group>;
#else
using group_matcher_base = Catch::MatcherBase<exception_group>;
#endif

/// Compares a group with a pattern (pattern.hpp); made by the functions below. Itself a pattern, so
/// that groups may be nested.
class group_matcher final : public group_matcher_base {
 public:
  explicit group_matcher(failure_pattern pattern) : pattern_(std::move(pattern)) {}

  bool match(const exception_group& group) const override {
    return pattern_.matches(group.as_failure());
  }
  std::string describe() const override { return "is " + pattern_.describe(); }

  operator failure_pattern() const { return pattern_; }

 private:
  failure_pattern pattern_;
};

/// Matches a group that has exactly these members, in any order: leaf<T>(), leaf<T>("part of its
/// message"), group_of(...).
template <class... Members>
group_matcher group_of(Members&&... members) {
  return group_matcher(pattern_of(std::forward<Members>(members)...));
}

/// Matches a group with exactly these leaves, however they are nested.
template <class... Ts>
group_matcher holds_exactly() {
  return group_matcher(leaves_of<Ts...>());
}

namespace detail_testing {

/// Catch2 ends a case by throwing: that is no failure of the program that is tested.
inline bool ends_case(const failure& leaf) {
#if CATCH_VERSION_MAJOR > 3 || (CATCH_VERSION_MAJOR == 3 && CATCH_VERSION_MINOR >= 3)
  if (holds<Catch::TestSkipException>(leaf)) return true;
#endif
  return holds<Catch::TestFailureException>(leaf);
}

/// The first leaf that ends the case.
inline failure first_leaf(const failure& tree) {
  return tree.kind() == failure_kind::group ? first_leaf(tree[0]) : tree;
}

/// Called while `why`, or what has it as its cause, is being handled: throws what Catch2 is to see.
[[noreturn]] inline void pass_on(const failure& why) {
  if (why.kind() == failure_kind::payload && ends_case(why)) {
    std::rethrow_exception(why.exception());
  }
  if (why.kind() == failure_kind::group) {
    const split_result halves = split_if(exception_group(why), ends_case);
    if (halves.matched) {
      if (halves.rest) {
        STRUCTIO_CATCH_(FAIL_CHECK)("beside checks that failed: " << to_string(*halves.rest));
      }
      std::rethrow_exception(first_leaf(halves.matched->as_failure()).exception());
    }
    STRUCTIO_CATCH_INFO_(to_string(why));  // Catch2 itself would print a single line
    throw;
  }
  throw;
}

}  // namespace detail_testing

/// Runs `body(clock)` as the main task of a run on a virtual clock that jumps as soon as everybody
/// waits, in the order of tasks that STRUCTIO_SEED asks for. When a check fails, how to have the
/// same order again stands beside it. REQUIRE works in every task: it fails its task, the nursery
/// cancels the others, and the case ends. For cases with fixtures or generators of one's own;
/// others use STRUCTIO_TEST_CASE.
template <class Body>
void run_catch_case(Body&& body) {
  const std::uint64_t seed = seed_from_environment();
  STRUCTIO_CATCH_INFO_("the order of tasks: run again with " << replay_string(seed)
                                                             << " in the environment");
  virtual_clock clock;
  try {
    const run_options options{.seed = seed, .interrupt = interrupt_mode::ignore, .clock = clock};
    run(options, [&] { body(clock); });
  } catch (const exception_group& caught) {
    detail_testing::pass_on(caught.as_failure());
  } catch (const internal_error& caught) {
    detail_testing::pass_on(caught.cause());
  }
}

}  // namespace testing
}  // namespace v0
}  // namespace structio

#define STRUCTIO_CATCH_JOIN2_(a, b) a##b
#define STRUCTIO_CATCH_JOIN_(a, b) STRUCTIO_CATCH_JOIN2_(a, b)
#define STRUCTIO_CATCH_CASE_(body, ...)                      \
  static void body(structio::testing::virtual_clock& clock); \
  STRUCTIO_CATCH_(TEST_CASE)(__VA_ARGS__) {                  \
    structio::testing::run_catch_case(&body);                \
  }                                                          \
  static void body([[maybe_unused]] structio::testing::virtual_clock& clock)

/// A TEST_CASE whose body is the main task of a run; see run_catch_case. `clock` is the run's
/// virtual clock. SECTION and GENERATE work as usual.
#define STRUCTIO_TEST_CASE(...) \
  STRUCTIO_CATCH_CASE_(STRUCTIO_CATCH_JOIN_(structio_test_case_, __COUNTER__), __VA_ARGS__)
