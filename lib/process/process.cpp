// Children as objects: made, waited for, let go of.
#include "process/process.hpp"

#include <csignal>
#include <cstdio>
#include <utility>

#include "base/handle_table.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "process/pidfd.hpp"
#include "process/reaper.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::process {
namespace {

int closed() noexcept {
  return base::fail(STRUCTIO_ECLOSED, "the process object was freed meanwhile");
}

void wake_all(child& c, std::int64_t result) noexcept {
  while (process_wait* w = c.waits.front()) {
    w->unlink();
    wake(*w->waiter, result);
  }
}

void let_go(child& c) noexcept {
  if (c.rt) c.notice.give_up(*c.rt, c.pidfd);
  if (c.pidfd >= 0) pidfd_close(c.pidfd);
  c.pidfd = -1;
}

// True: it has ended, and everybody knows.
bool look(child& c) noexcept {
  if (c.ended) return true;
  if (c.pid < 0 || !reap(c.pid, c.ending)) return false;
  c.ended = true;
  let_go(c);
  wake_all(c, 0);
  return true;
}

void told(void* arg) noexcept {
  auto& c = *static_cast<child*>(arg);
  if (look(c) || c.waits.empty()) return;
  // Told too early, which the system does not do: but then it would be waited for in vain.
  if (const int code = c.notice.begin(*c.rt, c.pid, c.pidfd)) wake_all(c, code);
}

void kill_and_forget(child& c) noexcept {
  if (look(c) || c.pid < 0) return;
  send_signal(c, SIGKILL);
  c.ended = c.ending.unknown = true;
  let_go(c);
  reap_later(c.pid);
}

void orphan(run_object& self) noexcept {
  kill_and_forget(static_cast<child&>(self));
}

child* make(runtime& rt) noexcept {
  auto* c = base::make<child>();
  if (c) c->handle = base::handle_make(base::handle_kind::process, c);
  if (!c || !c->handle) {
    base::destroy(c);
    return nullptr;
  }
  c->rt = &rt;
  c->orphan = orphan;
  rt.objects.push_back(*c);
  return c;
}

// Our ends of the pipes become streams.
int take_pipes(runtime& rt, child& c, spawn_job& job) noexcept {
  for (int i = 0; i < 3; ++i) {
    const int end = std::exchange(job.ends[i], -1);
    if (end < 0) continue;
    stream::os_stream* s = nullptr;
    if (const int code = stream::adopt_descriptor(rt, end, s)) return code;
    c.pipes[i] = s->handle;
  }
  return 0;
}

}  // namespace

child::child() noexcept : notice(told, this) {}

int spawn(runtime& rt, const spawn_options& options, child*& out) noexcept {
  out = nullptr;
  // The object first: a child that lives must not be lost for want of memory.
  child* c = make(rt);
  if (!c) return base::fail(STRUCTIO_ENOMEM, "no memory for a child process");
  std::snprintf(c->name, sizeof c->name, "%s", options.argv[0]);
  c->leads_group = options.new_group || options.new_session;
  int code = 0;
  spawn_job* job = spawn_job_make(options, code);
  if (job) {
    code = spawn_job_run(rt, *job);
    if (code == 0) {
      c->pid = std::exchange(job->pid, -1);
      c->pidfd = std::exchange(job->pidfd, -1);
      code = take_pipes(rt, *c, *job);
    }
    spawn_job_release(*job);
  }
  if (code < 0) {
    dispose(*c);
    return code;
  }
  out = c;
  return 0;
}

int wait(runtime& rt, child& c) noexcept {
  if (const int code = cancel_check(rt)) return code;
  if (look(c)) {
    give_way(rt);
    return 0;
  }
  if (const int code = c.notice.begin(rt, c.pid, c.pidfd)) return code;
  const keep held(c);
  process_wait w;
  w.waiter = rt.current;
  w.of = &c;
  c.waits.push_back(w);
  const auto code = static_cast<int>(park(
      rt, "a process to end",
      [](void* arg) {
        auto& given_up = *static_cast<process_wait*>(arg);
        child& of = *given_up.of;
        given_up.unlink();
        if (of.waits.empty()) of.notice.end(*of.rt, of.pidfd);
        return abort_done;
      },
      &w));
  return code == STRUCTIO_ECLOSED ? closed() : code;
}

bool poll(child& c) noexcept {
  return look(c);
}

int send_signal(child& c, int signum) noexcept {
  if (look(c)) return 0;
  int code = c.pidfd >= 0 ? pidfd_signal(c.pidfd, c.leads_group ? 0 : signum)
                          : signal_child(c.pid, c.leads_group ? 0 : signum);
  if (code == 0 && c.leads_group) code = signal_group(c.pid, signum);
  if (code == 0) return 1;
  if (is_no_process(code)) return 0;
  return base::fail(code, "cannot send signal %d to process %lld: %s", signum,
                    static_cast<long long>(c.pid), reactor::os_error_text(code));
}

stream::byte_stream* pipe_of(const child& c, int number) noexcept {
  return static_cast<stream::byte_stream*>(
      base::handle_object(base::handle_kind::stream, c.pipes[number]));
}

void dispose(child& c) noexcept {
  base::handle_drop(base::handle_kind::process, c.handle);
  c.freed = true;
  kill_and_forget(c);
  wake_all(c, STRUCTIO_ECLOSED);
  for (int i = 0; i < 3; ++i) {
    if (stream::byte_stream* s = pipe_of(c, i)) stream::free(*s);
  }
  release(c);
}

void release(child& c) noexcept {
  if (--c.references > 0) return;
  if (c.linked()) c.unlink();
  base::destroy(&c);
}

}  // namespace structio::rt::process
