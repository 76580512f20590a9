// Calls from threads into a run: the thread is blocked until the function has returned. The thread
// of a job has it done by the very task that waits for the job, in that one's scopes; all others by
// a system task of its own.
//
// Always true: a call lies in the frame of the thread that makes it, and is answered exactly once,
// even when the run is ending.
#pragma once

#include "runtime/portal.hpp"
#include "thread/os_thread.hpp"

namespace structio::rt {
struct failure;
}

namespace structio::rt::thread {

struct run_job;

struct call : post_node {
  int (*fn)(void*) = nullptr;
  void* arg = nullptr;
  run_job* job = nullptr;  ///< null: a thread that works for nobody
  int status = 0;
  failure* why = nullptr;  ///< with a status below 0; a reference

  os_lock lock;
  os_condition answered;
  bool is_answered = false;
};

/// Runs fn(arg) inside the run behind `core` and returns its status; why it failed is in `why`. The
/// calling thread must not be inside a run. STRUCTIO_ERUNFINISHED.
int call_into(portal_core& core, run_job* job, int (*fn)(void*), void* arg, failure*& why) noexcept;

/// Makes of a failure of kind cancelled one that does not mislead a task which nobody has
/// cancelled: STRUCTIO_ERUNFINISHED with `text`, and the other beneath it. Returns its code.
int cancelled_elsewhere(const char* text, failure*& why) noexcept;

/// The half of the task that waits for the job: runs what its thread asks for.
void call_in_host(runtime& rt, call& c) noexcept;

}  // namespace structio::rt::thread
