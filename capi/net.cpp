// TCP connections and listeners.
#include "net/tcp.hpp"

#include "os_stream.hpp"
#include "runtime/wait.hpp"

using namespace structio;
using namespace structio::capi;
namespace net = structio::rt::net;

namespace {

// A stream that has to be a TCP connection.
found<net::tcp_stream> connection_in(structio_stream* h, const char* call) noexcept {
  const auto s = find<rt::stream::byte_stream>(base::handle_kind::stream, h, call, false);
  if (!s.object) return {};
  if (net::tcp_stream* tcp = net::as_tcp(*s.object)) return {tcp, s.run};
  fail(STRUCTIO_EMISUSE, "%s: the stream is no TCP connection", call);
  return {};
}

found<net::tcp_listener> listener_in(structio_listener* h, const char* call) noexcept {
  return find<net::tcp_listener>(base::handle_kind::listener, h, call, true);
}

template <class Slot>
int address_of(const Slot* slot, int (*ask)(const Slot&, sockaddr_storage&) noexcept, char* host,
               size_t size, uint16_t* port, const char* call) noexcept {
  if (!slot) return closed(call);
  net::address a{};
  if (const int code = ask(*slot, a.full())) {
    return fail(code, "%s: %s", call, reactor::os_error_text(code));
  }
  return net::format(a, host, size, port);
}

}  // namespace

int structio_tcp_listen(const structio_tcp_listen_options* given, structio_listener** out) {
  constexpr const char* call = "structio_tcp_listen";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (!options_fit(given, call)) return refused();
  const structio_tcp_listen_options options = whole(given);
  if (options.backlog < 0) return fail(STRUCTIO_EINVALID, "%s: the backlog is negative", call);
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  net::listen_request request{};
  request.host = options.host ? options.host : "0.0.0.0";
  request.port = options.port;
  request.settings.backlog = options.backlog;
  request.settings.reuse_port = options.reuse_port != 0;
  request.settings.ipv6_only = options.ipv6_only != 0;
  request.settings.nodelay = true;
  net::tcp_listener* l = nullptr;
  if (const int code = net::tcp_listen(*r, request, l)) return code;
  *out = static_cast<structio_listener*>(l->handle);
  return 0;
}

int structio_listener_accept(structio_listener* listener, structio_stream** out) {
  constexpr const char* call = "structio_listener_accept";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  const auto l = listener_in(listener, call);
  if (!l.object) return refused();
  net::tcp_stream* s = nullptr;
  if (const int code = net::accept(*l.run, *l.object, s)) return code;
  *out = static_cast<structio_stream*>(s->handle);
  return 0;
}

int structio_listener_address(structio_listener* listener, char* host, size_t size,
                              uint16_t* port) {
  constexpr const char* call = "structio_listener_address";
  const auto l = find<net::tcp_listener>(base::handle_kind::listener, listener, call, false);
  if (!l.object) return refused();
  return address_of<reactor::listener_slot>(l.object->slot, reactor::local_address, host, size,
                                            port, call);
}

int structio_listener_close(structio_listener* listener) {
  const auto l = listener_in(listener, "structio_listener_close");
  if (!l.object) return refused();
  net::shut(*l.object);
  rt::give_way(*l.run);
  return rt::cancel_check(*l.run);
}

int structio_listener_free(structio_listener* listener) {
  constexpr const char* call = "structio_listener_free";
  if (!listener) return 0;
  auto* l = handle<net::tcp_listener>(base::handle_kind::listener, listener, call);
  if (!l || !may_free(*l, call)) return refused();
  net::free_listener(*l);
  return 0;
}

int structio_tcp_connect(const structio_tcp_connect_options* given, structio_stream** out) {
  constexpr const char* call = "structio_tcp_connect";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (!options_fit(given, call)) return refused();
  const structio_tcp_connect_options options = whole(given);
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  net::tcp_stream* s = nullptr;
  const char* host = options.host ? options.host : "127.0.0.1";
  if (const int code = net::tcp_connect(*r, host, options.port, s)) return code;
  *out = static_cast<structio_stream*>(s->handle);
  return 0;
}

int structio_stream_local_address(structio_stream* stream, char* host, size_t size,
                                  uint16_t* port) {
  constexpr const char* call = "structio_stream_local_address";
  const auto s = connection_in(stream, call);
  if (!s.object) return refused();
  return address_of<reactor::stream_slot>(s.object->slot, reactor::local_address, host, size, port,
                                          call);
}

int structio_stream_peer_address(structio_stream* stream, char* host, size_t size, uint16_t* port) {
  constexpr const char* call = "structio_stream_peer_address";
  const auto s = connection_in(stream, call);
  if (!s.object) return refused();
  return address_of<reactor::stream_slot>(s.object->slot, reactor::peer_address, host, size, port,
                                          call);
}

int structio_stream_set_nodelay(structio_stream* stream, int on) {
  constexpr const char* call = "structio_stream_set_nodelay";
  const auto s = connection_in(stream, call);
  if (!s.object) return refused();
  if (!s.object->slot) return closed(call);
  const int code = reactor::set_nodelay(*s.object->slot, on != 0);
  return code == 0 ? 0 : fail(code, "%s: %s", call, reactor::os_error_text(code));
}

int structio_stream_descriptor(structio_stream* stream, int64_t* descriptor) {
  constexpr const char* call = "structio_stream_descriptor";
  if (!descriptor) return null_argument(call, "descriptor");
  const auto s = os_stream_in(stream, call);
  if (!s.object) return refused();
  if (!s.object->slot) return closed(call);
  const int64_t number = reactor::file_descriptor(*s.object->slot);
  if (number < 0) {
    const int code = static_cast<int>(number);
    return fail(code, "%s: %s", call, reactor::os_error_text(code));
  }
  *descriptor = number;
  return 0;
}

int structio_serve(structio_listener* listener, structio_serve_fn handler, void* arg,
                   const structio_serve_options* given) {
  constexpr const char* call = "structio_serve";
  if (!handler) return null_argument(call, "handler");
  if (!options_fit(given, call)) return refused();
  const structio_serve_options options = whole(given);
  const auto l = listener_in(listener, call);
  if (!l.object) return refused();
  rt::nursery* home = nullptr;
  if (options.handler_nursery) {
    home = block<rt::nursery>(options.handler_nursery, call, "handler_nursery");
    if (!home) return refused();
    if (home->state == rt::nursery_state::closed) {
      return fail(STRUCTIO_ECLOSED, "%s: the handlers' nursery has ended", call);
    }
    if (home->rt != l.run) return other_run(call);
  }
  return net::serve(*l.run, *l.object, {handler, arg, home, options.handler_owns_stream != 0});
}
