// What a user of the C++ face might write first: a nursery, a deadline, an error from a child.
#include <cstdio>
#include <stdexcept>
#include <structio/structio.hpp>

using namespace std::chrono_literals;

int main() {
  return structio::run([] {
    int finished = 0;
    bool seen = false;
    structio::open_nursery([&](structio::nursery& n) {
      for (int i = 0; i < 10; ++i) {
        n.start_soon([&] {
          structio::sleep(1ms);
          ++finished;
        });
      }
    });
    try {
      structio::open_nursery([&](structio::nursery& n) {
        n.start_soon([] { throw std::runtime_error("as planned"); });
        structio::sleep(1h);
      });
    } catch (const structio::exception_group&) {
      seen = true;
    }
    if (finished != 10 || !seen) {
      std::printf("%d children finished, error seen: %d\n", finished, seen);
      return 1;
    }
    std::puts("structio works from C++");
    return 0;
  });
}
