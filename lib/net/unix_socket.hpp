// Unix sockets: listeners, whose file goes with them, connections, and descriptors sent along. What
// they have in common with TCP they share with it.
#pragma once

#include <cstddef>

#include "net/tcp.hpp"
#include "reactor/posix_unix.hpp"

namespace structio::rt::net {

/// The file of a listener, which is removed when the listener is closed.
struct unix_binding {
  char path[reactor::longest_unix_path + 1];
  reactor::unix_file file;
};

/// Each as its function in structio_unix.h; the handle has been looked up and the run checked.
int unix_listen(runtime& rt, const char* path, const reactor::unix_listen_settings& settings,
                tcp_listener*& out) noexcept;
int unix_connect(runtime& rt, const char* path, stream::os_stream*& out) noexcept;
int send_descriptors(runtime& rt, stream::os_stream& s, const void* data, std::size_t size,
                     const std::int64_t* descriptors, std::size_t count) noexcept;
std::int64_t receive_descriptors(runtime& rt, stream::os_stream& s, void* buffer, std::size_t size,
                                 reactor::received_descriptors& out) noexcept;

}  // namespace structio::rt::net
