// Run with a library that has another C++ runtime than this program.
#include "exceptions.hpp"

#include <cstdio>

int main() {
  return structio::run([] {
    if (!consumer::exceptions_keep_their_state()) {
      std::puts("tasks see the exceptions of others");
      return 1;
    }
    std::puts("exceptions keep their state");
    return 0;
  });
}
