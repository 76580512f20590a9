// Nothing is ready, nothing can become ready, and nobody outside can help: the run fails, and says
// who waits for what. It comes down by cancellation, so that everything is unwound; what is
// shielded or cannot be undone is ended by force in the next round.
#include <cstdio>
#include <cstdlib>

#include "base/log.hpp"
#include "base/memory.hpp"
#include "base/status.hpp"
#include "runtime/failure.hpp"
#include "runtime/runtime.hpp"
#include "runtime/wait_queue.hpp"

namespace structio::rt {
namespace {

failure* report(runtime& rt) noexcept {
  constexpr std::size_t room = 64 * 1024;
  auto* text = static_cast<char*>(base::allocate(room));
  if (!text) return failure_no_memory();
  const int head = std::snprintf(text, room, "deadlock: no task can ever be woken again\n");
  if (rt.options.describe_tree) {
    rt.options.describe_tree(rt, text + head, room - static_cast<std::size_t>(head));
  }
  base::log(base::log_level::error, "%s", text);
  failure* f = failure_status(STRUCTIO_EDEADLOCK, text);
  base::release(text);
  return f ? f : failure_no_memory();
}

// Ends the waits of a subtree whatever protects them. Those who wait for children only are left:
// their children are what ends them.
void force(nursery& n) noexcept;

void force(task& t) noexcept {
  for (nursery* n = t.open_nurseries; n; n = n->outer) force(*n);
  const bool waits_for_children = t.open_nurseries && t.open_nurseries->owner_waits();
  if (t.wait.state != wait_state::parked || waits_for_children) return;
  const bool asked = t.wait.abort_asked;
  t.wait.abort_asked = true;
  // Who was asked before has answered that somebody would come, and that is nobody now. A user's
  // function may have woken the task itself.
  if (!asked && t.wait.abort) t.wait.abort(t.wait.abort_arg);
  if (t.wait.state != wait_state::parked) return;
  // Who would hand something over to it must not find it in the queue any more.
  if (t.wait.in && t.wait.in->linked()) t.wait.in->queue->remove(*t.wait.in);
  t.cancel_in_flight = true;
  wake(t, STRUCTIO_ECANCELLED);
}

void force(nursery& n) noexcept {
  for (task* t = n.children.front(); t; t = n.children.next(*t)) force(*t);
}

}  // namespace

void deadlock_found(runtime& rt) noexcept {
  if (!rt.run_failure) {
    rt.run_failure = report(rt);
    rt_shut_down(rt, "deadlock");
    if (rt.sched.ready() > 0) return;
  }
  rt.forced = true;
  if (rt.main) force(*rt.main);
  force(rt.system);
}

void deadlock_given_up(runtime& rt) noexcept {
  base::log(base::log_level::error,
            "%llu tasks of a run in deadlock go on waiting although each wait is ended: they are "
            "left where they are, with their memory",
            static_cast<unsigned long long>(rt.living()));
  rt.stacks.leave_mapped();
}

}  // namespace structio::rt
