// One allocation, freed before the result is told, so that nothing of the job is left then.
#include "thread/detached.hpp"

#include "base/log.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/failure.hpp"
#include "runtime/runtime.hpp"
#include "thread/thread_cache.hpp"

namespace structio::rt::thread {
namespace {

struct detached_job : cache_job {
  job_body body;
  deliver_fn tell = nullptr;
  int status = 0;
  failure* why = nullptr;
};

void work(cache_job& self) noexcept {
  auto& j = static_cast<detached_job&>(self);
  j.status = job_enter(j.body, nullptr, j.why);
}

void deliver(cache_job& self) noexcept {
  auto& j = static_cast<detached_job&>(self);
  const deliver_fn tell = j.tell;
  void* arg = j.body.arg;
  const int status = j.status;
  failure* why = j.why;
  base::destroy(&j);
  if (!tell) {
    failure_release(why);
    return;
  }
  const int code = tell(arg, status, why ? static_cast<structio_failure*>(why->handle) : nullptr);
  drop_thread_locals();
  if (code < 0) {
    base::log(base::log_level::error,
              "a thread's job was done, but its deliver function failed with code %d: the result "
              "is lost",
              code);
  }
}

}  // namespace

int start_detached(const job_body& body, deliver_fn tell, const char* name) noexcept {
  auto* j = base::make<detached_job>();
  if (!j) return base::fail(STRUCTIO_ENOMEM, "no memory for a thread's job");
  j->work = work;
  j->deliver = deliver;
  j->deliver_blocks = true;
  j->may_follow = !current_runtime();  // a run that waits for it would keep its thread from it
  j->body = body;
  j->tell = tell;
  os_thread_name(j->name, name ? name : "job");
  const int code = cache_submit(*j);
  if (code != 0) base::destroy(j);
  return code;
}

}  // namespace structio::rt::thread
