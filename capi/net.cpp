// TCP connections and listeners.
#include "net/dial.hpp"
#include "net/serve.hpp"

#include "os_stream.hpp"
#include "runtime/wait.hpp"
#include "serve_options.hpp"

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

// What both ways of listening are asked for. False when refused.
bool listening(const structio_tcp_listen_options* given, net::listen_request& request,
               const char* call) noexcept {
  if (!options_fit(given, call)) return false;
  const structio_tcp_listen_options options = whole(given);
  if (options.backlog < 0) {
    fail(STRUCTIO_EINVALID, "%s: the backlog is negative", call);
    return false;
  }
  request.host = options.host;
  request.port = options.port;
  request.settings.backlog = options.backlog;
  request.settings.reuse_port = options.reuse_port != 0;
  request.settings.ipv6_only = options.ipv6_only != 0;
  request.settings.nodelay = true;
  return true;
}

}  // namespace

int structio_tcp_listen(const structio_tcp_listen_options* given, structio_listener** out) {
  constexpr const char* call = "structio_tcp_listen";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  net::listen_request request{};
  rt::runtime* r = listening(given, request, call) ? in_body(call) : nullptr;
  if (!r) return refused();
  if (!request.host) request.host = "0.0.0.0";
  net::tcp_listener* l = nullptr;
  if (const int code = net::tcp_listen(*r, request, l)) return code;
  *out = static_cast<structio_listener*>(l->handle);
  return 0;
}

int structio_tcp_listen_all(const structio_tcp_listen_options* given, structio_listener** listeners,
                            size_t capacity, size_t* count) {
  constexpr const char* call = "structio_tcp_listen_all";
  if (!listeners) return null_argument(call, "listeners");
  if (!count) return null_argument(call, "count");
  *count = 0;
  net::listen_request request{};
  rt::runtime* r = listening(given, request, call) ? in_task(call) : nullptr;
  if (!r) return refused();
  // The place of each handle holds its object first.
  auto** objects = reinterpret_cast<net::tcp_listener**>(listeners);
  std::size_t made = 0;
  const int code = net::tcp_listen_all(*r, request, objects, capacity, made);
  for (std::size_t i = 0; i < made; ++i) {
    listeners[i] = static_cast<structio_listener*>(objects[i]->handle);
  }
  *count = made;
  return code;
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

int structio_listener_descriptor(structio_listener* listener, int64_t* descriptor) {
  constexpr const char* call = "structio_listener_descriptor";
  if (!descriptor) return null_argument(call, "descriptor");
  const auto l = find<net::tcp_listener>(base::handle_kind::listener, listener, call, false);
  if (!l.object) return refused();
  if (!l.object->slot) return closed(call);
  *descriptor = reactor::file_descriptor(*l.object->slot);
  return 0;
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
  if (options.host && !*options.host) {
    return fail(STRUCTIO_EINVALID, "%s: the host is empty", call);
  }
  if (options.attempt_delay < 0) {
    return fail(STRUCTIO_EINVALID, "%s: the delay between attempts is negative", call);
  }
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  net::dial_request request{};
  request.host = options.host ? options.host : "127.0.0.1";
  request.port = options.port;
  request.attempt_delay =
      options.attempt_delay ? options.attempt_delay : net::default_attempt_delay;
  request.local_host = options.local_host;
  rt::stream::byte_stream* s = nullptr;
  if (const int code = net::dial(*r, request, s)) return code;
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
  if (!s.object->slot) return closed(call);
  net::address a;
  if (const int code = net::peer_of(*s.object, a)) {
    return fail(code, "%s: %s", call, reactor::os_error_text(code));
  }
  return net::format(a, host, size, port);
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
  net::serve_request request{};
  if (!read_serving(given, handler, arg, request, call)) return refused();
  const auto l = listener_in(listener, call);
  if (!l.object) return refused();
  if (!serves_in(*l.run, request)) return other_run(call);
  return net::serve(*l.run, *l.object, request);
}

int structio_serve_all(structio_listener* const* listeners, size_t count, structio_serve_fn handler,
                       void* arg, const structio_serve_options* given) {
  constexpr const char* call = "structio_serve_all";
  if (!listeners) return null_argument(call, "listeners");
  constexpr std::size_t most = 64;
  if (count == 0 || count > most) {
    return fail(STRUCTIO_EINVALID, "%s: 1 to %zu listeners are served at once", call, most);
  }
  net::serve_request request{};
  if (!read_serving(given, handler, arg, request, call)) return refused();
  net::tcp_listener* objects[most];
  rt::runtime* run = nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    const auto l = listener_in(listeners[i], call);
    if (!l.object) return refused();
    objects[i] = l.object;
    run = l.run;
  }
  if (!serves_in(*run, request)) return other_run(call);
  return net::serve_all(*run, objects, count, request);
}
