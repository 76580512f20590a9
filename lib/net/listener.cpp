// Listeners: binding, accepting, serving.
#include <cstdio>
#include <cstring>
#include <new>
#include <utility>

#include "base/handle_table.hpp"
#include "base/log.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "net/tcp.hpp"
#include "net/unix_socket.hpp"
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

// What a failed accept is to the user.
int accept_failed(int code) noexcept {
  switch (code) {
    case STRUCTIO_ECANCELLED:
    case STRUCTIO_EINTERRUPTED: return code;
    case STRUCTIO_ECLOSED: return closed();
    case STRUCTIO_EBUSY:
      return base::fail(code, "another task is already accepting from this listener");
    default: return base::fail(code, "cannot accept: %s", error_text(code));
  }
}

// Waits until a connection may be there.
int await_connection(runtime& rt, tcp_listener& l) noexcept {
  accept_operation wait;
  wait.waiter = rt.current;
  wait.slot = l.slot;
  wait.done = [](reactor::operation& self, std::int64_t result) noexcept {
    wake(*static_cast<accept_operation&>(self).waiter, result);
  };
  if (const int code = reactor::accept_wait(*l.slot, wait)) return code;
  return static_cast<int>(park(
      rt, "accept",
      [](void* arg) {
        auto& waiting = *static_cast<accept_operation*>(arg);
        reactor::accept_cancel(*waiting.slot);
        return abort_done;
      },
      &wait));
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
  if (!c.request.handler_owns_stream && base::handle_object(base::handle_kind::stream, handle) ==
                                            static_cast<stream::byte_stream*>(&s)) {
    stream::free(s);
  }
  return status;
}

// The stream is the handler's when this returns 0, and still the caller's otherwise.
int start_handler(nursery& home, tcp_stream& s, const serve_request& request) noexcept {
  char name[64] = "serve";
  address peer;
  char host[46];
  std::uint16_t port = 0;
  if (reactor::peer_address(*s.slot, peer.full()) == 0 &&
      format(peer, host, sizeof host, &port) == 0 && port != 0) {
    const bool v6 = std::strchr(host, ':') != nullptr;
    std::snprintf(name, sizeof name, v6 ? "serve: [%s]:%u" : "serve: %s:%u", host, port);
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
  return nursery_spawn(home, spawn, t);
}

int accept_for_ever(runtime& rt, tcp_listener& l, nursery& home,
                    const serve_request& request) noexcept {
  tcp_stream* s = nullptr;  // a connection that has no task yet
  for (;;) {
    int code = s ? 0 : accept(rt, l, s);
    if (code == 0) code = start_handler(home, *s, request);
    if (code == 0) {
      s = nullptr;
      continue;
    }
    if (reactor::is_out_of_resources(code) || code == STRUCTIO_ENOMEM) {
      base::log(base::log_level::warn, "serve: %s; going on in 100 ms", base::last_message());
      code = sleep_until(rt, base::saturating_add(rt.now(), pause_when_exhausted));
      if (code == 0) continue;
    }
    if (s) stream::free(*s);
    return code;
  }
}

}  // namespace

tcp_listener* listener_make(runtime& rt) noexcept {
  auto* l = new (std::nothrow) tcp_listener;
  if (l) l->handle = base::handle_make(base::handle_kind::listener, l);
  if (!l || !l->handle) {
    delete l;
    return nullptr;
  }
  l->rt = &rt;
  l->orphan = [](run_object& self) noexcept { shut(static_cast<tcp_listener&>(self)); };
  rt.objects.push_back(*l);
  return l;
}

int tcp_listen(runtime& rt, const listen_request& request, tcp_listener*& out) noexcept {
  out = nullptr;
  address at;
  if (const int code = parse(request.host, request.port, at)) return code;
  tcp_listener* l = listener_make(rt);
  if (!l) return base::fail(STRUCTIO_ENOMEM, "no memory for a listener");
  const int code = reactor::tcp_listen(rt.kernel, at.get(), request.settings, l->slot);
  if (code == 0) {
    out = l;
    return 0;
  }
  free_listener(*l);
  return base::fail(code, "cannot listen on %s port %u: %s", request.host, request.port,
                    error_text(code));
}

int accept(runtime& rt, tcp_listener& l, tcp_stream*& out) noexcept {
  out = nullptr;
  if (const int code = cancel_check(rt)) return code;
  if (!l.slot) {
    give_way(rt);
    return closed();
  }
  // The object first: a connection that has been taken must not be lost for want of memory.
  const auto kind = l.binding ? stream::os_kind::local : stream::os_kind::tcp;
  tcp_stream* s = stream::os_stream_make(rt, kind);
  if (!s) return base::fail(STRUCTIO_ENOMEM, "no memory for a stream");
  for (bool waited = false;; waited = true) {
    int code = reactor::try_accept(*l.slot, s->slot);
    if (code == 0) {
      if (!waited) give_way(rt);
      out = s;
      return 0;
    }
    if (reactor::is_would_wait(code)) {
      ++l.references;
      code = await_connection(rt, l);
      if (code == 0 && !l.slot) code = STRUCTIO_ECLOSED;
      release(l);
    }
    if (code != 0) {
      stream::free(*s);
      return accept_failed(code);
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
  // An error of accepting alone is the call's own; what handlers failed with comes as a group.
  const bool accepting_failed = status < 0 && status != STRUCTIO_ECANCELLED;
  status = nursery_close(own, status, f);
  if (accepting_failed) status = unwrap_only(status, f);
  failure_release(self.in_flight);
  self.in_flight = f;
  if (accepting_failed && f) {
    char line[300];
    failure_one_line(*f, line, sizeof line);
    base::fail(status, "%s", line);
  }
  return status;
}

void shut(tcp_listener& l) noexcept {
  reactor::listener_slot* slot = std::exchange(l.slot, nullptr);
  // The file first: who comes now learns at once that nobody is there.
  if (l.binding) {
    reactor::remove_unix_file(l.binding->path, l.binding->file);
    l.binding->file = {};
  }
  if (slot) reactor::close(*slot);
}

void release(tcp_listener& l) noexcept {
  if (--l.references > 0) return;
  if (l.linked()) l.unlink();
  delete l.binding;
  delete &l;
}

void free_listener(tcp_listener& l) noexcept {
  base::handle_drop(base::handle_kind::listener, l.handle);
  shut(l);
  release(l);
}

}  // namespace structio::rt::net
