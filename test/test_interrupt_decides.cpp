// Ctrl-C in an interpreter: its own handler is called as well, and it decides who is interrupted.
#include <signal.h>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

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

int before_us = 0;

struct decider {
  int asked = 0;
  int answer = 0;
  int before_when_asked = 0;

  static int fn(void* arg) {
    auto& self = *static_cast<decider*>(arg);
    ++self.asked;
    self.before_when_asked = before_us;
    CHECK(structio_in_run() == 1);
    CHECK(structio_in_task() == 0);
    return self.answer;
  }
};

structio_run_options deciding(decider& d) {
  structio_run_options options = run_options();
  options.interrupt = STRUCTIO_INTERRUPT_HANDLE;
  options.on_interrupt = decider::fn;
  options.on_interrupt_arg = &d;
  return options;
}

}  // namespace

TEST_CASE("an interpreter's own handler is called as well, and it decides", "[KI-02]") {
  before_us = 0;
  const with_handler own([](int) { ++before_us; });
  decider d;
  auto body = [&] {
    for (int i = 1; i <= 3; ++i) {  // not even a second one kills
      raise(SIGINT);
      CHECK(before_us == i);
      CHECK(structio_sleep(1'000'000) == 0);
      CHECK(d.asked == i);
      CHECK(d.before_when_asked == i);
    }
    d.answer = 1;
    raise(SIGINT);
    CHECK(structio_sleep_forever() == STRUCTIO_EINTERRUPTED);
    return structio_checkpoint();
  };
  CHECK(run(body, deciding(d)) == 0);
  CHECK(d.asked == 4);
  CHECK(disposition() != SIG_DFL);
}

TEST_CASE("what main does not look for any more is asked about, and reported, once", "[KI-02]") {
  const with_handler own([](int) { ++before_us; });
  decider d;
  d.answer = 1;
  CHECK(run([] { return raise(SIGINT); }, deciding(d)) == STRUCTIO_EINTERRUPTED);
  CHECK(d.asked == 1);
  d.answer = 0;
  CHECK(run([] { return raise(SIGINT); }, deciding(d)) == 0);
  CHECK(d.asked == 2);
}
