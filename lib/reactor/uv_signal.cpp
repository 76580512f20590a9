// Watchers of process signals. Any number may watch the same signal; libuv's handler does no more
// than write to the loop's own pipe. What the process did about a signal before the first of all
// its watchers came is done again when the last has gone: libuv would leave the default.
#include <csignal>
#include <mutex>

#include "base/fork_hook.hpp"
#include "base/status.hpp"
#include "reactor/uv_reactor_state.hpp"

#ifndef _WIN32
#include <signal.h>
#endif

namespace structio::reactor {
namespace {

#ifndef _WIN32
constexpr int signals_known = 65;

struct watched {
  int watchers = 0;  // of every loop in the process
  struct sigaction before;
};
std::mutex watched_mutex;
base::fork_lock<watched_mutex> watched_at_fork(base::fork_rank::signals);
watched watched_signals[signals_known];

int start(uv_signal_t& uv, uv_signal_cb tell, int signum) noexcept {
  if (signum <= 0 || signum >= signals_known) return UV_EINVAL;
  const std::lock_guard lock(watched_mutex);
  watched& w = watched_signals[signum];
  if (w.watchers == 0 && sigaction(signum, nullptr, &w.before) != 0) return UV_EINVAL;
  const int status = uv_signal_start(&uv, tell, signum);
  if (status == 0) ++w.watchers;
  return status;
}

signal_rest stop(uv_signal_t& uv) noexcept {
  signal_rest rest;
  const int signum = uv.signum;  // 0 when it was never started
  if (signum == 0) return rest;
  const std::lock_guard lock(watched_mutex);
  uv_signal_stop(&uv);
  watched& w = watched_signals[signum];
  // libuv's handler counts what it writes to the loop, and the loop what it has read.
  rest.on_its_way = uv.caught_signals != uv.dispatched_signals;
  rest.last = --w.watchers == 0;
  if (rest.last) sigaction(signum, &w.before, nullptr);
  return rest;
}
#else
int start(uv_signal_t& uv, uv_signal_cb tell, int signum) noexcept {
  return uv_signal_start(&uv, tell, signum);
}
signal_rest stop(uv_signal_t& uv) noexcept {
  uv_signal_stop(&uv);
  return {};
}
#endif

void on_signal(uv_signal_t* handle, int number) {
  signal_slot& s = *static_cast<signal_slot*>(handle->data);
  if (s.watcher) s.watcher->done(*s.watcher, number);
}

void on_closed(uv_handle_t* handle) {
  signal_slot& s = *static_cast<signal_slot*>(handle->data);
  s.home->signals.give_back(s);
}

}  // namespace

int signal_watch(uv_reactor& r, int signum, operation& op, signal_slot*& out) noexcept {
  out = nullptr;
  uv_reactor::state& home = r.inner();
  if (home.closing) return STRUCTIO_ECLOSED;
  signal_slot* s = home.signals.take(home);
  if (!s) return STRUCTIO_ENOMEM;
  int status = uv_signal_init(&home.loop, &s->uv);
  if (status < 0) {
    home.signals.give_back(*s);
    return status;
  }
  s->uv.data = s;
  status = start(s->uv, on_signal, signum);
  if (status < 0) {
    close(*s);
    return status;
  }
  home.expect(s->watcher, op);
  out = s;
  return 0;
}

signal_rest close(signal_slot& s) noexcept {
  if (s.closing) return {};
  s.closing = true;
  s.home->forget(s.watcher);
  const signal_rest rest = stop(s.uv);
  uv_close(reinterpret_cast<uv_handle_t*>(&s.uv), on_closed);
  return rest;
}

void signal_raise(int signum) noexcept {
  std::raise(signum);
}

}  // namespace structio::reactor
