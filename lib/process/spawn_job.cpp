// What the thread does, with memory of its own.
#include "process/spawn_job.hpp"

#include <fcntl.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "process/environment.hpp"
#include "process/pidfd.hpp"
#include "process/posix_child.hpp"
#include "process/reaper.hpp"
#include "process/spawn_limit.hpp"
#include "reactor/posix_descriptor.hpp"
#include "thread/worker.hpp"

namespace structio::rt::process {
namespace {

// Where strings are copied to: first counted, then written.
class copier {
 public:
  void count(const char* text) noexcept {
    if (text) size_ += std::strlen(text) + 1;
  }
  void count(const char* const* list) noexcept {
    if (!list) return;
    size_ += sizeof(char*);
    for (; *list; ++list) {
      count(*list);
      size_ += sizeof(char*);
    }
  }
  char* allocate() noexcept {
    memory_ = base::make_array<char>(size_ + 1);
    next_ = memory_;
    return memory_;
  }
  // Lists first: they have to be aligned.
  const char* const* reserve(const char* const* list) noexcept {
    if (!list) return nullptr;
    std::size_t entries = 1;
    for (const char* const* at = list; *at; ++at) ++entries;
    char* here = next_;
    next_ += entries * sizeof(char*);
    return reinterpret_cast<const char* const*>(here);
  }
  void fill(const char* const* copy, const char* const* list) noexcept {
    if (!list) return;
    auto** to = const_cast<const char**>(copy);
    for (; *list; ++list) *to++ = copy_of(*list);
    *to = nullptr;
  }
  const char* copy_of(const char* text) noexcept {
    if (!text) return nullptr;
    const std::size_t size = std::strlen(text) + 1;
    std::memcpy(next_, text, size);
    char* here = next_;
    next_ += size;
    return here;
  }

