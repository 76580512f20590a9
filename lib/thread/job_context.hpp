// What the function of a job finds on its thread: the failure it puts in flight, its own copy of
// the task-locals, the run it came from. Entered by worker and detached; asked by the C ABI.
#pragma once

#include <cstdint>

#include "base/config.hpp"

namespace structio::rt {
struct failure;
struct local_node;
}  // namespace structio::rt

namespace structio::rt::thread {

struct run_job;
struct cache_worker;

struct job_context {
  failure* in_flight = nullptr;
  run_job* of_run = nullptr;  ///< null: nobody's
  std::uint64_t number = 0;   ///< tells the jobs of the process apart; never 0
};

extern thread_local constinit job_context* current_job_slot STRUCTIO_TLS_MODEL;

/// The job that the calling thread works on, or null. A run that the job has begun is inside it.
inline job_context* current_job() noexcept {
  return current_job_slot;
}

/// The calling thread's worker while it is in a deliver function that may block, else null. The
/// thread cache sets it; it stands here with what else a thread has of its own.
cache_worker*& delivering_worker() noexcept;

struct job_body {
  int (*fn)(void*) = nullptr;
  void* arg = nullptr;
  void (*drop)(void*) = nullptr;  ///< null: nothing is to be done
  local_node* locals = nullptr;   ///< owned
};

/// Runs fn(arg) in a context of its own, then drops `arg` and what it had of locals. Returns its
/// status; why it failed (a reference, never null then, but for a cancellation) is in `why`.
int job_enter(const job_body& body, run_job* of_run, failure*& why) noexcept;

/// Drops what was set of locals on the calling thread outside of any run.
void drop_thread_locals() noexcept;

}  // namespace structio::rt::thread
