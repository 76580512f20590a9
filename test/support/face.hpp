// What tests through the C++ face share: runs on virtual time, catching one kind of exception,
// traces of what happened in which order.
#pragma once

#include <structio/structio.hpp>
#include <structio/testing.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace face {

using namespace std::chrono_literals;

/// Runs `fn` on a virtual clock that jumps as soon as everybody waits; Ctrl-C is left alone.
template <class Fn>
auto run(Fn&& fn) {
  structio::testing::virtual_clock clock;
  return structio::run(
      {.seed = support::seed(), .interrupt = structio::interrupt_mode::ignore, .clock = clock},
      std::forward<Fn>(fn));
}

/// The same with one's own options, on a clock that the test moves by itself.
template <class Fn>
auto run_with(structio::run_options options, structio::testing::virtual_clock& clock, Fn&& fn) {
  options.interrupt = structio::interrupt_mode::ignore;
  options.clock = clock;
  return structio::run(options, std::forward<Fn>(fn));
}

/// What `fn` throws, when it is an E. Other exceptions pass through.
template <class E, class Fn>
std::optional<E> thrown(Fn&& fn) {
  try {
    static_cast<void>(std::forward<Fn>(fn)());
  } catch (const E& caught) {
    return caught;
  }
  return std::nullopt;
}

/// True when `fn` throws an E.
template <class E, class Fn>
bool throws(Fn&& fn) {
  return thrown<E>(std::forward<Fn>(fn)).has_value();
}

/// True when `fn` throws `cancelled`; it is swallowed.
template <class Fn>
bool is_cancelled(Fn&& fn) {
  return throws<structio::cancelled>(std::forward<Fn>(fn));
}

/// Whole seconds on the run's clock since `start`, for exact comparisons.
inline double seconds_since(structio::time_point start) {
  return std::chrono::duration<double>(structio::clock::now() - start).count();
}

/// How many leaves of a tree of failures are of type T.
template <class T>
std::size_t count(const structio::failure& tree) {
  if (tree.kind() != structio::failure_kind::group) return structio::holds<T>(tree) ? 1 : 0;
  std::size_t sum = 0;
  for (std::size_t i = 0; i < tree.size(); ++i) sum += count<T>(tree[i]);
  return sum;
}
template <class T>
std::size_t count(const structio::exception_group& group) {
  return count<T>(group.as_failure());
}

/// Errors with names of their own, as short as Trio's.
struct key_error : std::runtime_error {
  explicit key_error(const std::string& text = "key") : std::runtime_error(text) {}
};
struct value_error : std::runtime_error {
  explicit value_error(const std::string& text = "value") : std::runtime_error(text) {}
};

using trace = std::vector<std::string>;

}  // namespace face
