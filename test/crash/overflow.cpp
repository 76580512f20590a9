// Runs off the stack of a fiber, in several surroundings. Expected to die; test_overflow.cpp says
// how.
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "context/overflow.hpp"
#include "context/stack_pool.hpp"

using namespace structio::ctx;

namespace {

void say(const char* text) {
  if (write(STDERR_FILENO, text, std::strlen(text)) < 0) _exit(99);
}

void earlier(int) {
  say("the earlier handler ran\n");
  _exit(42);
}

void earlier_siginfo(int, siginfo_t* info, void* context) {
  if (info && info->si_addr && context) earlier(0);
  _exit(98);
}

void install(bool siginfo) {
  struct sigaction action = {};
  action.sa_flags = SA_ONSTACK | (siginfo ? SA_SIGINFO : 0);
  if (siginfo) {
    action.sa_sigaction = earlier_siginfo;
  } else {
    action.sa_handler = earlier;
  }
  sigaction(SIGSEGV, &action, nullptr);
  sigaction(SIGBUS, &action, nullptr);
}

volatile int depth_wanted = 1 << 30;

[[gnu::noinline]] int run_away(int depth) {
  volatile char frame[512];
  frame[0] = static_cast<char>(depth);
  if (depth >= depth_wanted) return frame[0];
  return run_away(depth + 1) + frame[0];
}

// In the first page, which is never mapped; null itself would be stopped by the sanitizer before.
int* volatile nowhere = reinterpret_cast<int*>(64);
const char* mode = "";

void body(machine& m, fiber&) noexcept {
  if (std::strcmp(mode, "null") == 0) {
    *nowhere = 1;
  } else if (std::strcmp(mode, "other-thread") == 0) {
    std::thread([] { *nowhere = 1; }).join();
  } else {
    run_away(0);
  }
  switch_to(m, m.hub);
}

alignas(16) char own_signal_stack[128 * 1024];

bool uses_own_signal_stack() {
  stack_t now = {};
  sigaltstack(nullptr, &now);
  return now.ss_sp == own_signal_stack;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) mode = argv[1];
  if (std::strncmp(mode, "chained", 7) == 0) install(std::strcmp(mode, "chained-siginfo") == 0);
  if (std::strcmp(mode, "other-thread") == 0) install(false);
  const bool own = std::strcmp(mode, "own-signal-stack") == 0;
  if (own) {
    install(false);
    stack_t mine = {};
    mine.ss_sp = own_signal_stack;
    mine.ss_size = sizeof own_signal_stack;
    sigaltstack(&mine, nullptr);
  }
  machine m;
  m.open();
  stack_pool_options options;
  options.stack_size = 64 * 1024;
  stack_pool pool(options);
  const int code = overflow_watch_begin(m, [](stack& s, char* buffer, std::size_t size) {
    std::strncpy(buffer, static_cast<const char*>(s.user), size);
  });
  if (code != 0) return 3;
  if (own && !uses_own_signal_stack()) return 4;
  stack *neighbour = nullptr, *s = nullptr;
  if (pool.acquire(0, neighbour) != 0 || pool.acquire(0, s) != 0) return 5;
  char name[] = "deep thought";
  s->user = name;
  prepare(m, s->fib, *s, s->top(), body);
  switch_to(m, s->fib);
  return 0;
}
