// Out of memory at every single allocation of starting a child and of running one from start to
// end: a status, no child and no descriptor left, nothing leaked.
#include <structio/structio.h>

#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "faults/debris.hpp"
#include "support/c_tasks.hpp"
#include "support/catch.hpp"

namespace {

const char* const cat[] = {"cat", nullptr};

// A start that was given up has its thread go on with it for a while, with descriptors and perhaps
// a child, until it finds that nobody waits.
bool nothing_left() {
  if (structio_wait_all_threads_completed() != 0) return false;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  siginfo_t info{};
  while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

// What may come out of a call that ran out of memory, among several failures or alone. Without
// memory the system has no thread either.
bool is_no_memory(int code) {
  return code == STRUCTIO_ENOMEM || code == STRUCTIO_EGROUP || code == -ENOMEM || code == -EAGAIN;
}

int talk() {
  structio_process_options options = STRUCTIO_PROCESS_OPTIONS_INIT;
  options.argv = cat;
  options.in.kind = options.out.kind = STRUCTIO_STDIO_PIPE;
  structio_process* child = nullptr;
  int status = structio_process_spawn(&options, &child);
  if (status == 0) {
    structio_stream_free(structio_process_stdin(child));
    status = structio_process_wait(child, nullptr);
  }
  structio_process_free(child);
  return status;
}

int wait_for(void* child) {
  return structio_process_wait(static_cast<structio_process*>(child), nullptr);
}

// A run keeps from its first wait on what it waits with.
void warm_up() {
  structio_process_options options = STRUCTIO_PROCESS_OPTIONS_INIT;
  options.argv = cat;
  options.in.kind = STRUCTIO_STDIO_PIPE;
  structio_process* child = nullptr;
  REQUIRE(structio_process_spawn(&options, &child) == 0);
  CHECK(structio_move_on_after(1000000, wait_for, child, nullptr) == 0);
  structio_process_free(child);
  CHECK(nothing_left());
}

int run_whole() {
  structio_process_options child = STRUCTIO_PROCESS_OPTIONS_INIT;
  child.argv = cat;
  structio_run_process_options options = STRUCTIO_RUN_PROCESS_OPTIONS_INIT;
  options.process = &child;
  options.input = "text";
  options.input_size = 4;
  options.capture_out = options.capture_err = 1;
  structio_process_result result = STRUCTIO_PROCESS_RESULT_INIT;
  const int status = structio_run_process(&options, &result);
  if (status == 0) CHECK(std::string(result.out, result.out_size) == "text");
  structio_process_result_free(&result);
  return status;
}

int run_row() {
  structio_process_options child = STRUCTIO_PROCESS_OPTIONS_INIT;
  child.argv = cat;
  structio_run_process_options options = STRUCTIO_RUN_PROCESS_OPTIONS_INIT;
  options.process = &child;
  return structio_run_pipeline(&options, &options, nullptr, nullptr);
}

// Fails each allocation in turn, until there is none left that could.
void fail_each(int (*call)()) {
  REQUIRE(call() == 0);  // what is made once is made by then
  REQUIRE(nothing_left());
  const debris before = debris::now();
  int refused = 0;
  for (std::int64_t n = 1; n < 1000; ++n) {
    int status = 0;
    bool reached = false;
    {
      failing_malloc::window window(n);
      status = call();
      reached = window.reached();
    }
    refused += status != 0;
    INFO("allocation " << n << ", status " << status);
    CHECK((status == 0 || is_no_memory(status)));
    CHECK(nothing_left());
    CHECK(debris::now().descriptors == before.descriptors);
    if (!reached) break;
    REQUIRE(n < 999);
  }
  CHECK(call() == 0);
  CHECK(nothing_left());
  CHECK((refused > 5 || !failing_malloc::in_charge()));
  CHECK(debris::now().descriptors == before.descriptors);
  CHECK(debris::now().handles == before.handles);
}

}  // namespace

TEST_CASE("children where memory runs out at any moment") {
  setenv("STRUCTIO_LOG", "off", 1);
  for (const bool without_pidfd : {false, true}) {
    if (without_pidfd) setenv("STRUCTIO_NO_PIDFD", "1", 1);
    auto main = [] {
      warm_up();
      fail_each(talk);
      fail_each(run_whole);
      fail_each(run_row);
      return 0;
    };
    CHECK(c_tasks::run(main) == 0);
    unsetenv("STRUCTIO_NO_PIDFD");
  }
}
