// Datagram sockets.
#include "net/datagram.hpp"

#include <cstring>

#include "net/address.hpp"
#include "object.hpp"
#include "reactor/posix_socket.hpp"

using namespace structio;
using namespace structio::capi;
namespace net = structio::rt::net;

namespace {

constexpr auto kind = base::handle_kind::datagram;
constexpr uint32_t v4_size = 16;
static_assert(sizeof(reactor::socket_name) == sizeof(structio_address));

reactor::socket_name* name_of(const structio_address* a) noexcept {
  return reinterpret_cast<reactor::socket_name*>(const_cast<structio_address*>(a));
}

found<net::datagram> in_task_of(structio_datagram* h, const char* call) noexcept {
  return find<net::datagram>(kind, h, call, true);
}

int parse(const char* host, uint16_t port, reactor::socket_name& out) noexcept {
  net::address a;
  if (const int code = net::parse(host, port, a)) return code;
  std::memcpy(out.storage, a.storage, sizeof out.storage);
  out.size = reactor::address_size(*a.get());
  return 0;
}

int system_refused(int code, const char* call) noexcept {
  return code == 0 ? 0 : fail(code, "%s: %s", call, reactor::os_error_text(code));
}

/// The descriptor of an open socket, or -1 with a message.
int open_descriptor(structio_datagram* h, const char* call) noexcept {
  const auto d = find<net::datagram>(kind, h, call, false);
  if (!d.object) return -1;
  if (d.object->descriptor < 0) fail(STRUCTIO_ECLOSED, "%s: it is closed", call);
  return d.object->descriptor;
}

bool is_address(const structio_address* a, const char* call) noexcept {
  if (!a) {
    null_argument(call, "the address");
  } else if (a->size == 0 || a->size > sizeof a->storage) {
    fail(STRUCTIO_EINVALID, "%s: the address has not been filled in", call);
  } else {
    return true;
  }
  return false;
}

int open_udp(const char* call, const structio_udp_options* given, const reactor::socket_name* peer,
             structio_datagram** out) noexcept {
  if (!options_fit(given, call)) return refused();
  const structio_udp_options options = whole(given);
  rt::runtime* r = in_body(call);
  if (!r) return refused();
  reactor::socket_name local;
  const bool bound = !peer || options.host || options.port != 0;
  if (bound) {
    const char* everywhere = peer && peer->size > v4_size ? "::" : "0.0.0.0";
    const int code = parse(options.host ? options.host : everywhere, options.port, local);
    if (code != 0) return code;
  }
  net::datagram_request request{};
  request.call = call;
  request.family = reactor::family_of(bound ? local : *peer);
  request.settings.reuse_address = options.reuse_address != 0;
  request.settings.reuse_port = options.reuse_port != 0;
  request.settings.ipv6_only = options.ipv6_only != 0;
  request.settings.broadcast = options.broadcast != 0;
  request.local = bound ? &local : nullptr;
  request.peer = peer;
  net::datagram* d = nullptr;
  if (const int code = net::datagram_open(*r, request, d)) return code;
  *out = static_cast<structio_datagram*>(d->handle);
  return 0;
}

int send(structio_datagram* h, const void* data, size_t size, const structio_address* to,
         const char* call) noexcept {
  if (!data && size > 0) return null_argument(call, "data");
  const auto d = in_task_of(h, call);
  if (!d.object) return refused();
  const reactor::datagram_part part{const_cast<void*>(data), size, 0, name_of(to), false};
  const int64_t sent = net::send(*d.run, *d.object, &part, 1);
  return sent < 0 ? static_cast<int>(sent) : 0;
}

constexpr size_t batch = 32;

bool has_data(const structio_packet& packet, const char* call) noexcept {
  if (packet.data || packet.size == 0) return true;
  null_argument(call, "the data of a packet");
  return false;
}

}  // namespace

int structio_address_parse(const char* host, uint16_t port, structio_address* out) {
  constexpr const char* call = "structio_address_parse";
  if (!host) return null_argument(call, "host");
  if (!out) return null_argument(call, "out");
  *out = structio_address{};
  return parse(host, port, *name_of(out));
}

