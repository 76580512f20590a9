// Tasks that are driven step by step: each step runs as a part of its task, on the thread's own
// stack; what it asks for is called on the task's.
#include <structio/structio_steps.h>

#include <algorithm>
#include <climits>

#include "base/host_end.hpp"
#include "check.hpp"
#include "op_table.hpp"
#include "runtime/left_open.hpp"
#include "runtime/step.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

struct one_step {
  const structio_steps& steps;
  structio_call& call;
  int answer = 0;
};

/// The status of a task. A count that is too large for one is still no failure.
int status_of(std::int64_t result) noexcept {
  return static_cast<int>(std::clamp<std::int64_t>(result, INT_MIN, INT_MAX));
}

/// A function of the binding's. It may open blocks that stay open, but not in its own frame.
std::int64_t own_call(rt::task& t, const structio_call& call) {
  const rt::scope* before = t.innermost;
  const std::int64_t result = call.fn(call.arguments);
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (t.innermost == before || rt::depth_of(t, t.innermost, here) == 0) return result;
  return rt::close_sheltered(t, before, result < 0 ? status_of(result) : 0);
}

}  // namespace

int structio_drive(void* given) {
  constexpr const char* call = "structio_drive";
  const auto* steps = static_cast<const structio_steps*>(given);
  if (!steps) return null_argument(call, "steps");
  if (steps->struct_size < sizeof *steps) {
    return fail(STRUCTIO_EINVALID, "%s: set struct_size of the steps to their sizeof", call);
  }
  if (!steps->step) return null_argument(call, "step");
  const structio_steps own = *steps;  // its last step may well free them
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  structio_call next{};
  for (;;) {
    next.struct_size = sizeof next;
    next.fn = nullptr;
    one_step step{own, next};
    rt::run_step(
        *r,
        [](void* arg) {
          auto& s = *static_cast<one_step*>(arg);
          s.answer = base::call_host(s.steps.step, s.steps.state, &s.call);
        },
        &step);
    if (step.answer == STRUCTIO_STEP_DONE) return status_of(next.result);
    if (step.answer != STRUCTIO_STEP_CALL) {
      return fail(STRUCTIO_EINVALID, "%s: a step answered %d, which is none of enum structio_step",
                  call, step.answer);
    }
    next.result = next.fn ? own_call(*r->current, next) : perform(next.op, next.arguments);
  }
}
