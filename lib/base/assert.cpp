// The end of a program that broke one of its own invariants.
#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace structio::base {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "structio: assertion failed: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace structio::base
