// System calls for datagram sockets, none of which waits. Results are libuv's codes (negated
// errno); UV_EAGAIN: would have to wait.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reactor/uv_stream.hpp"

namespace structio::reactor {

/// An address of any family as the system takes it; size 0: none.
struct socket_name {
  alignas(8) unsigned char storage[128];
  std::uint32_t size = 0;
};

struct datagram_settings {
  bool reuse_address = false;
  bool reuse_port = false;
  bool ipv6_only = false;
  bool broadcast = false;
};

/// A descriptor, non-blocking and closed on exec, bound to `local` when that has a size and
/// connected to `peer` when that has one; or a code.
int datagram_socket(int family, const datagram_settings& settings, const socket_name* local,
                    const socket_name* peer) noexcept;

/// One of a batch. `length` is filled in by receiving, `name` too unless it is null.
struct datagram_part {
  void* data;
  std::size_t size;
  std::size_t length;
  socket_name* name;
  bool truncated;
};

/// How many were received or sent, at least one; or a code, nothing having been moved.
std::int64_t datagram_receive(int descriptor, datagram_part* parts, std::size_t count) noexcept;
std::int64_t datagram_send(int descriptor, const datagram_part* parts, std::size_t count) noexcept;

int datagram_name(int descriptor, bool of_peer, socket_name& out) noexcept;

int family_of(const socket_name& name) noexcept;
bool is_unix(int family) noexcept;
/// The name of a path; "@name": Linux's abstract names. 0 or a code (UV_ENAMETOOLONG).
int unix_name(const char* path, socket_name& out) noexcept;
/// Writes the path, terminated; empty for a socket without a name.
void unix_path(const socket_name& name, char* out, std::size_t size) noexcept;
int unix_family() noexcept;
/// Membership of a multicast group, on the interface of this name or (null) the system's choice.
int multicast_member(int descriptor, const socket_name& group, const char* interface_name,
                     bool join) noexcept;
int multicast_loop(int descriptor, bool on) noexcept;
int multicast_hops(int descriptor, int hops) noexcept;
int multicast_interface(int descriptor, const char* interface_name) noexcept;

/// Options by the system's numbers.
int option_get(int descriptor, int level, int name, void* value, std::size_t& size) noexcept;
int option_set(int descriptor, int level, int name, const void* value, std::size_t size) noexcept;

/// Times in seconds; 0: as it was.
int set_keepalive(int descriptor, bool on, int idle, int interval, int count) noexcept;
int set_buffer(int descriptor, bool sending, int size) noexcept;
int get_buffer(int descriptor, bool sending, int& size) noexcept;
int set_abort_on_close(int descriptor, bool on) noexcept;
int set_hops(int descriptor, int hops) noexcept;

}  // namespace structio::reactor
