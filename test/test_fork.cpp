// A process that forks inside a run: the parent goes on as if nothing had happened, the child is
// told what it may do.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>

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
