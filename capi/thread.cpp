// Worker threads, and calls from threads into a run.
#include <structio/structio_testing.h>
#include <structio/structio_thread.h>

#include <utility>

#include "check.hpp"
#include "runtime/dropping.hpp"
#include "runtime/failure.hpp"
#include "thread/callback.hpp"
#include "thread/detached.hpp"
#include "thread/run_threads.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

namespace threads = rt::thread;

// Which tokens the options mean, none for the run's own; false with a message.
bool tokens_in(const structio_thread_options& options, threads::token_source& out,
               const char* call) noexcept {
  if (options.limiter) {
    out = {[](void* limiter, const void* borrower) {
             return structio_limiter_acquire_on_behalf(static_cast<structio_limiter*>(limiter),
                                                       borrower);
           },
           [](void* limiter, const void* borrower) {
             return structio_limiter_release_on_behalf(static_cast<structio_limiter*>(limiter),
                                                       borrower);
           },
           options.limiter, false};
  }
  if (!options.tokens) return true;
  if (options.limiter) {
    fail(STRUCTIO_EINVALID, "%s: give a limiter or tokens, not both", call);
    return false;
  }
  if (!options_fit(options.tokens, call)) return false;
  const structio_thread_tokens tokens = whole(options.tokens);
  out = {tokens.acquire_on_behalf, tokens.release_on_behalf, tokens.limiter, false};
  if (out.acquire && out.release) return true;
  null_argument(call, "a function of the tokens");
  return false;
}

// The job of the calling thread, if it is a run's; null with a message.
threads::run_job* run_job_here(const char* call) noexcept {
  threads::job_context* context = threads::current_job();
  if (context && context->of_run && !rt::current_runtime()) return context->of_run;
  fail(STRUCTIO_EMISUSE,
       rt::current_runtime()
           ? "%s: from inside a run it would wait for itself: call the function directly"
           : "%s: this thread was not started by structio_run_in_thread: use a portal",
       call);
  return nullptr;
}

structio_failure* out_of(rt::failure* f) noexcept {
  return f ? static_cast<structio_failure*>(f->handle) : nullptr;
}

}  // namespace

int structio_run_in_thread(structio_task_fn fn, void* arg, const structio_thread_options* given) {
  constexpr const char* call = "structio_run_in_thread";
  if (!options_fit(given, call)) return refused();
  const structio_thread_options options = whole(given);
  threads::job_request request{fn, arg,          options.drop,
                               {}, options.name, options.abandon_on_cancel != 0};
  rt::runtime* r = fn && tokens_in(options, request.tokens, call) ? in_task(call) : nullptr;
  if (r) return threads::run_in_thread(*r, request);
  const int code = fn ? refused() : null_argument(call, "fn");
  if (options.drop) rt::call_drop(options.drop, arg);
  return code;
}

structio_limiter* structio_default_thread_limiter(void) {
  rt::runtime* r = in_run("structio_default_thread_limiter");
  return r ? reinterpret_cast<structio_limiter*>(threads::default_limiter(*r)) : nullptr;
}

int structio_in_thread_job(void) {
  return threads::current_job() && !rt::current_runtime();
}

int structio_thread_call(structio_task_fn fn, void* arg) {
  constexpr const char* call = "structio_thread_call";
  if (!fn) return null_argument(call, "fn");
  threads::run_job* job = run_job_here(call);
  if (!job) return refused();
  rt::failure* why = nullptr;
  const int status = threads::call_into(*job->core, job, fn, arg, why);
  threads::job_context& context = *threads::current_job();
  if (why) rt::failure_release(std::exchange(context.in_flight, why));
  return status;
}

int structio_thread_check_cancelled(void) {
  threads::run_job* job = run_job_here("structio_thread_check_cancelled");
  return job ? threads::job_check_cancelled(*job) : refused();
}

int structio_start_thread_soon(structio_task_fn fn, void* arg, structio_deliver_fn deliver,
                               const char* name) {
  constexpr const char* call = "structio_start_thread_soon";
  if (!fn) return null_argument(call, "fn");
  return threads::start_detached({fn, arg, nullptr, nullptr}, deliver, name);
}

int structio_portal_call(structio_portal* portal, structio_task_fn fn, void* arg,
                         structio_failure** failure) {
  constexpr const char* call = "structio_portal_call";
  if (failure) *failure = nullptr;
  if (!fn) return null_argument(call, "fn");
  auto* p = handle<rt::portal>(base::handle_kind::portal, portal, call);
  if (!p) return refused();
  if (rt::current_runtime()) {
    return fail(STRUCTIO_EMISUSE,
                "%s: it blocks the thread, and this one is inside a run: in the portal's own run "
                "call the function directly, in another one make the call by "
                "structio_run_in_thread",
                call);
  }
  rt::failure* why = nullptr;
  int status = threads::call_into(*p->core, nullptr, fn, arg, why);
  // A job would pass it on to its task, which the other run's end does not cancel.
  const threads::job_context* job = threads::current_job();
  if (why && why->kind == rt::failure_kind::cancelled && job && job->of_run) {
    status = threads::cancelled_elsewhere(
        "the call was cancelled in the run that the portal leads to", why);
  }
  if (failure) {
    *failure = out_of(why);
  } else {
    rt::failure_release(why);
  }
  return status;
}

int64_t structio_threads_active(void) {
  const rt::runtime* r = in_run("structio_threads_active");
  return r ? r->jobs : refused();
}

int structio_wait_all_threads_completed(void) {
  rt::runtime* r = in_task("structio_wait_all_threads_completed");
  return r ? threads::wait_all_threads_completed(*r) : refused();
}

int structio_thread_cache_counts(uint64_t* alive, uint64_t* idle) {
  constexpr const char* call = "structio_thread_cache_counts";
  if (!alive) return null_argument(call, "alive");
  if (!idle) return null_argument(call, "idle");
  const threads::cache_counts counts = threads::cache_look();
  *alive = counts.threads;
  *idle = counts.idle;
  return 0;
}

int structio_thread_cache_set_idle_timeout(int64_t duration) {
  threads::cache_set_idle_timeout(duration);
  return 0;
}

int structio_inject_thread_refusals(uint32_t count) {
  threads::cache_refuse(count);
  return 0;
}
