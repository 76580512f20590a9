// Having a thread do what may block, with a token of the run's limiter for files. What has begun is
// waited for, so a job may use whatever the task that waits has.
#pragma once

#include <cstdint>

#include "base/status.hpp"
#include "thread/worker.hpp"

namespace structio::rt::sync {
struct limiter_block;
}

namespace structio::rt::fs {

/// The run's limiter for files; null, with a message, when memory is out.
sync::limiter_block* default_limiter(runtime& rt) noexcept;
/// Its tokens. 0 or STRUCTIO_ENOMEM.
int default_tokens(runtime& rt, thread::token_source& out) noexcept;

/// On a worker thread: 0, or the code of what the task that waits has to attend to.
int told() noexcept;

/// Writes "CALL: PATH: what the system says" and returns the code.
int failed(const char* call, const char* path, std::int64_t code) noexcept;
/// The same for what work() has just returned: "CALL: why there was no thread", if so.
int work_failed(const char* call, const char* path, std::int64_t code) noexcept;

/// Asked in the task, between the token and the thread: a code below 0 is the call's end.
struct entrance {
  int (*pass)(void* self) noexcept = nullptr;
  void* self = nullptr;
};

/// What a thread has failed of has its words here, not what was written before.
void no_message(std::int64_t code) noexcept;

int in_thread(runtime& rt, int (*fn)(void*), void* arg, const entrance& at) noexcept;

/// The same if a token is free; else fn is not called. For closing, which waits for nobody.
int in_spare_thread(runtime& rt, int (*fn)(void*), void* arg) noexcept;

/// Runs fn() in a thread and returns what it returned, or why it was not run. Checkpoint. What it
/// answers from told() is the task's cancellation.
template <class Fn>
std::int64_t work(runtime& rt, Fn fn, const entrance& at = {}) noexcept {
  struct job {
    Fn& fn;
    std::int64_t result;
  } j{fn, 0};
  const int status = in_thread(
      rt,
      [](void* arg) {
        job& self = *static_cast<job*>(arg);
        self.result = self.fn();
        const bool is_cut =
            self.result == STRUCTIO_ECANCELLED || self.result == STRUCTIO_EINTERRUPTED;
        return is_cut ? static_cast<int>(self.result) : 0;
      },
      &j, at);
  if (status < 0) return status;
  if (j.result < 0) no_message(j.result);
  return j.result;
}

}  // namespace structio::rt::fs
