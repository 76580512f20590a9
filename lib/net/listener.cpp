// Listeners: binding, accepting, serving.
#include <cstdio>
#include <new>

#include "base/handle_table.hpp"
#include "base/log.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "net/tcp.hpp"
#include "runtime/failure.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::net {

namespace {

constexpr std::int64_t pause_when_exhausted = 100'000'000;

struct accept_operation : reactor::operation {
  task* waiter;
  reactor::listener_slot* slot;
};

int closed() noexcept {
  return base::fail(STRUCTIO_ECLOSED, "the listener has been closed here");
}

// Waits until a connection may be there.
int await_connection(runtime& rt, tcp_listener& l) noexcept {
  accept_operation wait;
  wait.waiter = rt.current;
  wait.slot = l.slot;
  wait.done = [](reactor::operation& self, std::int64_t result) noexcept {
    wake(*static_cast<accept_operation&>(self).waiter, result);
  };
  const int begun = reactor::accept_wait(*l.slot, wait);
  if (begun == STRUCTIO_EBUSY) {
    return base::fail(STRUCTIO_EBUSY, "another task is already accepting from this listener");
  }
  if (begun < 0) return begun;
  const auto code = static_cast<int>(park(
      rt, "accept",
      [](void* arg) {
        auto& waiting = *static_cast<accept_operation*>(arg);
        reactor::accept_cancel(*waiting.slot);
        return abort_done;
      },
      &wait));
  return code == STRUCTIO_ECLOSED ? closed() : code;
}

struct connection {
  tcp_stream* stream;
  serve_request request;  // a copy: the server may have returned when the handler ends
};

int serve_connection(void* arg) {
  auto& c = *static_cast<connection*>(arg);
  tcp_stream& s = *c.stream;
  auto* handle = static_cast<structio_stream*>(s.handle);
  const int status = c.request.handler(handle, c.request.arg);
  // The handler may have freed the stream although it need not: ask by handle.
  if (!c.request.handler_owns_stream &&
      base::handle_object(base::handle_kind::stream, handle) == &s) {
    free_stream(s);
  }
  return status;
}

int start_handler(nursery& home, tcp_stream& s, const serve_request& request) noexcept {
  char name[64] = "serve";
  address peer;
  char host[46];
  std::uint16_t port = 0;
  if (reactor::peer_address(*s.slot, peer.full()) == 0 &&
      format(peer, host, sizeof host, &port) == 0) {
    std::snprintf(name, sizeof name, "serve: %s:%u", host, port);
  }
  connection c{&s, request};
  spawn_request spawn;
  spawn.fn = serve_connection;
  spawn.arg = &c;
  spawn.name = name;
  spawn.storage_size = sizeof(connection);
  spawn.storage_init = [](void* storage, void* from) {
    new (storage) connection(*static_cast<connection*>(from));
  };
  task* t = nullptr;
  const int code = nursery_spawn(home, spawn, t);
  if (code != 0) free_stream(s);
  return code;
}

int accept_for_ever(runtime& rt, tcp_listener& l, nursery& home,
                    const serve_request& request) noexcept {
  for (;;) {
    tcp_stream* s = nullptr;
    int code = accept(rt, l, s);
    if (code == 0) code = start_handler(home, *s, request);
    if (code == 0) continue;
    if (!reactor::is_out_of_resources(code) && code != STRUCTIO_ENOMEM) return code;
    base::log(base::log_level::warn, "serve: %s; accepting again in 100 ms", base::last_message());
    code = sleep_until(rt, base::saturating_add(rt.now(), pause_when_exhausted));
    if (code != 0) return code;
  }
}

}  // namespace

int tcp_listen(runtime& rt, const listen_request& request, tcp_listener*& out) noexcept {
  out = nullptr;
  address at;
  if (const int code = parse(request.host, request.port, at)) return code;
  auto* l = new (std::nothrow) tcp_listener;
  if (l) l->handle = base::handle_make(base::handle_kind::listener, l);
  if (!l || !l->handle) {
    delete l;
    return base::fail(STRUCTIO_ENOMEM, "no memory for a listener");
  }
  l->rt = &rt;
  l->orphan = [](run_object& self) noexcept { shut(static_cast<tcp_listener&>(self)); };
  rt.objects.push_back(*l);
  const int code = reactor::tcp_listen(rt.kernel, at.get(), request.settings, l->slot);
  if (code == 0) {
    out = l;
    return 0;
  }
  free_listener(*l);
  if (base::own_error_name(code)) return code;
  return base::fail(code, "cannot listen on %s port %u: %s", request.host, request.port,
                    reactor::os_error_text(code));
}

int accept(runtime& rt, tcp_listener& l, tcp_stream*& out) noexcept {
  out = nullptr;
  if (const int code = cancel_check(rt)) return code;
  tcp_stream* s = nullptr;
  for (bool waited = false;; waited = true) {
    if (!l.slot) return closed();
    // The object first: a connection that has been taken must not be lost for want of memory.
    if (!s && !(s = stream_make(rt))) {
      return base::fail(STRUCTIO_ENOMEM, "no memory for a stream");
    }
    int code = reactor::try_accept(*l.slot, s->slot);
    if (code == 0) {
      if (!waited) give_way(rt);
      out = s;
      return 0;
    }
    const bool empty = reactor::is_would_wait(code);
    if (empty) {
      ++l.references;
      code = await_connection(rt, l);
      const bool freed = l.references == 1;
      release(l);
      if (code == 0 && freed) code = closed();
    }
    if (code != 0) {
      free_stream(*s);
      if (empty || base::own_error_name(code)) return code;
      return base::fail(code, "cannot accept: %s", reactor::os_error_text(code));
    }
  }
}

int serve(runtime& rt, tcp_listener& l, const serve_request& request) noexcept {
  nursery own;
  if (!request.home) {
    if (const int code = nursery_open(rt, own, nursery_kind::user)) return code;
  }
  ++l.references;
  scope accepting;
  accepting.ends_on_stop = true;
  scope_enter(rt, *rt.current, accepting);
  int status = accept_for_ever(rt, l, request.home ? *request.home : own, request);
  failure* f = nullptr;
  status = scope_leave(accepting, status, f);
  release(l);
  if (request.home) return status;
  task& self = *rt.current;
  // An error of accepting is the call's own; a failure of handlers comes as their group.
  const int own_error = status < 0 && status != STRUCTIO_ECANCELLED ? status : 0;
  if (own_error != 0) {
    scope_cancel(own.around, cancel_source::nursery, &self, "accepting failed");
    status = 0;
  }
  status = nursery_close(own, status, f);
  failure_release(self.in_flight);
  self.in_flight = f;
  return status == 0 && own_error != 0 ? own_error : status;
}

void shut(tcp_listener& l) noexcept {
  reactor::listener_slot* slot = l.slot;
  l.slot = nullptr;
  if (slot) reactor::close(*slot);
}

void release(tcp_listener& l) noexcept {
  if (--l.references > 0) return;
  if (l.linked()) l.unlink();
  delete &l;
}

void free_listener(tcp_listener& l) noexcept {
  base::handle_drop(base::handle_kind::listener, l.handle);
  shut(l);
  release(l);
}

}  // namespace structio::rt::net
