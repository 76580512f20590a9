// What a descriptor is, and making pipes: for those that come from elsewhere and are to be streams.
// Results are libuv's codes (negated errno).
#pragma once

namespace structio::reactor {

struct descriptor_facts {
  bool reads = false;
  bool writes = false;
  bool socket = false;    ///< one that moves bytes and is connected
  bool internet = false;  ///< such a socket, of IPv4 or IPv6
  bool terminal = false;
};

/// 0; UV_EBADF; UV_EINVAL for sockets that move no bytes or are not connected.
int look_at(int descriptor, descriptor_facts& out) noexcept;

/// 0, UV_EBADF, or UV_EPERM for what is always ready, such as files.
int can_be_watched(int descriptor) noexcept;

/// The controlling end of a pseudo terminal: reads EIO once nobody has the other end open.
bool is_terminal_master(int descriptor) noexcept;

bool is_blocking(int descriptor) noexcept;
void make_blocking(int descriptor) noexcept;

/// Both ends closed on exec, and not blocking. 0 or a code.
int make_pipe(int& reading, int& writing) noexcept;

/// A pair of connected Unix sockets, likewise.
int make_socket_pair(int& one, int& other) noexcept;

/// Another descriptor for the same, closed on exec; or a code.
int duplicate(int descriptor) noexcept;

}  // namespace structio::reactor
