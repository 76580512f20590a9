// Starting a child on a worker thread: opening what it gets, executing it. Used by process.cpp.
//
// Always true: nothing of the caller's is looked at once the call has returned, since the job has
// copies; whatever it made is the caller's when he has taken it, and gone otherwise.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "process/posix_spawn.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt::process {

enum class stdio_kind : std::uint8_t {
  inherit,
  null_device,
  pipe,
  descriptor,
  read_file,
  write_file,   ///< made if it is not there, emptied if it is
  append_file,  ///< made if it is not there
  as_stdout     ///< of stderr only
};

struct stdio_request {
  stdio_kind kind = stdio_kind::inherit;
  int descriptor = -1;         ///< stays the caller's
  const char* path = nullptr;  ///< of a file
};

struct spawn_options {
  const char* const* argv = nullptr;
  const char* const* env = nullptr;        ///< null: the program's own
  const char* const* extra_env = nullptr;  ///< see environment.hpp
  const char* cwd = nullptr;
  stdio_request stdio[3];
  bool new_group = false;
  bool new_session = false;
  const std::int64_t* inherit = nullptr;  ///< descriptors that the child has as well
  std::size_t inherit_count = 0;
};

struct spawn_job {
  // What it is to do, set before it begins.
  child_plan plan;
  stdio_request stdio[3];       ///< descriptors are copies, owned
  passed_on* others = nullptr;  ///< of which `from` are copies, owned
  std::size_t other_count = 0;
  bool use_pidfd = true;
  char* memory = nullptr;  ///< of the strings
  // What came of it.
  std::int64_t pid = -1;
  int pidfd = -1;
  int ends[3] = {-1, -1, -1};  ///< ours, of pipes
  int code = 0;
  char message[256] = {0};

  std::atomic<int> users{2};
};

/// A job with copies of the options, or null; then `code` says why, with a message.
spawn_job* spawn_job_make(const spawn_options& options, int& code) noexcept;

/// Has a thread do it, and waits. 0, or a code with its message. Checkpoint.
int spawn_job_run(runtime& rt, spawn_job& job) noexcept;

/// The caller is done with it. What he has not taken out of it is done away with by the last.
void spawn_job_release(spawn_job& job) noexcept;

}  // namespace structio::rt::process
