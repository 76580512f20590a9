// Options of sockets, for whatever has a descriptor: TCP connections and listeners, Unix streams,
// datagram sockets. Each function throws error with the system's code, and what asking for the
// descriptor throws.
//
//     structio::set_keepalive(conn, {.idle = 60s, .interval = 10s, .probes = 3});
#pragma once

#include <structio/structio_socket.h>
#include <structio/error.hpp>
#include <structio/readiness.hpp>
#include <structio/time.hpp>

#include <cstddef>
#include <cstdint>

namespace structio {
inline namespace v0 {

/// When a connection on which nothing happens is probed; 0: as the system has it. Times are rounded
/// up to seconds.
struct keepalive_options {
  duration idle = duration::zero();
  duration interval = duration::zero();
  int probes = 0;  ///< so many without an answer, and the connection is given up
};

void set_keepalive(const has_descriptor auto& socket, const keepalive_options& options = {}) {
  detail::check(structio_socket_set_keepalive(socket.descriptor(), 1, options.idle.count(),
                                              options.interval.count(), options.probes));
}
void clear_keepalive(const has_descriptor auto& socket) {
  detail::check(structio_socket_set_keepalive(socket.descriptor(), 0, 0, 0, 0));
}

/// The system's buffers in bytes. It may round what is set (Linux doubles it).
void set_send_buffer(const has_descriptor auto& socket, int size) {
  detail::check(structio_socket_set_send_buffer(socket.descriptor(), size));
}
void set_receive_buffer(const has_descriptor auto& socket, int size) {
  detail::check(structio_socket_set_receive_buffer(socket.descriptor(), size));
}
int send_buffer(const has_descriptor auto& socket) {
  int size = 0;
  detail::check(structio_socket_send_buffer(socket.descriptor(), &size));
  return size;
}
int receive_buffer(const has_descriptor auto& socket) {
  int size = 0;
  detail::check(structio_socket_receive_buffer(socket.descriptor(), &size));
  return size;
}

/// Closing throws away what was not sent, and the peer sees a reset; or not, as it is by default.
void reset_on_close(const has_descriptor auto& socket, bool on) {
  detail::check(structio_socket_set_linger(socket.descriptor(), on ? 0 : -1));
}

/// TTL (IPv4) or hop limit (IPv6) of what is sent to single receivers.
void set_hops(const has_descriptor auto& socket, int hops) {
  detail::check(structio_socket_set_hops(socket.descriptor(), hops));
}

}  // namespace v0
}  // namespace structio
