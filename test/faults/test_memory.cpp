// Out of memory at every single allocation of a scenario that uses about everything: never a
// crash, never a leak, always a status, and everything that began ends.
#include <structio/structio.h>

#include <cstdlib>
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
TEST_CASE("any one allocation may fail", "[RUN][FIB-14]") {
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
