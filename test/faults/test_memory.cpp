// Out of memory at every single allocation of a scenario that uses about everything: never a
// crash, never a leak, always a status, and everything that began ends.
#include <structio/structio.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "faults/debris.hpp"
#include "faults/scenario.hpp"
#include "support/catch.hpp"

namespace {

[[maybe_unused]] constexpr int no_memory_of_the_system = -12;

// Whatever is made once a process is made by then.
void warm_up() {
  setenv("STRUCTIO_LOG", "off", 1);
  for (int i = 0; i < 3; ++i) scenario::play();
}

struct outcome {
  scenario::report report;
  bool reached = false;
  debris before;
  debris after;
};

outcome play_with(std::int64_t fails_at, bool all_later) {
  outcome o;
  o.before = debris::now();
  {
    failing_malloc::window window(fails_at, all_later);
    o.report = scenario::play();
    o.reached = fails_at > 0 && window.reached();
  }
  o.after = debris::now();
  return o;
}

#if STRUCTIO_OWN_MALLOC
int nothing(void*) {
  return 0;
}

int sleeper(void*) {
  return structio_sleep_forever();
}

// Starts tasks until there is no room for more; 0 when that was told and nothing else went wrong.
int until_full(void*) {
  structio_nursery n;
  int status = structio_nursery_open(&n);
  int started = 0;
  while (status == 0 && started < 1000000) {
    status = structio_nursery_start_soon(&n, sleeper, nullptr);
    started += status == 0;
  }
  const bool told = status == STRUCTIO_ENOMEM && std::strstr(structio_last_message(), "stack");
  structio_checkpoint();
  structio_scope_cancel(structio_nursery_scope(&n), nullptr);
  if (structio_nursery_close(&n, 0, nullptr) != 0) return -101;
  if (!told) return -102;
  return started > 10 ? structio_checkpoint() : -103;
}

// Calls `fn` while the process may have no more than so much of a resource.
template <class Fn>
int in_little(decltype(RLIMIT_AS) resource, rlim_t most, Fn&& fn) {
  rlimit before{};
  getrlimit(resource, &before);
  const rlimit little{most, before.rlim_max};
  setrlimit(resource, &little);
  const int status = fn();
  setrlimit(resource, &before);
  return status;
}

// Runs `fn` in a process of its own and gives what it returned, as far as eight bits go.
template <class Fn>
int in_child(Fn&& fn) {
  const pid_t child = fork();
  if (child == 0) _exit(fn() & 0xff);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
#endif

void check(const outcome& o) {
  CHECK(o.report.strange == 0);
  CHECK(o.report.where == std::string());
  CHECK(o.report.begun == o.report.ended);
  CHECK(o.after == o.before);
}

}  // namespace

TEST_CASE("the scenario by itself works and leaves nothing", "[RUN][FIB-14]") {
  warm_up();
  const outcome o = play_with(0, false);
  check(o);
  CHECK(o.report.status == 0);
  CHECK(o.report.no_memory == 0);
  CHECK(o.report.whole);
}

#if STRUCTIO_OWN_MALLOC
TEST_CASE("no address space for a stack: a code, a message, and the run goes on", "[FIB-16]") {
  if (!failing_malloc::in_charge()) return;
  CHECK(in_child([] {
          return in_little(RLIMIT_AS, 256 << 20,
                           [] { return structio_run(until_full, nullptr, nullptr); });
        }) == 0);
}

TEST_CASE("no descriptor for a run: a code, a message, and nothing left", "[RUN-02]") {
  if (!failing_malloc::in_charge()) return;
  CHECK(in_child([] {
          const debris before = debris::now();
          const auto open =
              static_cast<rlim_t>(before.descriptors - 3);  // what counted them is closed
          const auto attempt = [] { return structio_run(nothing, nullptr, nullptr); };
          for (unsigned spare = 0; spare < 5; ++spare) {
            if (in_little(RLIMIT_NOFILE, open + spare, attempt) != -EMFILE) return 1;
            if (!std::strstr(structio_last_message(), "event loop")) return 2;
          }
          if (debris::now().descriptors != before.descriptors) return 3;
          return structio_run(nothing, nullptr, nullptr);
        }) == 0);
}

TEST_CASE("any one allocation may fail", "[RUN][FIB-14]") {
  if (!failing_malloc::in_charge()) return;
  warm_up();
  std::int64_t n = 1;
  int told = 0;
  for (bool reached = true; reached; ++n) {
    INFO("allocation " << n);
    const outcome o = play_with(n, false);
    reached = o.reached;
    check(o);
    CHECK((o.report.status == 0 || o.report.status == STRUCTIO_ENOMEM ||
           o.report.status == no_memory_of_the_system));
    told += o.report.no_memory > 0 || o.report.status != 0;
  }
  CHECK(n > 50);
  CHECK(told > n / 2);
}

TEST_CASE("all allocations from one on may fail", "[RUN][FIB-14]") {
  if (!failing_malloc::in_charge()) return;
  warm_up();
  bool reached = true;
  for (std::int64_t n = 1; reached; ++n) {
    INFO("allocation " << n);
    const outcome o = play_with(n, true);
    reached = o.reached;
    check(o);
  }
}
#endif
