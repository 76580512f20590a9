// One lock for the whole cache: it is held for a few instructions, beside a switch of threads.
#include "thread/thread_cache.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "base/clock.hpp"
#include "base/fork_hook.hpp"
#include "base/list.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "thread/job_context.hpp"

namespace structio::rt::thread {
struct idle_tag;

struct cache_worker : base::list_node<idle_tag> {
  cache_job* assigned = nullptr;
  cache_worker* next_spare = nullptr;
  std::uint32_t forks = 0;  ///< of the process that its thread belongs to
  os_semaphore wake;        ///< posted for a job while it is idle, and now and then for nothing
};

namespace {

constexpr std::int64_t usual_idle_timeout = 10'000'000'000;
constexpr const char* idle_name = "structio-worker";
// A name is a system call, so a thread that is given one job after another gets it only then.
constexpr std::int64_t rename_after = 10'000'000;

// Never destroyed: there may be threads when the process ends.
struct cache {
  os_lock lock;
  base::list<cache_worker, idle_tag> idle;  ///< the last one first
  std::uint64_t idle_count = 0;
  std::uint64_t threads = 0;
  /// Of threads that have ended, for the next ones. Never freed, since a thread that hands in a job
  /// signals after it has let go of the lock.
  cache_worker* spare = nullptr;
  std::uint32_t refusals = 0;
  std::int64_t idle_timeout = usual_idle_timeout;
};

cache& the_cache() noexcept {
  alignas(cache) static unsigned char storage[sizeof(cache)];
  static cache* const made = new (storage) cache;
  return *made;
}

// The threads are the parent's. The memory of their workers stays: it is in use, as far as the
// system can tell.
void forget_threads() noexcept {
  cache& c = the_cache();
  while (c.idle.pop_front()) {
  }
  c.idle_count = 0;
  c.threads = 0;
  c.spare = nullptr;  // one may be in the midst of being woken up
  c.lock.unlock();
}

base::fork_hook cache_at_fork(
    base::fork_rank::threads, [] { the_cache().lock.lock(); }, [] { the_cache().lock.unlock(); },
    forget_threads);

void list_as_idle(cache& c, cache_worker& w) noexcept {
  c.idle.push_front(w);
  ++c.idle_count;
}

void take_from_idle(cache& c, cache_worker& w) noexcept {
  w.unlink();
  --c.idle_count;
}

void give_back(cache& c, cache_worker& w) noexcept {
  w.next_spare = c.spare;
  c.spare = &w;
  --c.threads;
}

// True: the worker has a job, or none yet; `limit` is how long it may be idle. False: deliver has
// forked, and in the child nobody knows of it.
bool begin_idle(cache& c, cache_worker& w, bool is_listed, cache_job*& job,
                std::int64_t& limit) noexcept {
  const os_guard held(c.lock);
  if (w.forks != base::fork_count()) return false;
  job = std::exchange(w.assigned, nullptr);
  if (!job && !is_listed) list_as_idle(c, w);
  limit = c.idle_timeout;
  return true;
}

// False: nothing came in time, and the worker is given back.
bool look_again(cache& c, cache_worker& w, std::int64_t idle_for, cache_job*& job,
                std::int64_t& limit) noexcept {
  const os_guard held(c.lock);
  job = std::exchange(w.assigned, nullptr);
  limit = c.idle_timeout;
  if (job || idle_for < limit) return true;  // a job that comes with the end of the wait is done
  take_from_idle(c, w);
  give_back(c, w);
  return false;
}

// The next job of a worker, or null when it was idle for long enough.
cache_job* await_job(cache& c, cache_worker& w, bool is_listed) noexcept {
  w.wake.drain();  // of jobs that were found before they were waited for
  cache_job* job = nullptr;
  std::int64_t limit = 0;
  if (!begin_idle(c, w, is_listed, job, limit)) return nullptr;
  const std::int64_t begin = job ? 0 : base::monotonic_now();
  std::int64_t keep_name = rename_after;
  while (!job) {
    const bool woken = w.wake.wait_until(base::saturating_add(begin, std::min(limit, keep_name)));
    const std::int64_t idle_for = woken ? 0 : base::monotonic_now() - begin;
    if (!look_again(c, w, idle_for, job, limit)) return nullptr;
    if (job || idle_for < keep_name) continue;
    os_thread_set_name(idle_name);
    keep_name = INT64_MAX;
  }
  return job;
}

// False in a child that the job has forked: who was waiting for it waits in the parent.
bool may_deliver(cache& c, cache_worker& w, bool blocks) noexcept {
  const os_guard held(c.lock);
  if (w.forks != base::fork_count()) return false;
  if (!blocks) list_as_idle(c, w);
  return true;
}

void* body(void* arg) noexcept {
  auto& w = *static_cast<cache_worker*>(arg);
  cache& c = the_cache();
  c.lock.lock();
  cache_job* job = std::exchange(w.assigned, nullptr);
  c.lock.unlock();
  while (job) {
    os_thread_set_name(job->name);
    errno = 0;  // as on a new thread, whatever waiting for the job has left there
    job->work(*job);
    const bool blocks = job->deliver_blocks;
    if (!may_deliver(c, w, blocks)) return nullptr;
    delivering_worker() = blocks ? &w : nullptr;
    job->deliver(*job);
    delivering_worker() = nullptr;
    job = await_job(c, w, !blocks);
  }
  return nullptr;
}

// A worker for a new thread, or null. With the lock held.
cache_worker* take_spare(cache& c) noexcept {
  cache_worker* w = c.spare;
  if (w) {
    c.spare = w->next_spare;
  } else {
    w = base::make<cache_worker>();
  }
  if (w) {
    ++c.threads;
    w->forks = base::fork_count();
  }
  return w;
}

int submit_to_new(cache& c, cache_job& job) noexcept {
  cache_worker* w = nullptr;
  {
    const os_guard held(c.lock);
    w = take_spare(c);
    if (w) w->assigned = &job;
  }
  if (!w) return base::fail(STRUCTIO_ENOMEM, "no memory for a worker thread");
  const int code = os_thread_start(body, w);
  if (code == 0) return 0;
  const os_guard held(c.lock);
  w->assigned = nullptr;
  give_back(c, *w);
  return base::fail(code,
                    "the system has no more threads: use a limiter with fewer tokens, or "
                    "raise its limits (ulimit -u, -v)");
}

// Has the worker whose deliver function is calling go on with the job. With the lock held.
bool follows(cache_job& job) noexcept {
  cache_worker* w = delivering_worker();
  if (!job.may_follow || !w || w->assigned || w->forks != base::fork_count()) return false;
  w->assigned = &job;
  return true;
}

}  // namespace

int cache_submit(cache_job& job) noexcept {
  cache& c = the_cache();
  c.lock.lock();
  if (c.refusals > 0) {
    --c.refusals;
    c.lock.unlock();
    return base::fail(-EAGAIN, "no thread, as the test wants it");
  }
  if (follows(job)) {
    c.lock.unlock();
    return 0;
  }
  cache_worker* w = c.idle.front();
  if (!w) {
    c.lock.unlock();
    return submit_to_new(c, job);
  }
  take_from_idle(c, *w);
  w->assigned = &job;
  c.lock.unlock();
  w->wake.post();
  return 0;
}

cache_counts cache_look() noexcept {
  cache& c = the_cache();
  const os_guard held(c.lock);
  return {c.threads, c.idle_count};
}

void cache_set_idle_timeout(std::int64_t duration) noexcept {
  cache& c = the_cache();
  const os_guard held(c.lock);
  c.idle_timeout = duration < 0 ? usual_idle_timeout : duration;
  for (cache_worker* w = c.idle.front(); w; w = c.idle.next(*w)) w->wake.post();
}

void cache_refuse(std::uint32_t count) noexcept {
  cache& c = the_cache();
  const os_guard held(c.lock);
  c.refusals = count;
}

}  // namespace structio::rt::thread
