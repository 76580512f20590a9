// A child process as an object of its run: waited for, signalled, reaped exactly once.
//
// Always true: the child is reaped by whoever first finds that it has ended, and from then on
// nothing is ever sent to its number. An object that goes while its child lives has that killed,
// and reaped on a thread.
#pragma once

#include <cstdint>

#include "base/list.hpp"
#include "process/end_watch.hpp"
#include "process/posix_child.hpp"
#include "process/spawn_job.hpp"
#include "runtime/run_object.hpp"
#include "stream/os_stream.hpp"

namespace structio::rt::process {

struct process_wait_tag;

/// A task that waits; lies in its frame.
struct process_wait : base::list_node<process_wait_tag> {
  task* waiter = nullptr;
  struct child* of = nullptr;
};

struct child : run_object {
  child() noexcept;

  void* handle = nullptr;
  std::uint32_t references = 1;  ///< the handle's, and one for each call under way
  std::int64_t pid = -1;
  int pidfd = -1;
  bool leads_group = false;
  bool ended = false;
  bool freed = false;
  child_ending ending;
  void* pipes[3] = {nullptr, nullptr, nullptr};  ///< handles of streams, which may be stale
  base::list<process_wait, process_wait_tag> waits;
  end_notice notice;
  char name[64] = {0};  ///< of the program
};

/// Each as its function in structio_process.h; the handle has been looked up and the run checked.
int spawn(runtime& rt, const spawn_options& options, child*& out) noexcept;
int wait(runtime& rt, child& c) noexcept;
bool poll(child& c) noexcept;

/// 1; 0: it has ended before; or a code.
int send_signal(child& c, int signum) noexcept;

void dispose(child& c) noexcept;
void release(child& c) noexcept;

/// Has the object stay in place for a call.
class keep {
 public:
  explicit keep(child& c) noexcept : c_(c) { ++c_.references; }
  ~keep() { release(c_); }
  keep(const keep&) = delete;
  keep& operator=(const keep&) = delete;

 private:
  child& c_;
};

/// The stream behind a pipe, or null: there is none, or it was freed.
stream::byte_stream* pipe_of(const child& c, int number) noexcept;

}  // namespace structio::rt::process