int structio_address_from_path(const char* path, structio_address* out) {
  constexpr const char* call = "structio_address_from_path";
  if (!path) return null_argument(call, "path");
  if (!out) return null_argument(call, "out");
  *out = structio_address{};
  return system_refused(reactor::unix_name(path, *name_of(out)), call);
}

int structio_address_format(const structio_address* address, char* host, size_t size,
                            uint16_t* port) {
  constexpr const char* call = "structio_address_format";
  if (!is_address(address, call)) return refused();
  if (reactor::is_unix(reactor::family_of(*name_of(address)))) {
    if (host) reactor::unix_path(*name_of(address), host, size);
    if (port) *port = 0;
    return 0;
  }
  net::address a;
  std::memcpy(a.storage, address->storage, sizeof a.storage);
  return net::format(a, host, size, port);
}

int structio_udp_open(const structio_udp_options* options, structio_datagram** out) {
  constexpr const char* call = "structio_udp_open";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  return open_udp(call, options, nullptr, out);
}

int structio_udp_connect(const char* host, uint16_t port, const structio_udp_options* options,
                         structio_datagram** out) {
  constexpr const char* call = "structio_udp_connect";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (!host) return null_argument(call, "host");
  reactor::socket_name peer;
  if (const int code = parse(host, port, peer)) return code;
  return open_udp(call, options, &peer, out);
}

int structio_unix_datagram_open(const structio_unix_datagram_options* given,
                                structio_datagram** out) {
  constexpr const char* call = "structio_unix_datagram_open";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (!options_fit(given, call)) return refused();
  const structio_unix_datagram_options options = whole(given);
  rt::runtime* r = in_body(call);
  if (!r) return refused();
  reactor::socket_name local, peer;
  int code = options.path ? reactor::unix_name(options.path, local) : 0;
  if (code == 0 && options.peer) code = reactor::unix_name(options.peer, peer);
  if (code != 0) return system_refused(code, call);
  net::datagram_request request{};
  request.call = call;
  request.family = reactor::unix_family();
  request.local = options.path ? &local : nullptr;
  request.peer = options.peer ? &peer : nullptr;
  request.path = options.path && options.path[0] != '@' ? options.path : nullptr;
  net::datagram* d = nullptr;
  code = net::datagram_open(*r, request, d);
  if (code == 0) *out = static_cast<structio_datagram*>(d->handle);
  return code;
}

int structio_datagram_send(structio_datagram* socket, const void* data, size_t size) {
  return send(socket, data, size, nullptr, "structio_datagram_send");
}

int structio_datagram_send_to(structio_datagram* socket, const void* data, size_t size,
                              const structio_address* to) {
  constexpr const char* call = "structio_datagram_send_to";
  if (!is_address(to, call)) return refused();
  return send(socket, data, size, to, call);
}

int64_t structio_datagram_receive(structio_datagram* socket, void* data, size_t size,
                                  structio_address* from, uint32_t* truncated) {
  constexpr const char* call = "structio_datagram_receive";
  if (!data && size > 0) return null_argument(call, "data");
  const auto d = in_task_of(socket, call);
  if (!d.object) return refused();
  reactor::datagram_part part{data, size, 0, name_of(from), false};
  const int64_t got = net::receive(*d.run, *d.object, &part, 1);
  if (got < 0) return got;
  if (truncated) *truncated = part.truncated;
  return static_cast<int64_t>(part.length);
}

int64_t structio_datagram_receive_many(structio_datagram* socket, structio_packet* packets,
                                       size_t count) {
  constexpr const char* call = "structio_datagram_receive_many";
  if (!packets) return null_argument(call, "packets");
  if (count == 0) return fail(STRUCTIO_EINVALID, "%s: no packets are given", call);
  const auto d = in_task_of(socket, call);
  if (!d.object) return refused();
  if (count > batch) count = batch;
  reactor::datagram_part parts[batch];
  for (size_t i = 0; i < count; ++i) {
    if (!has_data(packets[i], call)) return refused();
    parts[i] = {packets[i].data, packets[i].size, 0, name_of(packets[i].address), false};
  }
  const int64_t got = net::receive(*d.run, *d.object, parts, count);
  for (int64_t i = 0; i < got; ++i) {
    packets[i].received = parts[i].length;
    packets[i].truncated = parts[i].truncated;
  }
  return got;
}