 private:
  std::size_t size_ = 0;
  char* memory_ = nullptr;
  char* next_ = nullptr;
};

bool copy_strings(spawn_job& job, const spawn_options& from) noexcept {
  environment env;
  if (!env.make(from.env, from.extra_env)) return false;
  const char* path = search_path();
  copier c;
  c.count(from.argv);
  c.count(env.list());
  c.count(path);
  c.count(from.cwd);
  for (const auto& one : from.stdio) c.count(one.path);
  job.memory = c.allocate();
  if (!job.memory) return false;
  job.plan.argv = c.reserve(from.argv);
  job.plan.env = c.reserve(env.list());
  c.fill(job.plan.argv, from.argv);
  c.fill(job.plan.env, env.list());
  job.plan.path = c.copy_of(path);
  job.plan.cwd = c.copy_of(from.cwd);
  for (int i = 0; i < 3; ++i) job.stdio[i].path = c.copy_of(from.stdio[i].path);
  return true;
}

int open_file(const char* path, int flags) noexcept {
  for (;;) {
    const int descriptor = ::open(path, flags | O_CLOEXEC | O_NOCTTY, 0666);
    if (descriptor >= 0) return descriptor;
    if (errno == EINTR) continue;
    const int error = errno;
    return base::fail(-error, "cannot open %s for a child: %s", path,
                      reactor::os_error_text(-error));
  }
}

// What the child gets as descriptor `number`; closed in the parent by `theirs`.
int prepare(spawn_job& job, int number, int& theirs) noexcept {
  stdio_request& from = job.stdio[number];
  int code = 0;
  switch (from.kind) {
    case stdio_kind::inherit: return 0;
    case stdio_kind::as_stdout: job.plan.stdio[number] = stdio_as_stdout; return 0;
    case stdio_kind::null_device: code = theirs = open_file("/dev/null", O_RDWR); break;
    case stdio_kind::read_file: code = theirs = open_file(from.path, O_RDONLY); break;
    case stdio_kind::write_file:
      code = theirs = open_file(from.path, O_WRONLY | O_CREAT | O_TRUNC);
      break;
    case stdio_kind::append_file:
      code = theirs = open_file(from.path, O_WRONLY | O_CREAT | O_APPEND);
      break;
    case stdio_kind::descriptor:
      theirs = from.descriptor;
      from.descriptor = -1;
      break;
    case stdio_kind::pipe:
      code = number == 0 ? reactor::make_pipe(theirs, job.ends[0])
                         : reactor::make_pipe(job.ends[number], theirs);
      if (code == 0) {
        reactor::make_blocking(theirs);
        code = move_beyond_stdio(job.ends[number]);
      }
      if (code < 0) {
        base::fail(code, "cannot make a pipe to a child: %s", reactor::os_error_text(code));
      }
      break;
  }
  job.plan.stdio[number] = theirs;
  return code < 0 ? code : 0;
}

// Opening may take long, and nobody wait any more: then no further file is to be emptied, and no
// program to do anything.
bool is_awaited(const spawn_job& job) noexcept {
  return job.users.load(std::memory_order_acquire) > 1;
}

int do_it(spawn_job& job) noexcept {
  int theirs[3] = {-1, -1, -1};
  int code = 0;
  for (int i = 0; i < 3 && code == 0; ++i) {
    code = is_awaited(job) ? prepare(job, i, theirs[i]) : STRUCTIO_ECANCELLED;
  }
  if (code == 0) code = is_awaited(job) ? start_child(job.plan, job.pid) : STRUCTIO_ECANCELLED;
  for (int& one : theirs) close_pipe_end(one);
  if (code == 0 && job.use_pidfd) job.pidfd = pidfd_make(job.pid);
  return code;
}

int work(void* arg) noexcept {
  auto& job = *static_cast<spawn_job*>(arg);
  job.code = do_it(job);
  if (job.code < 0) std::snprintf(job.message, sizeof job.message, "%s", base::last_message());
  return 0;
}

void drop(void* arg) noexcept {
  spawn_job_release(*static_cast<spawn_job*>(arg));
}

int not_given(int code, int descriptor) noexcept {
  return base::fail(code, "descriptor %d cannot be given to a child: %s", descriptor,
                    reactor::os_error_text(code));
}

// All of them before any is copied, since a copy may get the number of one that is not there.
int look_at_all(const spawn_options& options) noexcept {
  const auto look = [](int descriptor) noexcept {
    return fcntl(descriptor, F_GETFD) >= 0 ? 0 : not_given(-errno, descriptor);
  };
  for (const stdio_request& one : options.stdio) {
    if (one.kind != stdio_kind::descriptor) continue;
    if (const int code = look(one.descriptor)) return code;
  }
  for (std::size_t i = 0; i < options.inherit_count; ++i) {
    if (const int code = look(static_cast<int>(options.inherit[i]))) return code;
  }
  return 0;
}

// A copy, or a code.
int copy_of(int given) noexcept {
  const int copy = reactor::duplicate(given);
  return copy >= 0 ? copy : not_given(copy, given);
}

int copy_stdio(spawn_job& job, const spawn_options& options) noexcept {
  for (int i = 0; i < 3; ++i) {
    job.stdio[i].kind = options.stdio[i].kind;
    if (job.stdio[i].kind != stdio_kind::descriptor) continue;
    job.stdio[i].descriptor = copy_of(options.stdio[i].descriptor);
    if (job.stdio[i].descriptor < 0) return job.stdio[i].descriptor;
  }
  return 0;
}

int copy_others(spawn_job& job, const spawn_options& options) noexcept {
  if (options.inherit_count == 0) return 0;
  job.plan.others = job.others = base::make_array<passed_on>(options.inherit_count);
  if (!job.others) return base::fail(STRUCTIO_ENOMEM, "no memory for a child process");
  while (job.other_count < options.inherit_count) {
    passed_on& next = job.others[job.other_count];
    next.number = static_cast<int>(options.inherit[job.other_count]);
    next.from = copy_of(next.number);
    if (next.from < 0) return next.from;
    job.plan.other_count = ++job.other_count;
  }
  return 0;
}

}  // namespace

spawn_job* spawn_job_make(const spawn_options& options, int& code) noexcept {
  auto* job = base::make<spawn_job>();
  if (!job || !copy_strings(*job, options)) {
    base::destroy(job);
    code = base::fail(STRUCTIO_ENOMEM, "no memory for a child process");
    return nullptr;
  }
  job->use_pidfd = pidfd_wanted();
  job->plan.new_group = options.new_group;
  job->plan.new_session = options.new_session;
  code = look_at_all(options);
  if (code == 0) code = copy_stdio(*job, options);
  if (code == 0) code = copy_others(*job, options);
  if (code == 0) return job;
  job->users.store(1, std::memory_order_relaxed);
  spawn_job_release(*job);
  return nullptr;
}

int spawn_job_run(runtime& rt, spawn_job& job) noexcept {
  thread::job_request request;
  request.fn = work;
  request.arg = &job;
  request.drop = drop;
  request.name = "spawn";
  // An exec that hangs, on a file system that does not answer, must not hold up who gives up.
  request.may_abandon = true;
  if (const int code = spawn_tokens(rt, request.tokens)) {
    spawn_job_release(job);
    return code;
  }
  const int code = thread::run_in_thread(rt, request);
  if (code < 0) return code;
  return job.code < 0 ? base::fail(job.code, "%s", job.message) : 0;
}

void spawn_job_release(spawn_job& job) noexcept {
  if (job.users.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  for (int i = 0; i < 3; ++i) {
    close_pipe_end(job.ends[i]);
    if (job.stdio[i].kind == stdio_kind::descriptor) close_pipe_end(job.stdio[i].descriptor);
  }
  for (std::size_t i = 0; i < job.other_count; ++i) close_pipe_end(job.others[i].from);
  base::release(job.others);
  if (job.pidfd >= 0) pidfd_close(job.pidfd);
  // The call was cancelled before it began, and so has not begun: nobody knows of this child.
  if (job.pid >= 0) {
    if (job.plan.new_group || job.plan.new_session) signal_group(job.pid, SIGKILL);
    signal_child(job.pid, SIGKILL);
    reap_later(job.pid);
  }
  base::release(job.memory);
  base::destroy(&job);
}

}  // namespace structio::rt::process
