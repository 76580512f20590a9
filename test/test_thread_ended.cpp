// A host language that ends threads of the library's in the middle of its own code, as CPython does
// at its end: by pthread_exit.
#include <pthread.h>
#include <structio/structio_thread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"
#include "support/threads.hpp"

using namespace c_tasks;

namespace {

support::gate begun;

int ends_its_thread(void*) {
  begun.open();
  pthread_exit(nullptr);
}

int abandons_it() {
  structio_scope scope;
  auto waits = [] {
    structio_thread_options options = STRUCTIO_THREAD_OPTIONS_INIT;
    options.abandon_on_cancel = 1;
    return structio_run_in_thread(ends_its_thread, nullptr, &options);
  };
  auto in_scope = [&] { return scope_block(scope, waits); };
  return nursery_block([&](structio_nursery& n) {
    spawn(n, "waits", in_scope);
    while (structio_threads_active() == 0) structio_checkpoint();
    begun.wait();
    structio_scope_cancel(&scope, nullptr);
    return 0;
  });
}

}  // namespace

TEST_CASE("a thread that is ended in its job stays where it is", "[THR-11]") {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(run([] { return abandons_it(); }));
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