int64_t structio_datagram_send_many(structio_datagram* socket, const structio_packet* packets,
                                    size_t count) {
  constexpr const char* call = "structio_datagram_send_many";
  if (!packets) return null_argument(call, "packets");
  if (count == 0) return fail(STRUCTIO_EINVALID, "%s: no packets are given", call);
  const auto d = in_task_of(socket, call);
  if (!d.object) return refused();
  if (count > batch) count = batch;
  reactor::datagram_part parts[batch];
  for (size_t i = 0; i < count; ++i) {
    if (!has_data(packets[i], call)) return refused();
    if (packets[i].address && !is_address(packets[i].address, call)) return refused();
    parts[i] = {packets[i].data, packets[i].size, 0, name_of(packets[i].address), false};
  }
  return net::send(*d.run, *d.object, parts, count);
}

int structio_datagram_close(structio_datagram* socket) {
  const auto d = find<net::datagram>(kind, socket, "structio_datagram_close", false);
  if (!d.object) return refused();
  net::shut(*d.object);
  return 0;
}

int structio_datagram_free(structio_datagram* socket) {
  constexpr const char* call = "structio_datagram_free";
  if (!socket) return 0;
  auto* d = handle<net::datagram>(kind, socket, call);
  if (!d || !may_free(*d, call)) return refused();
  net::free_datagram(*d);
  return 0;
}

int structio_datagram_local_address(structio_datagram* socket, structio_address* out) {
  constexpr const char* call = "structio_datagram_local_address";
  if (!out) return null_argument(call, "out");
  const int descriptor = open_descriptor(socket, call);
  if (descriptor < 0) return refused();
  return system_refused(reactor::datagram_name(descriptor, false, *name_of(out)), call);
}

int structio_datagram_peer_address(structio_datagram* socket, structio_address* out) {
  constexpr const char* call = "structio_datagram_peer_address";
  if (!out) return null_argument(call, "out");
  const int descriptor = open_descriptor(socket, call);
  if (descriptor < 0) return refused();
  return system_refused(reactor::datagram_name(descriptor, true, *name_of(out)), call);
}

int structio_datagram_descriptor(structio_datagram* socket, int64_t* descriptor) {
  constexpr const char* call = "structio_datagram_descriptor";
  if (!descriptor) return null_argument(call, "descriptor");
  const int number = open_descriptor(socket, call);
  if (number < 0) return refused();
  *descriptor = number;
  return 0;
}

int structio_datagram_join(structio_datagram* socket, const structio_address* group,
                           const char* interface_name) {
  constexpr const char* call = "structio_datagram_join";
  const int descriptor = open_descriptor(socket, call);
  if (descriptor < 0 || !is_address(group, call)) return refused();
  return system_refused(
      reactor::multicast_member(descriptor, *name_of(group), interface_name, true), call);
}

int structio_datagram_leave(structio_datagram* socket, const structio_address* group,
                            const char* interface_name) {
  constexpr const char* call = "structio_datagram_leave";
  const int descriptor = open_descriptor(socket, call);
  if (descriptor < 0 || !is_address(group, call)) return refused();
  return system_refused(
      reactor::multicast_member(descriptor, *name_of(group), interface_name, false), call);
}

int structio_datagram_multicast_loop(structio_datagram* socket, int on) {
  constexpr const char* call = "structio_datagram_multicast_loop";
  const int descriptor = open_descriptor(socket, call);
  if (descriptor < 0) return refused();
  return system_refused(reactor::multicast_loop(descriptor, on != 0), call);
}

int structio_datagram_multicast_hops(structio_datagram* socket, int hops) {
  constexpr const char* call = "structio_datagram_multicast_hops";
  const int descriptor = open_descriptor(socket, call);
  if (descriptor < 0) return refused();
  return system_refused(reactor::multicast_hops(descriptor, hops), call);
}

int structio_datagram_multicast_interface(structio_datagram* socket, const char* interface_name) {
  constexpr const char* call = "structio_datagram_multicast_interface";
  const int descriptor = open_descriptor(socket, call);
  if (descriptor < 0) return refused();
  return system_refused(reactor::multicast_interface(descriptor, interface_name), call);
}
