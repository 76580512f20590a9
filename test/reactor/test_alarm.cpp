// The alarm: a wait lasts to its deadline and hardly longer, later deadlines cost no call, earlier
// ones are heeded, and the way without timerfd keeps the same promises in milliseconds.
#include <algorithm>
#include <thread>

#include "reactor/reactor_fixture.hpp"
#include "reactor/uv_reactor_state.hpp"

using namespace reactor_test;

namespace {

/// Sleeps as the runtime does; returns by how much it was late. `turns` counts the polls.
std::int64_t sleep_until(loop& l, std::int64_t moment, int* turns = nullptr) {
  std::int64_t now;
  while ((now = l.r.now()) < moment) {
    l.r.poll(moment);
    if (turns) ++*turns;
  }
  return now - moment;
}

}  // namespace

TEST_CASE("short sleeps are as long as asked", "[reactor]") {
  loop l;
  std::vector<std::int64_t> late;
  int turns = 0;
  for (int i = 0; i < 100; ++i) late.push_back(sleep_until(l, l.r.now() + millisecond, &turns));
  std::sort(late.begin(), late.end());
  INFO("median " << late[50] << " ns, 99th " << late[99] << " ns, turns " << turns);
  CHECK(turns <= 110);
#if defined(__linux__)
  // A loaded machine may delay any of them; the fastest quarter shows what the alarm itself does.
  CHECK(late[25] < 900'000);
#endif
}

TEST_CASE("a wait is neither cut short nor split", "[reactor]") {
  loop l;
  for (const std::int64_t length : {200'000, 3'000'000, 30'000'000}) {
    int turns = 0;
    const std::int64_t before = l.r.now();
    sleep_until(l, before + length, &turns);
    CHECK(turns <= 2);
  }
}

TEST_CASE("a deadline that has passed does not wait", "[reactor]") {
  loop l;
  const std::uint64_t armed = l.r.inner().deadline_alarm.times_armed();
  for (int i = 0; i < 1000; ++i) {
    l.r.poll(l.r.now());
    l.r.poll(base::long_ago);
  }
  CHECK(l.r.inner().deadline_alarm.times_armed() == armed);
}

TEST_CASE("a deadline that moves away costs no call; one that comes nearer does", "[reactor]") {
  loop l;
  const structio::reactor::alarm& a = l.r.inner().deadline_alarm;
  const std::int64_t start = l.r.now();
  for (int i = 0; i < 100; ++i) {
    l.r.wake();
    l.r.poll(start + 5 * one_second + i);
  }
  CHECK(a.times_armed() == 1);
  l.r.wake();
  l.r.poll(base::forever);
  CHECK(a.times_armed() == 1);
  int turns = 0;
  sleep_until(l, l.r.now() + 2 * millisecond, &turns);
  CHECK(a.times_armed() == 2);
  CHECK(turns <= 2);
}

TEST_CASE("an alarm left over from an earlier deadline ends one wait, not two", "[reactor]") {
  loop l;
  l.r.wake();
  l.r.poll(l.r.now() + 2 * millisecond);
  int turns = 0;
  sleep_until(l, l.r.now() + 10 * millisecond, &turns);
  CHECK(turns <= 3);
}

TEST_CASE("an alarm that has gone off does not end waits for ever", "[reactor]") {
  loop l;
  sleep_until(l, l.r.now() + millisecond);
  bool woken = false;
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // style-ok: any length will do
    woken = true;
    l.r.wake();
  });
  l.r.poll(base::forever);
  other.join();
  CHECK(woken);
}

TEST_CASE("without timerfd the alarm is a millisecond timer", "[reactor]") {
  uv_loop_t loop;
  REQUIRE(uv_loop_init(&loop) == 0);
  structio::reactor::alarm a;
  REQUIRE(a.open(loop, false) == 0);
  uv_async_t keeps_waiting;
  REQUIRE(uv_async_init(&loop, &keeps_waiting, [](uv_async_t*) {}) == 0);
  for (const std::int64_t length : {300'000, 2'500'000, 12'000'000}) {
    const std::int64_t deadline = base::monotonic_now() + length;
    std::int64_t now;
    int turns = 0;
    while ((now = base::monotonic_now()) < deadline) {
      a.set(deadline, now);
      uv_run(&loop, UV_RUN_ONCE);
      ++turns;
    }
    CHECK(turns <= 4);
  }
  // One that goes off before the loop begins to wait still ends that wait.
  const std::int64_t soon = base::monotonic_now() + 1'000'000;
  a.set(soon, base::monotonic_now());
  while (base::monotonic_now() < soon + 2'000'000) {
  }
  uv_run(&loop, UV_RUN_ONCE);
  CHECK(base::monotonic_now() < soon + one_second);
  const std::int64_t far = base::monotonic_now() + 5 * one_second;
  const std::uint64_t armed = a.times_armed();
  a.set(far, base::monotonic_now());
  a.set(far + 1, base::monotonic_now());
  a.set(base::forever, base::monotonic_now());
  CHECK(a.times_armed() == armed + 1);
  a.set(far - one_second, base::monotonic_now());
  CHECK(a.times_armed() == armed + 2);
  a.close();
  a.close();
  uv_close(reinterpret_cast<uv_handle_t*>(&keeps_waiting), nullptr);
  uv_run(&loop, UV_RUN_DEFAULT);
  CHECK(uv_loop_close(&loop) == 0);
}
