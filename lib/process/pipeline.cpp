// Two programs at once, the second of which reads what the first writes: each is run as one alone
// would be, in a task of its own.
#include <csignal>
#include <new>

#include "base/message.hpp"
#include "base/status.hpp"
#include "process/run_process.hpp"
#include "reactor/posix_descriptor.hpp"
#include "runtime/failure.hpp"
#include "runtime/nursery.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::process {
namespace {

struct stage {
  run_request* request;
  run_result* result;
  bool checked;
  int end;

  stage(run_request& what, run_result& to, int number, int descriptor) noexcept
      : request(&what), result(&to), checked(what.check), end(descriptor) {
    what.check = false;  // when both have ended
    what.child.stdio[number].kind = stdio_kind::descriptor;
    what.child.stdio[number].descriptor = descriptor;
    what.close_once_spawned = &end;
  }
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;
  ~stage() { close_pipe_end(end); }
};

int run_stage(void* arg) {
  const stage& s = **static_cast<stage**>(arg);
  return run_process(*current_runtime(), *s.request, *s.result);
}

int begin(nursery& home, stage& s) noexcept {
  stage* one = &s;
  spawn_request spawn;
  spawn.fn = run_stage;
  spawn.arg = &one;
  spawn.name = s.request->child.argv[0];
  spawn.storage_size = sizeof one;
  spawn.storage_init = [](void* storage, void* from) {
    new (storage) stage*(*static_cast<stage**>(from));
  };
  task* made = nullptr;
  return nursery_spawn(home, spawn, made);
}

// A failure alone comes out as the call's own.
int report(runtime& rt, int status, failure* f) noexcept {
  status = unwrap_only(status, f);
  failure_release(rt.current->in_flight);
  rt.current->in_flight = f;
  if (f && f->kind == failure_kind::status) {
    char line[300];
    failure_one_line(*f, line, sizeof line);
    base::fail(status, "%s", line);
  }
  return status;
}

// Nobody reads any more: that is how the first of two usually learns that it may stop.
bool counts_as_failed(const stage& s, bool is_first) noexcept {
  const child_ending& e = s.result->ending;
  return s.checked && has_failed(e) && !(is_first && e.signal == SIGPIPE);
}

}  // namespace

int run_pipeline(runtime& rt, run_request& first, run_request& second, run_result& first_result,
                 run_result& second_result) noexcept {
  if (const int code = cancel_check(rt)) return code;
  int reading = -1, writing = -1;
  if (const int code = reactor::make_pipe(reading, writing)) {
    return base::fail(code, "cannot make a pipe: %s", reactor::os_error_text(code));
  }
  reactor::make_blocking(reading);
  reactor::make_blocking(writing);
  stage a(first, first_result, 1, writing);
  stage b(second, second_result, 0, reading);
  nursery home;
  if (const int code = nursery_open(rt, home, nursery_kind::user)) return code;
  int status = begin(home, a);
  if (status == 0) status = begin(home, b);
  failure* f = nullptr;
  status = nursery_close(home, status, f);
  status = report(rt, status, f);
  if (status < 0) return status;
  if (counts_as_failed(b, false)) return child_failed(second.child.argv[0], second_result);
  if (counts_as_failed(a, true)) return child_failed(first.child.argv[0], first_result);
  return 0;
}

}  // namespace structio::rt::process
