// Ctrl-C: delivered to the main task at its next checkpoint, whatever it waits for. Injected where
// the way of the signal does not matter; a real SIGINT where it does, in processes of their own
// where it kills.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"
#include "support/signal_from_thread.hpp"

using namespace c_tasks;

namespace {

structio_run_options handling(enum structio_interrupt_mode mode = STRUCTIO_INTERRUPT_HANDLE) {
  structio_run_options options = run_options();
  options.interrupt = mode;
  return options;
}

void (*disposition())(int) {
  struct sigaction present = {};
  sigaction(SIGINT, nullptr, &present);
  return present.sa_handler;
}

class with_handler {
 public:
  explicit with_handler(void (*fn)(int)) {
    struct sigaction action = {};
    action.sa_handler = fn;
    sigaction(SIGINT, &action, &before_);
  }
  with_handler(const with_handler&) = delete;
  with_handler& operator=(const with_handler&) = delete;
  ~with_handler() { sigaction(SIGINT, &before_, nullptr); }

 private:
  struct sigaction before_ = {};
};

void never_called(int) {}

// Runs `fn` in a process of its own, with SIGINT as a shell would leave it; how that ended.
template <class Fn>
int in_child(Fn&& fn) {
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGINT, SIG_DFL);
    signal(SIGALRM, SIG_DFL);
    alarm(20);  // a child that hangs is a failure of the test, not its end
    _exit(fn());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

int spin_until_ready() {
  int status = 0;
  while ((status = structio_checkpoint()) == 0) {
  }
  return status;
}

}  // namespace

TEST_CASE("an interrupt ends what main waits for", "[KI-02][KI-11]") {
  int seen = 0;
  bool after = false;
  auto body = [&] {
    raise(SIGINT);
    after = true;
    seen = structio_sleep_forever();
    CHECK(says({"Ctrl-C"}));
    CHECK(structio_checkpoint() == 0);
    return seen;
  };
  CHECK(run(body, handling()) == STRUCTIO_EINTERRUPTED);
  CHECK(after);
  CHECK(seen == STRUCTIO_EINTERRUPTED);
}

TEST_CASE("it may be dealt with", "[KI-02]") {
  auto body = [] {
    structio_inject_interrupt();
    CHECK(spin_until_ready() == STRUCTIO_EINTERRUPTED);
    return 3;
  };
  CHECK(run(body) == 3);
}

TEST_CASE("it cancels siblings and comes out in a group of one", "[KI-02][REASON-13]") {
  int source = 0;
  std::string by;
  auto sibling = [&] {
    const int status = structio_sleep_forever();
    source = cancel_source(nullptr, &by);
    return status;
  };
  auto body = [&] {
    owned_failure why;
    const int status = nursery_block(
        [&](structio_nursery& n) {
          spawn(n, "sibling", sibling);
          structio_inject_interrupt();
          return structio_sleep_forever();
        },
        &why);
    CHECK(status == STRUCTIO_EGROUP);
    CHECK(why.count() == 1);
    CHECK(why.member(0) == STRUCTIO_EINTERRUPTED);
    return 0;
  };
  CHECK(run(body) == 0);
  CHECK(source == STRUCTIO_SOURCE_INTERRUPT);
  CHECK(by == "main");
}

TEST_CASE("it is delivered to main that waits for its children", "[KI-03][REASON-13]") {
  int source = 0;
  int in_child_task = 1;
  auto protected_child = [&] {
    structio_inject_interrupt();
    in_child_task = structio_checkpoint_if_cancelled();
    const int status = structio_sleep_forever();
    source = cancel_source();
    return status;
  };
  auto body = [&] {
    owned_failure why;
    const int status = nursery_block(
        [&](structio_nursery& n) { return spawn(n, "child", protected_child); }, &why);
    CHECK(status == STRUCTIO_EGROUP);
    CHECK(why.count() == 1);
    CHECK(why.member(0) == STRUCTIO_EINTERRUPTED);
    return 0;
  };
  CHECK(run(body) == 0);
  CHECK(in_child_task == 0);
  CHECK(source == STRUCTIO_SOURCE_INTERRUPT);
}

TEST_CASE("it is delivered to main whose last child has just ended", "[KI-03]") {
  auto nothing = [] { return 0; };
  auto interrupts = [] { return structio_inject_interrupt(); };
  auto body = [&] {
    structio_nursery around;
    structio_nursery_open(&around);
    owned_failure why;
    const int status = nursery_block(
        [&](structio_nursery& n) {
          spawn(n, "child", nothing);
          return spawn(around, "beside it", interrupts);
        },
        &why);
    CHECK(status == STRUCTIO_EGROUP);
    CHECK(why.count() == 1);
    CHECK(why.member(0) == STRUCTIO_EINTERRUPTED);
    return structio_nursery_close(&around, 0, nullptr);
  };
  structio_run_options options = run_options();
  options.budget = 1;  // so that the run looks for interrupts before main goes on
  CHECK(run(body, options) == 0);
}

