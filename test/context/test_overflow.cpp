// The overflow report: each case runs test/crash/overflow.cpp, which really does overflow.
#include <csignal>
#include <string>

#include "context/child.hpp"
#include "context/overflow.hpp"
#include "context/rig.hpp"
#include "support/catch.hpp"

using namespace structio::ctx;

namespace {

#ifndef STRUCTIO_CRASH_DIR
#define STRUCTIO_CRASH_DIR "."
#endif

ending crash(const char* mode) {
  return in_child([mode] {
    execl(STRUCTIO_CRASH_DIR "/crash-overflow", "crash-overflow", mode, nullptr);
    return 127;
  });
}

const std::string report = "structio: task 'deep thought' overflowed its stack of 64 KiB\n";

}  // namespace

TEST_CASE("an overflow is reported by name and size, then the process dies of it", "[overflow]") {
  const ending e = crash("default");
  CHECK_THAT(e.output, ContainsSubstring(report));
  if (!sanitized) CHECK(e.died_of(SIGSEGV));
  CHECK_FALSE(e.exited_with(0));
}

TEST_CASE("the handler that was there before gets the fault", "[overflow]") {
  for (const char* mode : {"chained", "chained-siginfo"}) {
    const ending e = crash(mode);
    CHECK_THAT(e.output, ContainsSubstring(report));
    CHECK_THAT(e.output, ContainsSubstring("the earlier handler ran"));
    CHECK(e.exited_with(42));
  }
}

TEST_CASE("an alternate stack of the user's is used and left alone", "[overflow]") {
  const ending e = crash("own-signal-stack");
  CHECK_THAT(e.output, ContainsSubstring(report));
  CHECK(e.exited_with(42));
}

TEST_CASE("other faults are not called overflows", "[overflow]") {
  const ending e = crash("null");
  CHECK(e.output.find("overflowed") == std::string::npos);
  if (!sanitized) CHECK(e.died_of(SIGSEGV));
  CHECK_FALSE(e.exited_with(0));
}

TEST_CASE("a thread without a watch is none of our business", "[overflow]") {
  const ending e = crash("other-thread");
  CHECK(e.output.find("overflowed") == std::string::npos);
  CHECK(e.exited_with(42));
}

TEST_CASE("the watch leaves everything as it found it", "[overflow]") {
  auto handler_of = [](int signal_number) {
    struct sigaction now = {};
    sigaction(signal_number, nullptr, &now);
    return now.sa_handler;
  };
  auto* const segv = handler_of(SIGSEGV);
  auto* const bus = handler_of(SIGBUS);
  stack_t before = {};
  sigaltstack(nullptr, &before);
  const int mappings = count_mappings();
  {
    rig r;
    REQUIRE(overflow_watch_begin(r.m, nullptr) == 0);
    CHECK(handler_of(SIGSEGV) != segv);
    CHECK(overflow_watch_begin(r.m, nullptr) < 0);  // One run at a time in a thread.
    overflow_watch_end(r.m);
    overflow_watch_end(r.m);
  }
  CHECK(handler_of(SIGSEGV) == segv);
  CHECK(handler_of(SIGBUS) == bus);
  stack_t after = {};
  sigaltstack(nullptr, &after);
  CHECK(after.ss_sp == before.ss_sp);
  CHECK(after.ss_flags == before.ss_flags);
  CHECK(count_mappings() <= mappings + (sanitized ? 4 : 1));
}
