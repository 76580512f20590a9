// Listeners: binding, accepting, closing. What serves with them is in serve.cpp.
#include <utility>

#include "base/handle_table.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "net/resolve.hpp"
#include "net/tcp.hpp"
#include "net/unix_socket.hpp"
#include "reactor/uv_address.hpp"
#include "reactor/uv_readiness.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::net {

namespace {

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
    case STRUCTIO_EINTERRUPTED:
    case STRUCTIO_ELIMIT: return code;
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

}  // namespace

tcp_listener* listener_make(runtime& rt) noexcept {
  auto* l = base::make<tcp_listener>();
  if (l) l->handle = base::handle_make(base::handle_kind::listener, l);
  if (!l || !l->handle) {
    base::destroy(l);
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

namespace {

// Families that the system is without.
bool is_absent_family(int code) noexcept {
  return code == reactor::family_unsupported || code == reactor::address_unavailable;
}

int listen_at(runtime& rt, const address& at, const reactor::listen_settings& settings,
              tcp_listener*& out) noexcept {
  out = listener_make(rt);
  if (!out) return STRUCTIO_ENOMEM;
  const int code = reactor::tcp_listen(rt.kernel, at.get(), settings, out->slot);
  if (code == 0) return 0;
  free_listener(*out);
  out = nullptr;
  return code;
}

// Listens on every address of the list; port 0 becomes the one that the first was given. On failure
// none is left, and `failed` is the address that it was about.
int listen_on_all(runtime& rt, address_list& list, const reactor::listen_settings& settings,
                  tcp_listener** out, std::size_t& count, std::size_t& failed) noexcept {
  std::uint16_t port = 0;
  int absent = 0;
  int code = 0;
  count = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (port != 0) set_port(list[i], port);
    code = listen_at(rt, list[i], settings, out[count]);
    if (code == 0) {
      address own;
      if (reactor::local_address(*out[count]->slot, own.full()) == 0) port = port_of(own);
      ++count;
      continue;
    }
    failed = i;
    if (!is_absent_family(code)) break;
    absent = code;
    code = 0;
  }
  if (code == 0 && count == 0) code = absent;
  if (code != 0) {
    while (count > 0) free_listener(*std::exchange(out[--count], nullptr));
  }
  return code;
}

// How often another port is tried that has to be free for all addresses.
constexpr int port_attempts = 20;

}  // namespace

int tcp_listen_all(runtime& rt, const listen_request& request, tcp_listener** out,
                   std::size_t capacity, std::size_t& count) noexcept {
  count = 0;
  reactor::name_query query{};
  query.host = request.host;
  query.port = request.port;
  query.listening = true;
  address_list list;
  if (const int code = resolve(rt, query, list)) return code;
  list.drop_repeated();  // resolvers give some twice, such as both names of a machine
  if (list.size() > capacity) {
    return base::fail(STRUCTIO_ELIMIT, "there are %zu addresses to listen on, and room for %zu",
                      list.size(), capacity);
  }
  reactor::listen_settings settings = request.settings;
  settings.ipv6_only = true;  // IPv4 has a listener of its own
  int code = 0;
  std::size_t failed = 0;
  for (int attempt = 0; attempt < port_attempts; ++attempt) {
    code = listen_on_all(rt, list, settings, out, count, failed);
    if (code != reactor::address_in_use || request.port != 0) break;
    for (std::size_t i = 0; i < list.size(); ++i) set_port(list[i], 0);
  }
  if (code == 0) return 0;
  char host[64] = "?";
  format(list[failed], host, sizeof host, nullptr);
  return base::fail(code, "cannot listen on %s port %u: %s", host, request.port, error_text(code));
}

int accept(runtime& rt, tcp_listener& l, tcp_stream*& out, accept_gate* gate) noexcept {
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
    const bool open = !gate || gate->enter(*gate);
    int code = open ? reactor::try_accept(*l.slot, s->slot, s->peer) : int{STRUCTIO_ELIMIT};
    if (code == 0) {
      if (!waited) give_way(rt);
      out = s;
      return 0;
    }
    if (reactor::is_would_wait(code)) {
      if (gate) gate->leave(*gate);
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

void shut(tcp_listener& l) noexcept {
  reactor::listener_slot* slot = std::exchange(l.slot, nullptr);
  // The file first: who comes now learns at once that nobody is there.
  if (l.binding) {
    reactor::remove_unix_file(l.binding->path, l.binding->file);
    l.binding->file = {};
  }
  if (!slot) return;
  reactor::readiness_closing(l.rt->kernel, reactor::file_descriptor(*slot));
  reactor::close(*slot);
}

void release(tcp_listener& l) noexcept {
  if (--l.references > 0) return;
  if (l.linked()) l.unlink();
  base::destroy(l.binding);
  base::destroy(&l);
}

void free_listener(tcp_listener& l) noexcept {
  base::handle_drop(base::handle_kind::listener, l.handle);
  shut(l);
  release(l);
}

}  // namespace structio::rt::net
