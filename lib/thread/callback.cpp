// The way in through the portal, the function's run, and the way back.
#include "thread/callback.hpp"

#include <utility>

#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/failure.hpp"
#include "runtime/runtime.hpp"
#include "runtime/user_call.hpp"
#include "runtime/wait.hpp"
#include "thread/worker.hpp"

namespace structio::rt::thread {
namespace {

// The last that is done with the call: its thread goes on, and its frame is gone.
void answer(runtime& rt, call& c, int status, failure* why) noexcept {
  if (c.job) --rt.jobs_blocked;
  const os_guard held(c.lock);
  c.status = status;
  c.why = why;
  c.is_answered = true;
  c.answered.signal();
}

// Runs the function in the current task, whose own failure in flight is not concerned.
void call_in_task(runtime& rt, call& c) noexcept {
  task& t = *rt.current;
  failure* before = std::exchange(t.in_flight, nullptr);
  const int status = call_user(rt, [&] { return c.fn(c.arg); });
  failure* why = std::exchange(t.in_flight, before);
  if (status < 0) {
    why = failure_of(rt, t, status, why);
  } else {
    failure_drop(why);
  }
  // Before the thread goes on: the function may have dealt with what that was told.
  if (c.job && c.job->host == &t) job_look(*c.job);
  answer(rt, c, status, why);
}

int system_body(void* arg) noexcept {
  call_in_task(*current_runtime(), *static_cast<call*>(arg));
  return 0;
}

void arrived(runtime& rt, post_node& node) noexcept {
  auto& c = static_cast<call&>(node);
  if (c.job) ++rt.jobs_blocked;
  if (c.job && c.job->host) {
    c.job->asked = &c;
    wake(*c.job->host, 1);
    return;
  }
  spawn_request request;
  request.fn = system_body;
  request.arg = &c;
  request.name = "call from a thread";
  task* made = nullptr;
  int code = system_spawn(rt, request, made);
  if (code == 0) return;
  if (code == STRUCTIO_ECLOSED) code = STRUCTIO_ERUNFINISHED;
  answer(rt, c, code, nullptr);
}

}  // namespace

int call_into(portal_core& core, run_job* job, int (*fn)(void*), void* arg,
              failure*& why) noexcept {
  call c;
  c.run = arrived;
  c.fn = fn;
  c.arg = arg;
  c.job = job;
  if (core.post(c)) {
    const os_guard held(c.lock);
    while (!c.is_answered) c.answered.wait(c.lock);
  } else {
    c.status = STRUCTIO_ERUNFINISHED;
  }
  why = c.why;
  if (c.status == STRUCTIO_ERUNFINISHED && !why) {
    return base::fail(
        c.status,
        "the run that the thread calls into is ending or has ended (or is the parent process's)");
  }
  if (why && why->message) base::fail(c.status, "%s", why->message);
  return c.status;
}

int cancelled_elsewhere(const char* text, failure*& why) noexcept {
  failure* f = failure_status(STRUCTIO_ERUNFINISHED, text);
  if (!f || !failure_set_cause(*f, why)) {
    failure_release(why);
    if (!f) f = failure_no_memory();
  }
  why = f;
  return base::fail(f->code, "%s", text);
}

void call_in_host(runtime& rt, call& c) noexcept {
  call_in_task(rt, c);
}

}  // namespace structio::rt::thread
