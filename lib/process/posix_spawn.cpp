// posix_spawn reports what exec failed of to its caller, and with glibc and musl it copies nothing
// of the parent's memory, however large that is.
#include "process/posix_spawn.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

#include "base/message.hpp"
#include "base/status.hpp"
#include "reactor/uv_reactor.hpp"

namespace structio::rt::process {
namespace {

class attributes {
 public:
  attributes() noexcept : code_(posix_spawnattr_init(&raw_)), made_(code_ == 0) {}
  attributes(const attributes&) = delete;
  attributes& operator=(const attributes&) = delete;
  ~attributes() {
    if (made_) posix_spawnattr_destroy(&raw_);
  }

  // SIGPIPE, for one, is blocked in the thread of a run: a child that inherited that would never
  // learn that nobody reads what it writes.
  int set(const child_plan& plan) noexcept {
    short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    then([&] { return posix_spawnattr_setsigmask(&raw_, &none); });
    then([&] { return posix_spawnattr_setsigdefault(&raw_, &all); });
    if (plan.new_session) {
#ifdef POSIX_SPAWN_SETSID
      flags = static_cast<short>(flags | POSIX_SPAWN_SETSID);
#else
      code_ = ENOTSUP;
#endif
    } else if (plan.new_group) {
      flags |= POSIX_SPAWN_SETPGROUP;
      then([&] { return posix_spawnattr_setpgroup(&raw_, 0); });
    }
    then([&] { return posix_spawnattr_setflags(&raw_, flags); });
    return code_;
  }

  const posix_spawnattr_t* get() const noexcept {
    return &raw_;
  }

 private:
  template <class Step>
  void then(Step&& step) noexcept {
    if (code_ == 0) code_ = step();
  }

  posix_spawnattr_t raw_;
  int code_;
  bool made_;
};

// What the child does before it executes: its three descriptors, its folder.
class actions {
 public:
  actions() noexcept : code_(posix_spawn_file_actions_init(&raw_)), made_(code_ == 0) {}
  actions(const actions&) = delete;
  actions& operator=(const actions&) = delete;
  ~actions() {
    if (made_) posix_spawn_file_actions_destroy(&raw_);
    for (const int copy : copies_) {
      if (copy >= 0) ::close(copy);
    }
  }

  int set(const child_plan& plan) noexcept {
    for (int number = 0; number < 3 && code_ == 0; ++number) {
      int from = plan.stdio[number];
      if (from == stdio_inherited) continue;
      // One that is about to be replaced itself has to be taken away from there first.
      if (from >= 0 && from < 3) {
        from = copies_[number] = fcntl(from, F_DUPFD_CLOEXEC, 3);
        if (from < 0) code_ = errno;
      }
      if (from == stdio_as_stdout) from = 1;
      if (code_ == 0) code_ = posix_spawn_file_actions_adddup2(&raw_, from, number);
    }
    // Last: no number of theirs is that of a descriptor which is still needed.
    for (std::size_t i = 0; i < plan.other_count && code_ == 0; ++i) {
      code_ = posix_spawn_file_actions_adddup2(&raw_, plan.others[i].from, plan.others[i].number);
    }
    if (code_ == 0 && plan.cwd) code_ = posix_spawn_file_actions_addchdir_np(&raw_, plan.cwd);
    return code_;
  }

  const posix_spawn_file_actions_t* get() const noexcept { return &raw_; }

 private:
  posix_spawn_file_actions_t raw_;
  int copies_[3] = {-1, -1, -1};
  int code_;
  bool made_;
};

// One candidate of the program's file. 0 or the system's error.
int execute(const char* file, const child_plan& plan, const actions& first, const attributes& how,
            pid_t& made) noexcept {
  // Neither of the two lists is written to: the types are from before const.
  return posix_spawn(&made, file, first.get(), how.get(), const_cast<char* const*>(plan.argv),
                     const_cast<char* const*>(plan.env));
}

// One that is certainly not there costs no process. What is relative is so to the child's folder.
bool may_be_there(const char* file) noexcept {
  return *file != '/' || access(file, F_OK) == 0 || errno != ENOENT;
}

// As execvp looks for it; but posix_spawnp would read the environment, on a thread, while a task of
// the program may change it.
int find_and_execute(const child_plan& plan, const actions& first, const attributes& how,
                     pid_t& made) noexcept {
  const char* name = plan.argv[0];
  if (std::strchr(name, '/')) return execute(name, plan, first, how, made);
  const std::size_t length = std::strlen(name);
  char file[PATH_MAX];
  int result = ENOENT;
  for (const char* at = plan.path;; ++at) {
    const std::size_t size = std::strcspn(at, ":");
    if (size + length + 2 <= sizeof file) {
      std::memcpy(file, size > 0 ? at : ".", size > 0 ? size : 1);
      char* end = file + (size > 0 ? size : 1);
      *end++ = '/';
      std::memcpy(end, name, length + 1);
      const int error = may_be_there(file) ? execute(file, plan, first, how, made) : ENOENT;
      if (error == EACCES) result = error;  // unless it is found further on
      if (error != EACCES && error != ENOENT && error != ENOTDIR) return error;
    }
    at += size;
    if (!*at) return result;
  }
}

bool is_folder(const char* path) noexcept {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode) && access(path, X_OK) == 0;
}

int not_started(const child_plan& plan, int error) noexcept {
  const char* text = reactor::os_error_text(-error);
  if (plan.cwd && !is_folder(plan.cwd)) {
    return base::fail(-error, "cannot run %s: its folder %s cannot be entered: %s", plan.argv[0],
                      plan.cwd, text);
  }
  return base::fail(-error, "cannot run %s: %s", plan.argv[0], text);
}

}  // namespace

void close_pipe_end(int& descriptor) noexcept {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

int move_beyond_stdio(int& descriptor) noexcept {
  if (descriptor > 2) return 0;
  const int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
  if (moved < 0) return -errno;
  ::close(descriptor);
  descriptor = moved;
  return 0;
}

int start_child(const child_plan& plan, std::int64_t& pid) noexcept {
  attributes how;
  actions first;
  int error = how.set(plan);
  if (error == 0) error = first.set(plan);
  if (error != 0) return not_started(plan, error);
  pid_t made = -1;
  error = find_and_execute(plan, first, how, made);
  if (error != 0) return not_started(plan, error);
  pid = made;
  return 0;
}

}  // namespace structio::rt::process
