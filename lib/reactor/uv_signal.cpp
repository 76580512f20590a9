// Watchers of process signals. Any number may watch the same signal; libuv's handler does no more
// than write to the loop's own pipe.
#include "base/status.hpp"
#include "reactor/uv_reactor_state.hpp"

namespace structio::reactor {
namespace {

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
  status = uv_signal_start(&s->uv, on_signal, signum);
  if (status < 0) {
    close(*s);
    return status;
  }
  home.expect(s->watcher, op);
  out = s;
  return 0;
}

void close(signal_slot& s) noexcept {
  if (s.closing) return;
  s.closing = true;
  s.home->forget(s.watcher);
  uv_close(reinterpret_cast<uv_handle_t*>(&s.uv), on_closed);
}

}  // namespace structio::reactor
