// The virtual clock and waiting for rest: what makes tests of timeouts exact and quick.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "support/c_tasks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

int64_t seconds(int64_t n) {
  return STRUCTIO_SECONDS(n);
}

double real_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

TEST_CASE("a virtual clock stands still until it jumps [CLOCK-02]") {
  virtual_clock clock(-1, 100);
  CHECK(clock.now() == 100);
  auto body = [&] {
    CHECK(structio_now() == 100);
    CHECK(structio_sleep(0) == 0);
    CHECK(structio_sleep_until(100) == 0);
    CHECK(structio_sleep_until(-5) == 0);
    CHECK(structio_now() == 100);
    CHECK(clock.jump(seconds(1)) == 0);
    CHECK(structio_now() == 100 + seconds(1));
    return 0;
  };
  CHECK(run(body, clock.options()) == 0);
  CHECK(clock.now() == 100 + seconds(1));
  CHECK(clock.jump(1) == 0);
  CHECK(clock.now() == 101 + seconds(1));
}

TEST_CASE("a clock refuses what it cannot do, and changes nothing [CLOCK-03]") {
  virtual_clock clock;
  CHECK(clock.jump(-1) == STRUCTIO_EINVALID);
  CHECK(clock.jump(STRUCTIO_FOREVER) == STRUCTIO_EINVALID);
  CHECK(clock.now() == 0);
  CHECK(structio_virtual_clock_new(nullptr, nullptr) == STRUCTIO_EINVALID);
  CHECK(structio_virtual_clock_now(clock.handle, nullptr) == STRUCTIO_EINVALID);
  structio_virtual_clock_options options{sizeof options, STRUCTIO_FOREVER, 0, 0};
  structio_clock* other = clock.handle;
  CHECK(structio_virtual_clock_new(&options, &other) == STRUCTIO_EINVALID);
  CHECK(other == nullptr);
  CHECK(structio_virtual_clock_free(nullptr) == 0);
  CHECK(structio_virtual_clock_new(nullptr, &other) == 0);
  CHECK(structio_virtual_clock_free(other) == 0);
  CHECK(structio_virtual_clock_free(other) == STRUCTIO_ESTALE);
  CHECK(structio_virtual_clock_jump(other, 1) == STRUCTIO_ESTALE);
  CHECK(structio_virtual_clock_jump(nullptr, 1) == STRUCTIO_EINVALID);
  structio_run_options run_with = run_options();
  run_with.clock = other;
  CHECK(run([] { return 0; }, run_with) == STRUCTIO_ESTALE);
}

TEST_CASE("a clock belongs to the run that uses it") {
  virtual_clock clock;
  auto body = [&] {
    CHECK(structio_virtual_clock_free(clock.handle) == STRUCTIO_EMISUSE);
    int jumped = 0;
    int second_run = 0;
    std::thread([&] {
      jumped = clock.jump(1);
      second_run = run([] { return 0; }, clock.options());
    }).join();
    CHECK(jumped == STRUCTIO_ENOTASK);
    CHECK(second_run == STRUCTIO_EMISUSE);
    CHECK(structio_now() == 0);
    return 0;
  };
  CHECK(run(body, clock.options()) == 0);
  CHECK(run([] { return 0; }, clock.options()) == 0);
}

TEST_CASE("a jump is seen by the very next checkpoint [SCHED-08]") {
  virtual_clock clock;
  auto body = [&] {
    structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
    options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
    options.deadline = seconds(5);
    structio_scope scope;
    structio_scope_init(&scope, &options);
    structio_scope_enter(&scope);
    CHECK(structio_checkpoint() == 0);
    CHECK(clock.jump(seconds(10)) == 0);
    const int status = structio_checkpoint();
    CHECK(status == STRUCTIO_ECANCELLED);
    CHECK(structio_scope_leave(&scope, status, nullptr) == 0);
    CHECK(structio_scope_cancelled_caught(&scope) == 1);
    return 0;
  };
  CHECK(run(body, clock.options()) == 0);
}

TEST_CASE("autojump wakes each sleeper at its own moment [CLOCK-06]") {
  virtual_clock clock(0);
  auto body = [] {
    for (int64_t i = 0; i < 10; ++i) {
      const int64_t begin = structio_now();
      CHECK(structio_sleep(seconds(10 * i)) == 0);
      CHECK(structio_now() == begin + seconds(10 * i));
    }
    return 0;
  };
  const double begin = real_seconds();
  CHECK(run(body, clock.options()) == 0);
  CHECK(real_seconds() - begin < 1);
  CHECK(clock.now() == seconds(450));
}

