// One libuv handle for each path that is watched; all of them share one descriptor of the loop's.
#include "reactor/uv_watch.hpp"

#include "base/status.hpp"
#include "reactor/uv_reactor_state.hpp"

namespace structio::reactor {
namespace {

void on_event(uv_fs_event_t* handle, const char* name, int events, int status) {
  watch_slot& w = *static_cast<watch_slot*>(handle->data);
  if (w.closing) return;
  std::uint8_t kinds = 0;
  if (events & UV_RENAME) kinds |= watch_names;
  if (events & UV_CHANGE) kinds |= watch_content;
  w.listener->tell(*w.listener, status, kinds, name);
}

void on_closed(uv_handle_t* handle) {
  watch_slot& w = *static_cast<watch_slot*>(handle->data);
  w.home->watches.give_back(w);
}

}  // namespace

int watch_open(uv_reactor& r, const char* path, bool recursive, watch_listener& listener,
               watch_slot*& out) noexcept {
  out = nullptr;
  uv_reactor::state& home = r.inner();
  if (home.closing) return STRUCTIO_ECLOSED;
#if !defined(__APPLE__) && !defined(_WIN32)
  if (recursive) return STRUCTIO_EUNSUPPORTED;
#endif
  watch_slot* w = home.watches.take(home);
  if (!w) return STRUCTIO_ENOMEM;
  int status = uv_fs_event_init(&home.loop, &w->uv);
  if (status < 0) {
    home.watches.give_back(*w);
    return status;
  }
  w->uv.data = w;
  w->listener = &listener;
  status = uv_fs_event_start(&w->uv, on_event, path, recursive ? UV_FS_EVENT_RECURSIVE : 0);
  if (status < 0) {
    close(*w);
    return status == UV_ENOSYS ? STRUCTIO_EUNSUPPORTED : status;
  }
  out = w;
  return 0;
}

void watch_expect(watch_slot& w, operation& op) noexcept {
  w.home->expect(w.waiter, op);
}

void watch_complete(watch_slot& w, std::int64_t result) noexcept {
  w.home->complete(w.waiter, result);
}

void watch_forget(watch_slot& w) noexcept {
  w.home->forget(w.waiter);
}

void close(watch_slot& w) noexcept {
  if (w.closing) return;
  w.closing = true;
  w.home->complete(w.waiter, STRUCTIO_ECLOSED);
  uv_close(reinterpret_cast<uv_handle_t*>(&w.uv), on_closed);
}

}  // namespace structio::reactor
