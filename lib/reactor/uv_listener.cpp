// Listeners: our own sockets behind libuv's readiness. The watcher stays armed while acceptors keep
// coming. One event is taken to stand for one connection, so that a server whose clients come one
// by one never asks the kernel for a second that is not there; where events follow each other,
// which means a queue has built up, each is taken to stand for twice as many.
#include <algorithm>

#include "base/status.hpp"
#include "reactor/uv_reactor_state.hpp"

namespace structio::reactor {
namespace {

constexpr std::uint8_t longest_burst = 64;
constexpr std::uint64_t starvation_pause_ms = 20;

void on_event(uv_poll_t* handle, int status, int) {
  listener_slot& l = *static_cast<listener_slot*>(handle->data);
  uv_reactor::state& r = *l.home;
  if (status < 0) {
    l.armed = false;  // libuv has stopped the watcher itself
    r.complete(l.acceptor, status);
    return;
  }
  // A starved acceptor waits for better times, which a connection that is there does not bring.
  if (!l.acceptor || l.starved) {
    l.credit = std::max<std::uint8_t>(l.credit, 1);
    if (l.starved || r.worth_disarming(l.served_turn, l.spare_events)) {
      l.armed = false;
      uv_poll_stop(handle);
    }
    return;
  }
  const bool at_once_again = l.served_turn + 1 == r.turn;
  l.burst = at_once_again ? std::min<std::uint8_t>(longest_burst, l.burst * 2) : 1;
  l.credit = l.burst;
  l.served_turn = r.turn;
  l.spare_events = 0;
  r.complete(l.acceptor, 0);
}

void on_starvation_pause_over(uv_timer_t* timer) {
  uv_reactor::state& r = *static_cast<uv_reactor::state*>(timer->data);
  // Whoever still finds nothing will come back with a starved listener and start the timer anew.
  r.listeners.for_each([&r](listener_slot& l) {
    if (l.starved) r.complete(l.acceptor, 0);
  });
}

bool out_of_resources(int status) noexcept {
  return status == UV_EMFILE || status == UV_ENFILE || status == UV_ENOBUFS || status == UV_ENOMEM;
}

void on_closed(uv_handle_t* handle) {
  listener_slot& l = *static_cast<listener_slot*>(handle->data);
  l.home->listeners.give_back(l);
}

}  // namespace

int tcp_listen(uv_reactor& r, const sockaddr* address, const listen_settings& settings,
               listener_slot*& out) noexcept {
  out = nullptr;
  if (r.inner().closing) return STRUCTIO_ECLOSED;
  const int descriptor = listening_socket(*address, settings);
  if (descriptor < 0) return descriptor;
  const int status = listen_on(r, descriptor, stream_kind::tcp, out);
  if (status == 0) out->set_nodelay = settings.nodelay && !nodelay_is_inherited();
  return status;
}

int listen_on(uv_reactor& r, int descriptor, stream_kind kind, listener_slot*& out) noexcept {
  out = nullptr;
  uv_reactor::state& home = r.inner();
  listener_slot* l = home.closing ? nullptr : home.listeners.take(home);
  if (!l) {
    close_socket(descriptor);
    return home.closing ? STRUCTIO_ECLOSED : STRUCTIO_ENOMEM;
  }
  const int status = uv_poll_init(&home.loop, &l->uv, descriptor);
  if (status < 0) {
    home.listeners.give_back(*l);
    close_socket(descriptor);
    return status;
  }
  l->uv.data = l;
  l->descriptor = descriptor;
  l->kind = kind;
  out = l;
  return 0;
}

int try_accept(listener_slot& l, stream_slot*& out, peer_address& peer) noexcept {
  out = nullptr;
  uv_reactor::state& r = *l.home;
  if (l.closing || r.closing) return STRUCTIO_ECLOSED;
  if (l.armed && l.credit == 0) return UV_EAGAIN;
  // The slot first: a connection that was taken from the queue must not fail for want of memory.
  stream_slot* s = r.streams.take(r);
  if (!s) {
    l.starved = true;
    return UV_ENOMEM;
  }
  const int descriptor = accept_connection(l.descriptor, peer);
  l.starved = out_of_resources(descriptor);
  if (descriptor < 0) {
    r.streams.give_back(*s);
    if (descriptor == UV_EAGAIN) {
      l.credit = 0;
      l.burst = 1;
    }
    return descriptor;
  }
  if (l.credit > 0) --l.credit;
  s->kind = l.kind;
  s->ours = true;
  const int status = adopt_descriptor(*s, descriptor);
  if (status < 0) {
    close_socket(descriptor);
    return status;
  }
  if (l.set_nodelay) set_nodelay(*s, true);
  out = s;
  return 0;
}

int accept_wait(listener_slot& l, operation& op) noexcept {
  if (l.closing) return STRUCTIO_ECLOSED;
  if (l.acceptor) return STRUCTIO_EBUSY;
  uv_reactor::state& r = *l.home;
  if (l.starved) {
    if (!uv_is_active(reinterpret_cast<uv_handle_t*>(&r.starvation))) {
      r.starvation.data = &r;
      uv_update_time(&r.loop);
      uv_timer_start(&r.starvation, on_starvation_pause_over, starvation_pause_ms, 0);
    }
  } else if (!l.armed) {
    const int status = uv_poll_start(&l.uv, UV_READABLE, on_event);
    if (status < 0) return status;
    l.armed = true;
    l.credit = 0;
  }
  l.spare_events = 0;
  r.expect(l.acceptor, op);
  return 0;
}

void accept_cancel(listener_slot& l) noexcept {
  l.home->forget(l.acceptor);
}

void close(listener_slot& l) noexcept {
  if (l.closing) return;
  l.closing = true;
  l.home->complete(l.acceptor, STRUCTIO_ECLOSED);
  uv_close(reinterpret_cast<uv_handle_t*>(&l.uv), on_closed);
  close_socket(l.descriptor);  // libuv has let go of it; the port is free at once
}

int file_descriptor(const listener_slot& l) noexcept {
  return l.descriptor;
}

int local_address(const listener_slot& l, sockaddr_storage& out) noexcept {
  return socket_address(l.descriptor, out);
}

}  // namespace structio::reactor