TEST_CASE("waits for rest come before a jump that has a threshold [CLOCK-07]") {
  virtual_clock clock(STRUCTIO_MILLISECONDS(20));
  auto body = [] {
    CHECK(structio_wait_all_tasks_blocked(0) == 0);
    CHECK(structio_now() == 0);
    CHECK(structio_wait_all_tasks_blocked(STRUCTIO_MILLISECONDS(10)) == 0);
    CHECK(structio_now() == 0);
    const double begin = real_seconds();
    CHECK(structio_sleep(seconds(100)) == 0);
    CHECK(structio_now() == seconds(100));
    CHECK(real_seconds() - begin >= 0.02);
    return 0;
  };
  CHECK(run(body, clock.options()) == 0);
}

TEST_CASE("a new threshold takes effect at once [CLOCK-08]") {
  virtual_clock clock(seconds(10000));
  auto sleeper = [] { return structio_sleep(seconds(100000)); };
  auto body = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    spawn(n, "sleeper", sleeper);
    CHECK(structio_wait_all_tasks_blocked(0) == 0);
    CHECK(structio_virtual_clock_set_autojump(clock.handle, 0) == 0);
    CHECK(structio_nursery_close(&n, 0, nullptr) == 0);
    CHECK(structio_now() == seconds(100000));
    return 0;
  };
  CHECK(run(body, clock.options()) == 0);
}

TEST_CASE("clocks that are not the run's do not concern it [CLOCK-09] [CLOCK-13]") {
  virtual_clock clock(STRUCTIO_MILLISECONDS(5));
  auto body = [] {
    virtual_clock other(0);
    CHECK(structio_virtual_clock_set_autojump(other.handle, seconds(10)) == 0);
    CHECK(other.jump(seconds(3)) == 0);
    CHECK(structio_now() == 0);
    CHECK(structio_sleep(seconds(1)) == 0);
    CHECK(structio_now() == seconds(1));
    CHECK(other.now() == seconds(3));
    return 0;
  };
  CHECK(run(body, clock.options()) == 0);
}

TEST_CASE("the last threshold set before a run is in force from its start [CLOCK-10]") {
  virtual_clock clock(seconds(1000));
  CHECK(structio_virtual_clock_set_autojump(clock.handle, 0) == 0);
  CHECK(run([] { return structio_sleep(seconds(50)); }, clock.options()) == 0);
  CHECK(clock.now() == seconds(50));
}

TEST_CASE("who waits for rest is woken before the clock jumps [CLOCK-11] [CLOCK-12]") {
  const int64_t cushion = GENERATE(int64_t{0}, STRUCTIO_MILLISECONDS(50));
  virtual_clock clock(0);
  std::vector<std::string> seen;
  auto short_sleep = [&] {
    const int status = structio_sleep(seconds(100));
    seen.emplace_back("100");
    return status;
  };
  auto long_sleep = [&] {
    const int status = structio_sleep(seconds(1000));
    seen.emplace_back("1000");
    return status;
  };
  auto waiter = [&] {
    const int status = structio_wait_all_tasks_blocked(cushion);
    seen.emplace_back(structio_now() == 0 ? "woke" : "woke too late");
    return status;
  };
  auto body = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    spawn(n, "long", long_sleep);
    spawn(n, "short", short_sleep);
    spawn(n, "waiter", waiter);
    return structio_nursery_close(&n, 0, nullptr);
  };
  CHECK(run(body, clock.options()) == 0);
  CHECK(seen == std::vector<std::string>{"woke", "100", "1000"});
}

TEST_CASE(
    "waiting for rest lets everybody finish what they do, and can be cancelled "
    "[TST-01] [TST-02]") {
  int done = 0;
  auto busy = [&] {
    for (int i = 0; i < 10; ++i) {
      if (const int status = structio_checkpoint()) return status;
    }
    ++done;
    return 0;
  };
  auto body = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    for (int i = 0; i < 3; ++i) spawn(n, "busy", busy);
    CHECK(structio_wait_all_tasks_blocked(0) == 0);
    CHECK(done == 3);
    CHECK(structio_nursery_close(&n, 0, nullptr) == 0);

    auto patient = [] { return structio_wait_all_tasks_blocked(STRUCTIO_SECONDS(9999)); };
    structio_nursery_open(&n);
    spawn(n, "patient", patient);
    CHECK(structio_wait_all_tasks_blocked(0) == 0);
    structio_scope_cancel(structio_nursery_scope(&n), nullptr);
    CHECK(structio_nursery_close(&n, 0, nullptr) == 0);
    CHECK(structio_wait_all_tasks_blocked(-1) == STRUCTIO_EINVALID);
    return 0;
  };
  CHECK(run(body) == 0);
  CHECK(structio_wait_all_tasks_blocked(0) == STRUCTIO_ENOTASK);
}

