// Threads that work for others, kept for the next job when they have done one: one cache for the
// whole process, without a limit of its own. The thread that became idle last is taken first; one
// that was idle for a while ends. Used by worker (jobs of a run) and by detached (jobs of nobody).
//
// Always true: who is told of a result may hand in the next job and get the same thread, but nobody
// waits for a thread that is in a deliver function of the user's; no thread keeps the process
// alive; after a fork the child begins with none.
#pragma once

#include <cstdint>

#include "thread/os_thread.hpp"

namespace structio::rt::thread {

/// One piece of work; the caller's storage, which must live until `deliver` is called.
struct cache_job {
  void (*work)(cache_job& self) noexcept = nullptr;
  /// Called on the same thread when `work` is over; the last that is done with the job.
  void (*deliver)(cache_job& self) noexcept = nullptr;
  /// `deliver` may block, being the user's: its thread is idle only afterwards. Else it is idle
  /// before, so that who is told elsewhere finds it.
  bool deliver_blocks = false;
  /// Handed in from within such a `deliver`: it need not begin before that has returned, and gets
  /// the same thread if it is the first of them.
  bool may_follow = false;
  char name[name_size] = {0};  ///< of the thread meanwhile, and for a moment afterwards
};

/// Has a thread work. 0, or the system's code when there is no idle thread and no new one can be
/// had (UV_EAGAIN), or STRUCTIO_ENOMEM. Any thread, a worker too.
int cache_submit(cache_job& job) noexcept;

struct cache_counts {
  std::uint64_t threads = 0;  ///< that live
  std::uint64_t idle = 0;
};
cache_counts cache_look() noexcept;

/// For tests: how long an idle thread waits (negative: as usual). Threads that wait already are
/// told.
void cache_set_idle_timeout(std::int64_t duration) noexcept;

/// For tests: the next `count` jobs are refused as if the system had no thread for them.
void cache_refuse(std::uint32_t count) noexcept;

}  // namespace structio::rt::thread
