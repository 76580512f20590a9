// What programs use to test themselves: virtual clocks, waiting for rest, faults.
#include <structio/structio_testing.h>

#include "check.hpp"
#include "runtime/interrupt.hpp"
#include "testing/idle.hpp"
#include "testing/sequencer.hpp"
#include "testing/virtual_clock.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

rt::virtual_time* clock_in(const structio_clock* h, const char* call) noexcept {
  return handle<rt::virtual_time>(base::handle_kind::clock, h, call);
}

rt::testing::sequencer* sequencer_in(const structio_sequencer* storage, const char* call) noexcept {
  return block<rt::testing::sequencer>(storage, call, "sequencer");
}

}  // namespace

int structio_virtual_clock_new(const structio_virtual_clock_options* given, structio_clock** out) {
  constexpr const char* call = "structio_virtual_clock_new";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (!options_fit(given, call)) return refused();
  const structio_virtual_clock_options options = whole(given);
  void* made = nullptr;
  const int code = rt::testing::clock_make(options.start, options.autojump, options.rate, made);
  *out = static_cast<structio_clock*>(made);
  return code;
}

int structio_virtual_clock_jump(structio_clock* clock, int64_t duration) {
  rt::virtual_time* c = clock_in(clock, "structio_virtual_clock_jump");
  return c ? rt::testing::clock_jump(*c, duration) : refused();
}

int structio_virtual_clock_set_autojump(structio_clock* clock, int64_t threshold) {
  rt::virtual_time* c = clock_in(clock, "structio_virtual_clock_set_autojump");
  return c ? rt::testing::clock_set_autojump(*c, threshold) : refused();
}

int structio_virtual_clock_set_rate(structio_clock* clock, double rate) {
  rt::virtual_time* c = clock_in(clock, "structio_virtual_clock_set_rate");
  return c ? rt::testing::clock_set_rate(*c, rate) : refused();
}

int structio_virtual_clock_now(structio_clock* clock, int64_t* moment) {
  constexpr const char* call = "structio_virtual_clock_now";
  if (!moment) return null_argument(call, "moment");
  const rt::virtual_time* c = clock_in(clock, call);
  return c ? rt::testing::clock_read(*c, *moment) : refused();
}

int structio_virtual_clock_free(structio_clock* clock) {
  return clock ? rt::testing::clock_free(clock) : 0;
}

int structio_wait_all_tasks_blocked(int64_t cushion) {
  constexpr const char* call = "structio_wait_all_tasks_blocked";
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  if (cushion < 0) return fail(STRUCTIO_EINVALID, "%s: the cushion is negative", call);
  return rt::testing::wait_all_tasks_blocked(*r, cushion);
}

int structio_sequencer_init(structio_sequencer* storage) {
  if (!storage) return null_argument("structio_sequencer_init", "sequencer");
  new (storage) rt::testing::sequencer;
  return 0;
}

int structio_sequencer_destroy(structio_sequencer* storage) {
  constexpr const char* call = "structio_sequencer_destroy";
  rt::testing::sequencer* s = sequencer_in(storage, call);
  if (!s) return refused();
  if (s->in_use()) {
    return fail(STRUCTIO_EMISUSE, "%s: a task is in a step, or waits for its own", call);
  }
  end_block(*s);
  return 0;
}

int structio_sequencer_step(structio_sequencer* storage, uint64_t position, structio_task_fn fn,
                            void* arg) {
  constexpr const char* call = "structio_sequencer_step";
  rt::testing::sequencer* s = sequencer_in(storage, call);
  if (!s) return refused();
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  if (!s->claim(*r)) return other_run(call);
  return s->step(*r, position, fn, arg);
}

int structio_checkpoint_counts(uint64_t* cancel_points, uint64_t* schedule_points) {
  constexpr const char* call = "structio_checkpoint_counts";
  if (!cancel_points) return null_argument(call, "cancel_points");
  if (!schedule_points) return null_argument(call, "schedule_points");
  const rt::runtime* r = in_body(call);
  if (!r) return refused();
  const rt::task& self = *r->current;
  *cancel_points = self.cancel_points;
  *schedule_points = self.schedule_points;
  return 0;
}

int structio_inject_internal_error(void) {
  rt::runtime* r = in_run("structio_inject_internal_error");
  if (!r) return refused();
  rt::rt_fail_internally(*r, "injected by structio_inject_internal_error");
  return 0;
}

int structio_inject_interrupt(void) {
  rt::runtime* r = in_run("structio_inject_interrupt");
  if (!r) return refused();
  rt::interrupt_raise(*r);
  return 0;
}
