// Time limits around code that has none of its own.
#include <cstdio>
#include <structio/structio.hpp>
using namespace std::chrono_literals;

// Takes an hour, and has no time limit of its own: that is its caller's business.
int slow_answer() {
  structio::sleep(1h);
  return 42;
}

int main() {
  structio::run([] {
    // Goes on without the answer: a std::optional, empty when the time was over.
    const auto answer = structio::move_on_after(20ms, slow_answer);
    std::printf("answer: %s\n", answer ? "there" : "none");

    // Fails without it.
    try {
      structio::fail_after(20ms, slow_answer);
    } catch (const structio::too_slow& e) {
      std::printf("%s\n", e.what());
    }

    // Limits nest, and the earliest counts: the outer one ends the inner one's wait here.
    const auto begun = structio::now();
    const bool finished = structio::move_on_after(20ms, [] {
      structio::move_on_after(1h, [] { structio::sleep_forever(); });
      std::printf("never printed: it was not the inner limit that passed\n");
    });
    const bool early = structio::now() - begun < 20ms;
    std::printf("finished: %s, early: %s\n", finished ? "yes" : "no", early ? "yes" : "no");
  });
}
