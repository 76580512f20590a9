// Numbers that look random, the same ones for the same seed.
#pragma once

#include <cstdint>

namespace structio::base {

/// The next number; `state` must not be 0. xorshift64* (Marsaglia 2003, Vigna 2016): a few
/// instructions, good enough for orders.
inline std::uint64_t next_random(std::uint64_t& state) noexcept {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545F4914F6CDD1DULL;
}

/// One of the numbers below `bound`, which is not 0: so large a bound that the remainder would show
/// is nothing that anybody chooses from.
inline std::uint64_t random_below(std::uint64_t& state, std::uint64_t bound) noexcept {
  return (next_random(state) >> 24) % bound;
}

}  // namespace structio::base