TEST_CASE("a system task never gets it", "[KI-01][KI-03]") {
  int system = 1;
  auto task = [&] {
    structio_inject_interrupt();
    system = structio_checkpoint();
    return 0;
  };
  auto body = [&] {
    start_system(task);
    return structio_sleep_forever();
  };
  CHECK(run(body) == STRUCTIO_EINTERRUPTED);
  CHECK(system == 0);
}

TEST_CASE("main that waits in start gets it bare", "[KI-03]") {
  auto child = [] {
    structio_inject_interrupt();
    return structio_sleep_forever();
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      const int status =
          structio_nursery_start(&n, nullptr, call<decltype(child)>, &child, nullptr);
      CHECK(status == STRUCTIO_EINTERRUPTED);
      structio_failure_free(structio_failure_take());
      return 0;
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("shielded checkpoints let it pass, the next plain one does not", "[KI-07]") {
  auto body = [] {
    structio_inject_interrupt();
    for (int i = 0; i < 3; ++i) CHECK(structio_cancel_shielded_checkpoint() == 0);
    CHECK(structio_checkpoint() == STRUCTIO_EINTERRUPTED);
    CHECK(structio_checkpoint() == 0);
    return 0;
  };
  virtual_clock clock;  // looks for interrupts in every pass
  CHECK(run(body, clock.options()) == 0);
}

TEST_CASE("a shield does not keep it out", "[KI-07]") {
  auto body = [] {
    return shielded([] {
      structio_inject_interrupt();
      CHECK(structio_sleep_forever() == STRUCTIO_EINTERRUPTED);
      return 0;
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a scope that holds it back lets it through at its end", "[KI-07]") {
  const auto held = [](bool before) {
    structio_scope s;
    structio_scope_options options = scope_options();
    options.hold_interrupt = 1;
    if (before) structio_inject_interrupt();
    structio_cancel_shielded_checkpoint();  // delivered
    const int status = scope_block(
        s,
        [before] {
          if (!before) structio_inject_interrupt();
          CHECK(structio_checkpoint() == 0);
          return structio_sleep(5);
        },
        options);
    CHECK(status == 0);
    CHECK(structio_checkpoint() == STRUCTIO_EINTERRUPTED);
    CHECK(structio_checkpoint() == 0);
  };
  auto body = [&] {
    held(true);
    held(false);
    return 0;
  };
  virtual_clock clock(0);
  CHECK(run(body, clock.options()) == 0);
}

TEST_CASE("a slow abort hands it on", "[KI-09]") {
  struct point {
    structio_waiter waiter;
    int asked = 0;
  } p;
  const auto later = [](void* arg) -> int {
    ++static_cast<point*>(arg)->asked;
    return STRUCTIO_ABORT_LATER;
  };
  auto waker = [&] {
    while (p.asked == 0) structio_checkpoint();
    structio_checkpoint();
    return structio_wake(&p.waiter, STRUCTIO_ECANCELLED) == 1 ? 0 : -1;
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "waker", waker);
      structio_waiter_init(&p.waiter);
      structio_inject_interrupt();
      CHECK(structio_park(&p.waiter, "a test", later, &p) == STRUCTIO_EINTERRUPTED);
      CHECK(structio_checkpoint() == 0);
      return 0;
    });
  };
  CHECK(run(body) == 0);
  CHECK(p.asked == 1);
}

TEST_CASE("one that main never looked for is the run's", "[KI-10]") {
  auto at_once = [] {
    raise(SIGINT);
    return 5;
  };
  CHECK(run(at_once, handling()) == STRUCTIO_EINTERRUPTED);
  // Delivered to a task that then ends without a look.
  auto delivered = [] {
    structio_inject_interrupt();
    for (int i = 0; i < 3; ++i) structio_cancel_shielded_checkpoint();
    return 5;
  };
  virtual_clock clock;
  CHECK(run(delivered, clock.options()) == STRUCTIO_EINTERRUPTED);
  // While system tasks clean up after main.
  auto system = [] {
    const int status = structio_sleep_forever();
    structio_inject_interrupt();
    shielded([] { return structio_checkpoint(); });
    return status;
  };
  auto late = [&] { return start_system(system); };
  CHECK(run(late) == STRUCTIO_EINTERRUPTED);
}

TEST_CASE("a real failure of main outranks one that it never saw", "[KI-10]") {
  auto body = [] {
    structio_inject_interrupt();
    return fail(-7, "main's own");
  };
  CHECK(run(body) == -7);
}

TEST_CASE("it outranks cancellation, which comes next", "[KI-12]") {
  auto body = [] {
    structio_scope s;
    return scope_block(s, [&] {
      structio_scope_cancel(&s, nullptr);
      structio_inject_interrupt();
      structio_cancel_shielded_checkpoint();
      CHECK(structio_checkpoint() == STRUCTIO_EINTERRUPTED);
      return structio_checkpoint();
    });
  };
  virtual_clock clock;
  CHECK(run(body, clock.options()) == 0);
}

TEST_CASE("what was there before is there again, and the program's own stays", "[KI-13]") {
  const with_handler mine(never_called);
  auto nothing = [] {
    CHECK(disposition() != never_called);
    return 0;
  };
  CHECK(run(nothing, handling()) == 0);
  CHECK(disposition() == never_called);
  auto installs = [] {
    signal(SIGINT, SIG_IGN);
    return 0;
  };
  CHECK(run(installs, handling()) == 0);
  CHECK(disposition() == SIG_IGN);
}

TEST_CASE("by itself a run takes SIGINT only where nobody else did", "[KI-13]") {
  const with_handler mine(never_called);
  auto look = [] { return disposition() == never_called ? 1 : 0; };
  CHECK(run(look, handling(STRUCTIO_INTERRUPT_AUTO)) == 1);
  CHECK(run(look, handling(STRUCTIO_INTERRUPT_IGNORE)) == 1);
  const with_handler fallback(SIG_DFL);
  auto taken = [] { return disposition() != SIG_DFL ? 1 : 0; };
  CHECK(run(taken, handling(STRUCTIO_INTERRUPT_AUTO)) == 1);
  CHECK(run(taken, handling(STRUCTIO_INTERRUPT_IGNORE)) == 0);
  int elsewhere = -1;
  std::thread([&] { elsewhere = run(taken, handling(STRUCTIO_INTERRUPT_AUTO)); }).join();
  CHECK(elsewhere == 0);
}

TEST_CASE("a signal from another thread wakes a run that sleeps", "[KI-05]") {
  std::thread other;
  auto body = [&] {
    // Interrupts alone do not keep a run from being a deadlock: this one has a deadline far away.
    other = signal_from_thread(SIGINT);
    return structio_sleep(STRUCTIO_SECONDS(1000));
  };
  CHECK(run(body, handling()) == STRUCTIO_EINTERRUPTED);
  other.join();
}

TEST_CASE("an interrupt before main's first step is main's", "[KI-05]") {
  const int ended = in_child([] {
    sigset_t block;
    sigemptyset(&block);
    sigaddset(&block, SIGINT);
    sigprocmask(SIG_BLOCK, &block, nullptr);
    raise(SIGINT);  // pending until main unblocks it
    auto body = [&] {
      sigprocmask(SIG_UNBLOCK, &block, nullptr);
      return structio_sleep_forever();
    };
    return run(body, handling(STRUCTIO_INTERRUPT_AUTO)) == STRUCTIO_EINTERRUPTED ? 0 : 1;
  });
  CHECK(WIFEXITED(ended));
  CHECK(WEXITSTATUS(ended) == 0);
}

TEST_CASE("a second one kills a program that does not come down", "[KI-02]") {
  const int ended = in_child([] {
    auto body = [] {
      raise(SIGINT);
      structio_checkpoint();
      raise(SIGINT);
      return 0;
    };
    run(body, handling(STRUCTIO_INTERRUPT_AUTO));
    return 0;
  });
  REQUIRE(WIFSIGNALED(ended));
  CHECK(WTERMSIG(ended) == SIGINT);
}

TEST_CASE("each run has a first interrupt of its own", "[KI-02]") {
  const int ended = in_child([] {
    auto body = [] {
      raise(SIGINT);
      return structio_sleep_forever();
    };
    for (int i = 0; i < 3; ++i) {
      if (run(body, handling(STRUCTIO_INTERRUPT_AUTO)) != STRUCTIO_EINTERRUPTED) return 1;
    }
    return disposition() == SIG_DFL ? 0 : 2;
  });
  CHECK(WIFEXITED(ended));
  CHECK(WEXITSTATUS(ended) == 0);
}

TEST_CASE("an interrupt in mid-storm is never lost", "[KI-02]") {
  for (int round = 0; round < 50; ++round) {
    std::thread other;
    auto sleeper = [] { return structio_sleep_forever(); };
    auto body = [&] {
      structio_nursery n;
      structio_nursery_open(&n);
      for (int i = 0; i < 5; ++i) spawn(n, "sleeper", sleeper);
      other = signal_from_thread(SIGINT);
      int status = 0;
      while (status == 0) status = structio_sleep(STRUCTIO_MICROSECONDS(1));
      return structio_nursery_close(&n, status, nullptr);
    };
    CHECK(run(body, handling()) == STRUCTIO_EGROUP);
    other.join();
  }
}

#ifdef __linux__
namespace {

// Has the loop's wake-up fail, and so set errno: its counter is full. It wakes all the same.
void fill_wake_ups() {
  constexpr std::uint64_t most = UINT64_MAX - 1;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (target != "anon_inode:[eventfd]") continue;
    [[maybe_unused]] const auto size =
        write(std::stoi(entry.path().filename().string()), &most, sizeof most);
  }
}

}  // namespace

TEST_CASE("the handler of an interrupt leaves errno alone", "[KI-02]") {
  int after = 0;
  auto body = [&] {
    fill_wake_ups();
    errno = 77;
    raise(SIGINT);
    after = errno;
    return structio_sleep_forever();
  };
  CHECK(run(body, handling()) == STRUCTIO_EINTERRUPTED);
  CHECK(after == 77);
}
#endif
