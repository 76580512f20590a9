// What a run keeps for the threads that work for it: its own limiter, and those who wait until all
// threads have ended. Made when it is first needed, ended with the run.
#pragma once

#include "thread/worker.hpp"

namespace structio::rt::sync {
struct limiter_block;
}

namespace structio::rt::thread {

/// The run's own limiter; null when memory is out.
sync::limiter_block* default_limiter(runtime& rt) noexcept;

/// Its tokens. 0 or STRUCTIO_ENOMEM.
int default_tokens(runtime& rt, token_source& out) noexcept;

/// Waits until no thread works for the run. Checkpoint.
int wait_all_threads_completed(runtime& rt) noexcept;

/// The last thread that worked for the run has come back.
void all_jobs_done(runtime& rt) noexcept;

}  // namespace structio::rt::thread