TEST_CASE("a wait for rest that was cancelled leaves nothing behind") {
  auto body = [] {
    int cut = 0;
    auto patient = [](void*) { return structio_wait_all_tasks_blocked(STRUCTIO_SECONDS(9999)); };
    CHECK(structio_move_on_after(STRUCTIO_MILLISECONDS(1), patient, nullptr, &cut) == 0);
    CHECK(cut == 1);
    return structio_sleep_forever();  // nobody waits for rest: this is a deadlock at once
  };
  CHECK(run(body) == STRUCTIO_EDEADLOCK);
}

TEST_CASE("a sleeping task is at rest [TST-03]") {
  virtual_clock clock;
  bool awake = false;
  auto sleeper = [&] {
    const int status = structio_sleep(seconds(5));
    awake = true;
    return status;
  };
  auto body = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    spawn(n, "sleeper", sleeper);
    CHECK(structio_wait_all_tasks_blocked(0) == 0);
    CHECK_FALSE(awake);
    CHECK(clock.jump(seconds(10)) == 0);
    CHECK(structio_wait_all_tasks_blocked(0) == 0);
    CHECK(awake);
    return structio_nursery_close(&n, 0, nullptr);
  };
  CHECK(run(body, clock.options()) == 0);
}

TEST_CASE("the least cushion is woken first, equal ones together [TST-04]") {
  std::string seen;
  auto blinker = [&] {
    for (int i = 0; i < 3; ++i) {
      if (const int status = structio_sleep(STRUCTIO_MILLISECONDS(10))) return status;
    }
    seen += "end ";
    return 0;
  };
  auto waits = [&](int64_t cushion, const char* word) {
    return [&seen, cushion, word] {
      const int status = structio_wait_all_tasks_blocked(STRUCTIO_MILLISECONDS(cushion));
      seen += word;
      return status;
    };
  };
  auto none = waits(0, "0 ");
  auto twenty = waits(20, "20 ");
  auto thirty = waits(30, "30 ");
  auto body = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    spawn(n, "blinker", blinker);
    spawn(n, "30", thirty);
    spawn(n, "20", twenty);
    spawn(n, "20", twenty);
    spawn(n, "0", none);
    return structio_nursery_close(&n, 0, nullptr);
  };
  CHECK(run(body) == 0);
  CHECK(seen == "0 end 20 20 30 ");
}

TEST_CASE("checkpoint counts tell what a call was") {
  struct counts {
    uint64_t cancel = 0, schedule = 0;
    counts() { CHECK(structio_checkpoint_counts(&cancel, &schedule) == 0); }
  };
  auto body = [] {
    const counts before;
    CHECK(structio_checkpoint() == 0);
    const counts whole;
    CHECK(whole.cancel > before.cancel);
    CHECK(whole.schedule > before.schedule);
    CHECK(structio_checkpoint_if_cancelled() == 0);
    const counts looked;
    CHECK(looked.cancel > whole.cancel);
    CHECK(looked.schedule == whole.schedule);
    CHECK(structio_cancel_shielded_checkpoint() == 0);
    const counts gave_way;
    CHECK(gave_way.cancel == looked.cancel);
    CHECK(gave_way.schedule > looked.schedule);
    CHECK(structio_checkpoint_counts(nullptr, nullptr) == STRUCTIO_EINVALID);
    return 0;
  };
  CHECK(run(body) == 0);
  uint64_t n = 0;
  CHECK(structio_checkpoint_counts(&n, &n) == STRUCTIO_ENOTASK);
}

TEST_CASE("faults are injected into the run") {
  CHECK(structio_inject_internal_error() == STRUCTIO_ENOTASK);
  CHECK(structio_inject_interrupt() == STRUCTIO_ENOTASK);
  auto broken = [] {
    CHECK(structio_inject_internal_error() == 0);
    return structio_sleep_forever();
  };
  CHECK(run(broken) == STRUCTIO_EINTERNAL);
  auto interrupted = [] {
    CHECK(structio_inject_interrupt() == 0);
    CHECK(structio_sleep_forever() == STRUCTIO_EINTERRUPTED);
    return structio_checkpoint();
  };
  CHECK(run(interrupted) == 0);
}
