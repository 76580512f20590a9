// Waiting for descriptors of one's own, or of a library of somebody else's.
//
//     int sock = PQsocket(connection);
//     structio::wait_readable(sock);
//     PQconsumeInput(connection);
//
// Always true: a descriptor is left as it is; make it non-blocking.
#pragma once

#include <structio/structio_readiness.h>
#include <structio/error.hpp>

#include <concepts>
#include <cstdint>

namespace structio {
inline namespace v0 {

/// What has a descriptor: a socket of your own class, a tcp_stream.
template <class Object>
concept has_descriptor = requires(const Object& object) {
  { object.descriptor() } -> std::convertible_to<std::int64_t>;
};

/// Waits until reading from a descriptor would not block; its failure or hang-up counts as that.
/// What is never not ready, such as a file on disk, is ready at once. Checkpoint. Throws
/// `cancelled`, busy_error (another task waits for the same), closed_error (see notify_closing),
/// error (EBADF: not an open descriptor).
inline void wait_readable(int descriptor) {
  detail::blocking([descriptor] { return structio_wait_readable(descriptor); });
}

/// The same for writing.
inline void wait_writable(int descriptor) {
  detail::blocking([descriptor] { return structio_wait_writable(descriptor); });
}

/// Says that a descriptor is about to be closed: whoever waits for it gets closed_error. Close it
/// before the next checkpoint. Any task or hook. Throws error (EBADF: negative).
inline void notify_closing(int descriptor) {
  detail::check(structio_notify_closing(descriptor));
}

void wait_readable(const has_descriptor auto& object) {
  wait_readable(static_cast<int>(object.descriptor()));
}
void wait_writable(const has_descriptor auto& object) {
  wait_writable(static_cast<int>(object.descriptor()));
}
void notify_closing(const has_descriptor auto& object) {
  notify_closing(static_cast<int>(object.descriptor()));
}

}  // namespace v0
}  // namespace structio
