// A test under many seeds: the same body again and again, each time with its tasks taken in another
// order, until it fails. Part of testing.hpp; may still change between releases.
//
// The orders are drawn at random, one seed after the other. That finds what needs few unlucky
// choices; it proves nothing.
#pragma once

#include <structio/exception_group.hpp>
#include <structio/group.hpp>
#include <structio/run.hpp>
#include <structio/testing/clock.hpp>
#include <structio/testing/seed.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {
namespace testing {

struct explore_options {
  std::uint64_t runs = 100;
  std::uint64_t first_seed = 1;      ///< then the following ones, without 0, which is none
  virtual_clock_options clock = {};  ///< each run has a fresh one
  std::uint32_t budget = 0;          ///< as in run_options
};

/// A body failed under one of the seeds. what() says which, how to have the same run again, and
/// with what it failed.
class exploration_failed : public std::runtime_error {
 public:
  exploration_failed(const std::string& text, std::uint64_t seed, std::exception_ptr why)
      : std::runtime_error(text), seed_(seed), why_(std::move(why)) {}

  std::uint64_t seed() const noexcept { return seed_; }

  /// "STRUCTIO_SEED=17": in the environment it makes explore run that seed alone.
  std::string replay() const { return replay_string(seed_); }

  /// What the body threw, or what ended its run.
  const std::exception_ptr& why() const noexcept { return why_; }

 private:
  std::uint64_t seed_;
  std::exception_ptr why_;
};

namespace detail_testing {

/// One run under one seed, on a clock of its own. The body may take the clock.
template <class Body>
void run_with_seed(std::uint64_t seed, const explore_options& options, Body& body) {
  virtual_clock clock(options.clock);
  const run_options how{
      .budget = options.budget, .seed = seed, .interrupt = interrupt_mode::ignore, .clock = clock};
  run(how, [&] {
    if constexpr (std::is_invocable_v<Body&, virtual_clock&>) {
      static_cast<void>(std::invoke(body, clock));
    } else {
      static_cast<void>(std::invoke(body));
    }
  });
}

}  // namespace detail_testing

/// Runs `body` as the main task of one run after the other, each with another seed and a virtual
/// clock of its own, which it may take as an argument. Returns how many runs there were. When
/// STRUCTIO_SEED is set, there is one run, with that seed. Outside of a run. Throws
/// exploration_failed at the first run that throws, deadlocks or fails otherwise.
///
///     structio::testing::explore({.runs = 1000}, [] { ... });
template <class Body>
requires(std::is_invocable_v<Body&> || std::is_invocable_v<Body&, virtual_clock&>) std::uint64_t
    explore(const explore_options& options, Body&& body) {
  if (in_run()) throw usage_error("explore: makes runs of its own, so it cannot be inside of one");
  const auto given = find_seed_in_environment();
  const std::uint64_t first = given ? *given : options.first_seed;
  const std::uint64_t runs = given ? 1 : options.runs;
  std::uint64_t seed = first;
  for (std::uint64_t i = 0; i < runs; ++i, ++seed) {
    if (seed == 0 && !given) seed = 1;
    try {
      detail_testing::run_with_seed(seed, options, body);
    } catch (...) {
      const std::exception_ptr why = std::current_exception();
      throw exploration_failed("run " + std::to_string(i + 1) + " of " + std::to_string(runs) +
                                   " failed, " + replay_string(seed) +
                                   " repeats it: " + to_string(why),
                               seed, why);
    }
  }
  return runs;
}

}  // namespace testing
}  // namespace v0
}  // namespace structio
