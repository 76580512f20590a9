// One thread of the cache for each, blocked until the child is gone.
#include "process/reaper.hpp"

#include "base/memory.hpp"
#include "process/posix_child.hpp"
#include "thread/thread_cache.hpp"

namespace structio::rt::process {
namespace {

struct reap_job : thread::cache_job {
  std::int64_t pid = 0;
};

}  // namespace

void reap_later(std::int64_t pid) noexcept {
  child_ending unused;
  if (reap(pid, unused)) return;
  auto* job = base::make<reap_job>();
  if (job) {
    job->pid = pid;
    job->work = [](thread::cache_job& self) noexcept {
      block_until_reaped(static_cast<reap_job&>(self).pid);
    };
    job->deliver = [](thread::cache_job& self) noexcept {
      base::destroy(static_cast<reap_job*>(&self));
    };
    thread::os_thread_name(job->name, "reaper");
    if (thread::cache_submit(*job) == 0) return;
    base::destroy(job);
  }
  block_until_reaped(pid);
}

}  // namespace structio::rt::process
