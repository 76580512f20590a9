// Seeds: a run with a seed takes its ready tasks in an order that looks random and is repeatable.
// Part of testing.hpp; may still change between releases.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>

namespace structio {
inline namespace v0 {
namespace testing {

/// The seed that the text stands for: a decimal number, or "random" for another one each time.
/// Throws std::invalid_argument.
inline std::uint64_t parse_seed(const std::string& text) {
  if (text == "random") {
    std::random_device device;
    // Short, since somebody may have to type it; 0 would be none.
    return std::uint64_t{device()} % 999'999'999 + 1;
  }
  std::uint64_t seed = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, failed] = std::from_chars(text.data(), end, seed);
  if (failed != std::errc{} || rest != end) {
    throw std::invalid_argument("STRUCTIO_SEED is \"" + text +
                                "\": it must be a number below 2 to the 64th, or \"random\"");
  }
  return seed;
}

/// What the environment's STRUCTIO_SEED says; nothing when it is not set, or empty. Throws
/// std::invalid_argument when it is neither a number nor "random". Any thread.
inline std::optional<std::uint64_t> find_seed_in_environment() {
  const char* text = std::getenv("STRUCTIO_SEED");
  if (text == nullptr || *text == '\0') return std::nullopt;
  return parse_seed(text);
}

/// The same for run_options::seed: 0, the order first come, first served, when it is not set.
inline std::uint64_t seed_from_environment() {
  return find_seed_in_environment().value_or(0);
}

/// What to set to have a run in the same order again: "STRUCTIO_SEED=17".
inline std::string replay_string(std::uint64_t seed) {
  return "STRUCTIO_SEED=" + std::to_string(seed);
}

}  // namespace testing
}  // namespace v0
}  // namespace structio
