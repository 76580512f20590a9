// A task is cancelled and cleans up.
#include <cstdio>
#include <structio/structio.hpp>
using namespace std::chrono_literals;

struct lease {  // given back whatever happens: destructors run as `cancelled` passes
  ~lease() { std::printf("lease: given back\n"); }
};

void say_goodbye() {
  structio::sleep(10ms);  // as if a peer had to be told
  std::printf("goodbye: said\n");
}

void worker() {
  const lease held;
  try {
    structio::sleep_forever();
  } catch (const structio::cancelled& why) {
    std::printf("%s\n", why.what());
    try {
      structio::checkpoint();
    } catch (const structio::cancelled&) {
      std::printf("still cancelled: it is a state, not an event\n");
    }
    // Clean-up that must wait goes behind a shield, and has a limit.
    structio::shielded(1s, say_goodbye);
    throw;  // always: the scope that was cancelled absorbs it
  }
}

int main() {
  structio::run([] {
    structio::cancel_scope scope;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] { scope.run(worker); });
      n.start_soon([&] {
        structio::sleep(10ms);
        scope.cancel("closing time");
      });
    });
    std::printf("absorbed by the scope: %s\n", scope.cancelled_caught() ? "yes" : "no");
  });
}
