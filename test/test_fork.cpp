// A process that forks inside a run: the parent goes on as if nothing had happened, the child is
// told what it may do.
#include <structio/structio_thread.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/refusals.hpp"

using namespace c_tasks;

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif

namespace {

// Waits for a child outside of a run; what it exited with.
int ending_of(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// In a child, which must not wait for ever.
[[maybe_unused]] void die_when_late() {
  sigset_t late;
  sigemptyset(&late);
  sigaddset(&late, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &late, nullptr);  // a worker thread has it blocked
  alarm(10);
}

// What a child makes of its calls: 0 when each is refused as it should be.
int calls_in_child(structio_nursery& n) {
  const auto nothing = [](void*) { return 0; };
  if (structio_in_run() != 0 || structio_in_task() != 0) return 1;
  if (!refused(structio_checkpoint(), STRUCTIO_ENOTASK, {"forked", "exec"})) return 2;
  if (!refused(structio_sleep(1), STRUCTIO_ENOTASK, {"structio_sleep", "forked"})) return 3;
  if (structio_nursery_start_soon(&n, nothing, nullptr) != STRUCTIO_ENOTASK) return 4;
  if (structio_run(nothing, nullptr, nullptr) != 0) return 5;  // one of its own is fine
  return 0;
}

}  // namespace

TEST_CASE("the child of a fork is refused, the parent goes on", "[FIB-11]") {
  int told = -1;
  auto sleeper = [] { return structio_sleep(STRUCTIO_MILLISECONDS(20)); };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "sleeper", sleeper);
      structio_checkpoint();
      const pid_t child = fork();
      if (child == 0) _exit(calls_in_child(n));
      told = ending_of(child);
      return structio_sleep(STRUCTIO_MILLISECONDS(1));
    });
  };
  CHECK(run(body) == 0);
  CHECK(told == 0);
}

namespace {

// A child forked on a thread that works for the run, or on any other: a call into the run, which
// is the parent's, is refused and not waited for. What the child exits with.
template <class Call>
int call_from_child(Call&& into_the_run) {
  const pid_t child = fork();
  if (child == 0) {
    die_when_late();
    _exit(into_the_run() == STRUCTIO_ERUNFINISHED ? 0 : 1);
  }
  return ending_of(child);
}

}  // namespace

#ifndef UNDER_TSAN  // which has no threads in a child
TEST_CASE("a call into the run from a forked child is refused", "[FIB-11]") {
  static structio_portal* portal = nullptr;
  static structio_post kept;
  static const auto nothing = [](void*) { return 0; };
  auto job = [] { return call_from_child([] { return structio_thread_call(nothing, nullptr); }); };
  auto main = [&] {
    structio_portal_new(&portal);
    CHECK(structio_run_in_thread(call<decltype(job)>, &job, nullptr) == 0);
    CHECK(structio_portal_post_once(portal, nothing, nullptr) == 0);
    CHECK(structio_post_init(&kept, portal, nothing, nullptr) == 0);
    CHECK(structio_post_send(&kept) == 1);
    structio_scope inside;
    structio_cancel_token* token = nullptr;
    structio_scope_init(&inside, nullptr);
    structio_scope_enter(&inside);
    CHECK(structio_cancel_token_new(&inside, &token) == 0);
    int wrong[5] = {};
    std::thread([&] {
      wrong[0] =
          call_from_child([] { return structio_portal_call(portal, nothing, nullptr, nullptr); });
      wrong[1] = call_from_child([] { return structio_portal_post(portal, nothing, nullptr); });
      // What is queued here is so in the child too, and never made there.
      wrong[2] =
          call_from_child([] { return structio_portal_post_once(portal, nothing, nullptr); });
      wrong[3] = call_from_child([] { return structio_post_send(&kept); });
      wrong[4] = call_from_child([&] { return structio_cancel_token_cancel(token); });
    }).join();
    for (const int w : wrong) CHECK(w == 0);
    structio_cancel_token_free(token);
    structio_scope_leave(&inside, 0, nullptr);
    structio_post_destroy(&kept);
    structio_portal_free(portal);
    return 0;
  };
  CHECK(run(main) == 0);
}

TEST_CASE("a fork while other threads make handles leaves the child a whole table", "[FIB-11]") {
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) {
      structio_failure* made = nullptr;
      structio_failure_new_status(-5, "x", &made);
      structio_failure_free(made);
    }
  });
  auto main = [] {
    structio_portal* portal = nullptr;
    structio_portal_new(&portal);
    return structio_portal_free(portal);
  };
  int ending = 0;
  for (int i = 0; i < 60 && ending == 0; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      die_when_late();
      _exit(run(main) == 0 ? 0 : 1);
    }
    ending = ending_of(child);
  }
  stop = true;
  busy.join();
  CHECK(ending == 0);
}
#endif

#ifndef UNDER_TSAN  // which keeps signals back in a child
TEST_CASE("Ctrl-C ends a child that was forked inside a run", "[FIB-11][KI-02]") {
  structio_run_options options = run_options();
  options.interrupt = STRUCTIO_INTERRUPT_HANDLE;
  // A shell that starts something in the background has it ignore SIGINT.
  const auto before = signal(SIGINT, SIG_DFL);
  int ending = 0;
  auto main = [&] {
    const pid_t child = fork();
    if (child == 0) {
      raise(SIGINT);
      _exit(1);
    }
    ending = ending_of(child);
    return structio_checkpoint();
  };
  CHECK(run(main, options) == 0);
  CHECK(ending == -SIGINT);
  signal(SIGINT, before);
}
#endif

#ifndef UNDER_TSAN  // which knows of no fibers in a child
TEST_CASE("a child that comes back from structio_run has harmed nobody", "[FIB-11]") {
  const pid_t self = getpid();
  pid_t child = 0;
  int slept = 0;
  auto sleeper = [&] {
    const int status = structio_sleep(STRUCTIO_MILLISECONDS(30));
    slept += status == 0;
    return 0;
  };
  auto body = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    for (int i = 0; i < 5; ++i) spawn(n, "sleeper", sleeper);
    structio_checkpoint();
    child = fork();
    const int status = structio_nursery_close(&n, 0, nullptr);
    return child == 0 && status == STRUCTIO_ENOTASK ? 0 : status;
  };
  const int status = run(body);
  if (getpid() != self) {
    const bool right = refused(status, STRUCTIO_EMISUSE, {"structio_run", "forked", "exec"});
    std::fflush(nullptr);
    _exit(right ? 0 : 1);
  }
  CHECK(status == 0);
  CHECK(slept == 5);
  CHECK(ending_of(child) == 0);
}
#endif
