// Beginning a job, waiting for it, taking it back. What its thread asks for meanwhile is in
// callback.cpp.
#include "thread/worker.hpp"

#include <utility>

#include "base/log.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/dropping.hpp"
#include "runtime/failure.hpp"
#include "runtime/local.hpp"
#include "runtime/reason.hpp"
#include "runtime/runtime.hpp"
#include "runtime/user_call.hpp"
#include "runtime/wait.hpp"
#include "thread/callback.hpp"
#include "thread/run_threads.hpp"

namespace structio::rt::thread {
namespace {

void work(cache_job& self) noexcept {
  auto& j = static_cast<run_job&>(self);
  j.status = job_enter(j.body, &j, j.why);
}

void let_go(run_job& j) noexcept {
  failure_release(j.why);
  reason_release(j.told_why.load(std::memory_order_relaxed));
}

void destroy(run_job& j) noexcept {
  let_go(j);
  j.core->release();
  base::destroy(&j);
}

void deliver(cache_job& self) noexcept {
  auto& j = static_cast<run_job&>(self);
  auto running = job_state::running;
  j.state.compare_exchange_strong(running, job_state::finished, std::memory_order_acq_rel);
  // A run ends before a job only if that was abandoned.
  if (!j.core->post(j)) destroy(j);
}

// On the hub, and perhaps long after the task that began it. When the main task has ended, so has
// what it had in its frame: a limiter of the user's is touched no more.
void end_abandoned(runtime& rt, run_job& j) noexcept {
  rt.in_hook = true;
  const bool may_touch = rt.main || j.tokens.is_run_owned;
  const int code = may_touch ? j.tokens.release(j.tokens.self, &j) : 0;
  rt.in_hook = false;
  failure_drop(rt.hook_failure);
  // The user may have done away with his limiter meanwhile.
  if (code < 0 && code != STRUCTIO_EINVALID) {
    base::log(base::log_level::error,
              "the token of an abandoned thread could not be given back: code %d", code);
  }
  destroy(j);
}

void arrived(runtime& rt, post_node& node) noexcept {
  auto& j = static_cast<run_job&>(node);
  if (--rt.jobs == 0) all_jobs_done(rt);
  if (j.host) {
    wake(*j.host, 0);
  } else {
    end_abandoned(rt, j);
  }
}

// The abort function of the task that waits. Its thread is told whatever becomes of the wait.
int host_is_told(void* arg) noexcept {
  auto& j = *static_cast<run_job*>(arg);
  job_look(j);
  if (!j.may_abandon || j.host->attention == 0) return abort_again;
  auto running = job_state::running;
  if (!j.state.compare_exchange_strong(running, job_state::abandoned, std::memory_order_acq_rel)) {
    return abort_later;  // it is on its way back: completion has won
  }
  j.host = nullptr;
  return abort_done;
}

// Has a token, and a thread. On failure it has neither.
int begin(runtime& rt, run_job& j, const job_request& request) noexcept {
  task& t = *rt.current;
  j.run = arrived;
  j.work = work;
  j.deliver = deliver;
  j.core = rt.door;
  j.tokens = request.tokens;
  if (!j.tokens.acquire) {
    if (const int code = default_tokens(rt, j.tokens)) return code;
  }
  j.may_abandon = request.may_abandon;
  j.body = {request.fn, request.arg, request.drop, nullptr};
  os_thread_name(j.name, request.name ? request.name : t.name);
  int acquired = 0;
  int code = call_user(rt, [&] { return acquired = j.tokens.acquire(j.tokens.self, &j); });
  if (code < 0) {
    if (acquired >= 0) j.tokens.release(j.tokens.self, &j);
    return code;
  }
  j.host = &t;
  code = local_copy(t.locals, j.body.locals);
  if (code == 0) code = cache_submit(j);
  if (code == 0) {
    ++rt.jobs;
    return 0;
  }
  local_release(j.body.locals);
  const int released = call_user(rt, [&] { return j.tokens.release(j.tokens.self, &j); });
  return released < 0 ? released : code;
}

// True: the job has come back. False: it was abandoned, and `code` is what the task was told; the
// job may be gone.
bool await(runtime& rt, run_job& j, int& code) noexcept {
  for (;;) {
    const std::int64_t result = park(rt, "a thread's job", host_is_told, &j);
    if (result == 0) return true;
    if (result < 0) {
      code = static_cast<int>(result);
      return false;
    }
    call_in_host(rt, *std::exchange(j.asked, nullptr));
  }
}

// A token could not be given back: that is the failure now, and beneath it what the job failed of.
failure* release_failed(task& t, int code, failure* cause) noexcept {
  failure* f = std::exchange(t.in_flight, nullptr);
  if (!f || f->code != code) {
    failure_release(f);
    f = failure_status(code, base::last_code() == code ? base::last_message() : nullptr);
    if (!f) f = failure_no_memory();
  }
  const bool has_room = cause && !f->immortal && f->kind != failure_kind::group && f->count == 0;
  if (!has_room || !failure_set_cause(*f, cause)) failure_release(cause);
  return f;
}

void put_in_flight(task& t, int status, failure* why) noexcept {
  if (why && why->message) base::fail(status, "%s", why->message);
  if (!why) return;
  failure_release(t.in_flight);
  t.in_flight = why;
}

// The thread has passed on what the task was told, perhaps before a shield was raised.
void told_came_back(task& t, int status, failure*& why) noexcept {
  if (status == STRUCTIO_ECANCELLED) {
    t.cancel_in_flight = true;
    if (why && why->kind == failure_kind::cancelled)
      failure_drop(why);  // its reason is the scope's
  } else {
    t.attention = static_cast<std::uint8_t>(t.attention & ~attention_interrupt);
  }
}

// What the job came to, in the task that waited for it.
int take_back(runtime& rt, run_job& j) noexcept {
  task& t = *rt.current;
  int status = j.status;
  failure* why = std::exchange(j.why, nullptr);
  const int bit = status == STRUCTIO_ECANCELLED     ? attention_cancel
                  : status == STRUCTIO_EINTERRUPTED ? attention_interrupt
                                                    : 0;
  if (j.ever_told & bit) told_came_back(t, status, why);
  failure* before = std::exchange(t.in_flight, nullptr);
  const int released = call_user(rt, [&] { return j.tokens.release(j.tokens.self, &j); });
  if (released < 0) {
    why = release_failed(t, released, why);
    status = released;
  }
  failure_release(t.in_flight);
  t.in_flight = before;
  if (status < 0) put_in_flight(t, status, why);
  return status;
}

int not_begun(const job_request& request, int code) noexcept {
  if (request.drop) call_drop(request.drop, request.arg);
  return code;
}

}  // namespace

int run_in_thread(runtime& rt, const job_request& request) noexcept {
  if (const int code = cancel_check(rt)) return not_begun(request, code);
  if (!request.may_abandon) {
    run_job j;
    int code = begin(rt, j, request);
    if (code != 0) return not_begun(request, code);
    [[maybe_unused]] const bool back = await(rt, j, code);
    STRUCTIO_ASSERT(back);
    code = take_back(rt, j);
    let_go(j);
    return code;
  }
  auto* j = base::make<run_job>();
  if (!j) return not_begun(request, base::fail(STRUCTIO_ENOMEM, "no memory for a job"));
  int code = begin(rt, *j, request);
  if (code != 0) {
    base::destroy(j);
    return not_begun(request, code);
  }
  j->core->retain();
  if (!await(rt, *j, code)) return code;
  code = take_back(rt, *j);
  destroy(*j);
  return code;
}

void job_look(run_job& j) noexcept {
  const task& t = *j.host;
  const bool cancelled = (t.attention & attention_cancel) != 0;
  if (cancelled && !j.told_why.load(std::memory_order_relaxed)) {
    j.told_why.store(reason_retain(t.innermost->why), std::memory_order_release);
  }
  j.ever_told = static_cast<std::uint8_t>(j.ever_told | t.attention);
  const int code = cancelled ? STRUCTIO_ECANCELLED : t.attention != 0 ? STRUCTIO_EINTERRUPTED : 0;
  j.told.store(code, std::memory_order_release);
}

int job_check_cancelled(const run_job& job) noexcept {
  return job.told.load(std::memory_order_acquire);
}

reason* job_cancel_reason(const run_job& job) noexcept {
  return job.told_why.load(std::memory_order_acquire);
}

}  // namespace structio::rt::thread
