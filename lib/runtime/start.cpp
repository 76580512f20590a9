// start and started: a child that first runs in a hidden nursery on its starter's own stack, and
// moves to its real home when it says that it is ready. Nobody else can reach the hidden nursery,
// so it holds one child at most.
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/failure.hpp"
#include "runtime/nursery.hpp"
#include "runtime/wait.hpp"

namespace structio::rt {

struct start_wait {
  nursery* target;
  void* value = nullptr;
  bool called = false;
};

namespace {

// From the hidden nursery to its target, with everything that lives beneath the task.
void move_home(task& t, nursery& from, nursery& to) noexcept {
  t.unlink();
  --from.count;
  t.home = &to;
  to.children.push_back(t);
  ++to.count;
  t.base = &to.around;
  if (t.outermost) {
    t.outermost->outer = &to.around;
  } else {
    t.innermost = &to.around;
  }
  task_refresh(t);
}

}  // namespace

nursery* start_target(const task& t) noexcept {
  return t.starting && !t.starting->called ? t.starting->target : nullptr;
}

int nursery_start(runtime& rt, nursery& target, const spawn_request& request,
                  void** value) noexcept {
  if (target.state == nursery_state::closed) {
    return base::fail(STRUCTIO_ECLOSED,
                      "the nursery has ended: start tasks before its block is over");
  }
  task& self = *rt.current;
  start_wait wait{&target};
  nursery hidden;
  if (const int code = nursery_open(rt, hidden, nursery_kind::hidden)) return code;
  ++target.pending_starts;
  task* child = nullptr;
  failure* f = nullptr;
  int status = nursery_spawn(hidden, request, child);
  if (status == 0) child->starting = &wait;
  const bool spawned = status == 0;
  if (spawned) {
    status = unwrap_only(nursery_close(hidden, 0, f), f);
  } else {
    const int unmade = status;
    nursery_close(hidden, 0, f);
    status = unmade;
  }
  --target.pending_starts;
  nursery_check_end(target);
  if (status >= 0 && !wait.called) {
    status = base::fail(STRUCTIO_EMISUSE,
                        "the task that was started exited without calling structio_started");
  }
  if (status >= 0) {
    if (value) *value = wait.value;
    return 0;
  }
  failure_release(self.in_flight);
  self.in_flight = f;
  return status;
}

int task_started(runtime& rt, void* value) noexcept {
  task& self = *rt.current;
  if (self.has_started) {
    return base::fail(STRUCTIO_EMISUSE, "structio_started was called twice by the same task");
  }
  start_wait* wait = self.starting;
  if (!wait) return 0;
  self.has_started = true;
  wait->called = true;
  wait->value = value;
  // In a cancelled starter the child ends by itself; moving it would save it from that.
  if (self.home->around.cancelled) return 0;
  nursery& hidden = *self.home;
  move_home(self, hidden, *wait->target);
  self.starting = nullptr;
  nursery_check_end(hidden);
  return 0;
}

}  // namespace structio::rt
