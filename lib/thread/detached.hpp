// Jobs of no run: a function on a worker thread, and another that is told on the same thread what
// came of it. Used by those who bridge to other loops and libraries.
#pragma once

#include "thread/job_context.hpp"

struct structio_failure;

namespace structio::rt::thread {

/// What is told; `why` (a reference under the name that the C ABI has for it, may be null) is the
/// callee's. Negative: it failed itself.
using deliver_fn = int (*)(void* arg, int status, structio_failure* why);

/// See structio_start_thread_soon. 0, or a code; then `body` is still the caller's. Any thread.
int start_detached(const job_body& body, deliver_fn deliver, const char* name) noexcept;

}  // namespace structio::rt::thread
