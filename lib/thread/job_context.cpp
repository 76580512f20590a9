// The job's locals lie where a thread's own are, so that all that looks there finds them.
#include "thread/job_context.hpp"

#include <atomic>
#include <utility>

#include "base/host_end.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/failure.hpp"
#include "runtime/local.hpp"

namespace structio::rt::thread {

thread_local constinit job_context* current_job_slot STRUCTIO_TLS_MODEL = nullptr;

namespace {

thread_local constinit cache_worker* delivering STRUCTIO_TLS_MODEL = nullptr;

std::uint64_t next_number() noexcept {
  static std::atomic<std::uint64_t> jobs{0};
  return jobs.fetch_add(1, std::memory_order_relaxed) + 1;
}

// Why a job failed that ended with `code` and had `in_flight` beside it. Consumes that.
failure* why_failed(int code, failure* in_flight) noexcept {
  if (code >= 0 || (in_flight && in_flight->code != code)) failure_drop(in_flight);
  if (code >= 0 || in_flight) return in_flight;
  if (code == STRUCTIO_ECANCELLED || code == STRUCTIO_EINTERRUPTED) return nullptr;
  failure* f = failure_status(code, base::last_code() == code ? base::last_message() : nullptr);
  return f ? f : failure_no_memory();
}

}  // namespace

int job_enter(const job_body& body, run_job* of_run, failure*& why) noexcept {
  job_context context;
  context.of_run = of_run;
  context.number = next_number();
  base::forget_message();  // the last job's words are none of this one's
  thread_locals() = body.locals;
  current_job_slot = &context;
  const int status = base::call_host(body.fn, body.arg);
  why = why_failed(status, std::exchange(context.in_flight, nullptr));
  if (body.drop) base::call_host(body.drop, body.arg);
  drop_thread_locals();
  current_job_slot = nullptr;
  failure_drop(context.in_flight);
  return status;
}

cache_worker*& delivering_worker() noexcept {
  return delivering;
}

void drop_thread_locals() noexcept {
  // A value's drop function may look at, or set, other locals.
  while (local_node* chain = std::exchange(thread_locals(), nullptr)) local_release(chain);
}

}  // namespace structio::rt::thread
