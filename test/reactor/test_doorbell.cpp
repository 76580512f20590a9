// The doorbell: whoever rings ends a wait, now or the next one; one wait ends for all who rang
// before it; no ring is lost between two waits. With an eventfd of our own, and the way of systems
// that have none.
#include <atomic>
#include <cerrno>
#include <thread>

#include "reactor/doorbell.hpp"
#include "support/catch.hpp"

namespace {

using namespace structio;

/// A loop with a doorbell alone. With nobody to ring, it waits for ever.
class rung_loop {
 public:
  explicit rung_loop(bool own) {
    REQUIRE(uv_loop_init(&loop_) == 0);
    REQUIRE(bell.open(loop_, own) == 0);
  }
  ~rung_loop() {
    bell.close();
    bell.close();
    uv_run(&loop_, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop_) == 0);
  }
  void wait() { uv_run(&loop_, UV_RUN_ONCE); }

  /// Whether a wait of `milliseconds` lasts that long.
  bool waits_for(std::uint64_t milliseconds) {
    uv_timer_t timer;
    bool over = false;
    uv_timer_init(&loop_, &timer);
    timer.data = &over;
    uv_timer_start(
        &timer,
        [](uv_timer_t* t) {
          *static_cast<bool*>(t->data) = true;
          uv_stop(t->loop);  // before 1.45 libuv would wait on
        },
        milliseconds, 0);
    wait();
    uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
    uv_run(&loop_, UV_RUN_NOWAIT);
    return over;
  }

  reactor::doorbell bell;

 private:
  uv_loop_t loop_;
};

}  // namespace

TEST_CASE("rings before a wait end that one and no other", "[reactor]") {
  const bool own = GENERATE(true, false);
  rung_loop l(own);
  for (int i = 0; i < 3; ++i) {
    l.bell.ring();
    l.bell.ring();
    l.wait();
    CHECK(l.waits_for(2));
  }
}

TEST_CASE("no ring of another thread is lost, however it falls", "[reactor]") {
  const bool own = GENERATE(true, false);
  rung_loop l(own);
  constexpr int rounds = 20'000;
  std::atomic<int> said{0};
  std::atomic<int> heard{0};
  std::thread other([&] {
    for (int i = 1; i <= rounds; ++i) {
      said.exchange(i);  // no load of the ring may come before it
      l.bell.ring();
      // Every other time without waiting: then a ring may come in the middle of the last one.
      while (i % 2 == 0 && heard.load(std::memory_order_acquire) < i) std::this_thread::yield();
    }
  });
  while (heard.load(std::memory_order_relaxed) < rounds) {
    l.wait();
    heard.store(said.load(std::memory_order_relaxed), std::memory_order_release);
  }
  other.join();
}

TEST_CASE("a ring leaves errno to whom it has interrupted", "[reactor]") {
  rung_loop l(true);
  errno = EDOM;
  l.bell.ring();
  CHECK(errno == EDOM);
  l.wait();
  l.bell.close();
  l.bell.ring();  // nothing
}
