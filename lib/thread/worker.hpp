// Jobs of a run: a task has a thread work for it and waits; or is cancelled, and leaves the thread
// alone with the job where the caller allowed that.
//
// Always true: a job that may not be abandoned lies in the frame of the task that waits for it, and
// nothing of the caller's is touched once that has returned. An abandoned job lies on the heap and
// keeps its token until its thread has really ended. Every job that was started comes back to its
// run through the portal once, unless the run has ended before.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/portal.hpp"
#include "runtime/task.hpp"
#include "thread/job_context.hpp"
#include "thread/thread_cache.hpp"

namespace structio::rt {
struct reason;
}

namespace structio::rt::thread {

struct call;

/// Where a job's token comes from; `borrower` is the same in both, and no other job's meanwhile.
struct token_source {
  int (*acquire)(void* self, const void* borrower) = nullptr;  ///< may wait; a checkpoint
  int (*release)(void* self, const void* borrower) = nullptr;  ///< task or hook
  void* self = nullptr;
  bool is_run_owned = false;  ///< else it may end when the main task has
};

struct job_request {
  int (*fn)(void*) = nullptr;
  void* arg = nullptr;
  void (*drop)(void*) = nullptr;
  token_source tokens;         ///< empty: the run's own
  const char* name = nullptr;  ///< of the thread; null: the calling task's
  bool may_abandon = false;
};

enum class job_state : std::uint8_t { running, finished, abandoned };

struct run_job : post_node, cache_job {
  // The run's thread only.
  task* host = nullptr;   ///< null once it was abandoned
  call* asked = nullptr;  ///< what its thread wants the host to do
  token_source tokens;
  bool may_abandon = false;

  portal_core* core = nullptr;
  job_body body;
  int status = 0;  ///< and why it failed: once it has come back
  failure* why = nullptr;
  std::atomic<job_state> state{job_state::running};
  std::atomic<int> told{0};                ///< what the host has to attend to, as a code
  std::atomic<reason*> told_why{nullptr};  ///< owned; set before `told`
  std::uint8_t ever_told = 0;              ///< bits of task::attention; the run's thread only
};

/// See structio_run_in_thread. Drops request.arg in any case. Current task only.
int run_in_thread(runtime& rt, const job_request& request) noexcept;

/// Has the thread see what its host has to attend to now. The run's thread only; not once the host
/// has abandoned the job.
void job_look(run_job& job) noexcept;

/// 0, or what the task that waits for the calling thread's job was told: STRUCTIO_ECANCELLED,
/// STRUCTIO_EINTERRUPTED. The job's thread only.
int job_check_cancelled(const run_job& job) noexcept;

/// Why the host is, or was, cancelled; or null. The job's thread only.
reason* job_cancel_reason(const run_job& job) noexcept;

}  // namespace structio::rt::thread
