// The seed that the tests' runs draw the order of ready tasks from: STRUCTIO_SEED, so that the
// whole suite can be run in many orders. Tests of an order that is promised ask for none of it.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace support {

/// 0 when there is none: tasks take turns in the order in which they became ready.
inline std::uint64_t seed() {
  const char* text = std::getenv("STRUCTIO_SEED");
  return text ? std::strtoull(text, nullptr, 10) : 0;
}

}  // namespace support
