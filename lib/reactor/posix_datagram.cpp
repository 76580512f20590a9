// Datagram sockets by the POSIX book; batches in one call where the system has one.
#include "reactor/posix_datagram.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "reactor/posix_socket.hpp"
#include "reactor/posix_unix.hpp"

namespace structio::reactor {
namespace {

sockaddr* system_form(const socket_name& name) noexcept {
  return reinterpret_cast<sockaddr*>(const_cast<unsigned char*>(name.storage));
}

int set_int(int descriptor, int level, int name, int value) noexcept {
  return setsockopt(descriptor, level, name, &value, sizeof value) == 0 ? 0 : -errno;
}

int new_socket(int family) noexcept {
#if defined(__linux__) || defined(__FreeBSD__)
  const int descriptor = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return descriptor >= 0 ? descriptor : -errno;
#else
  const int descriptor = socket(family, SOCK_DGRAM, 0);
  if (descriptor < 0) return -errno;
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 &&
      fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0) {
    return descriptor;
  }
  const int code = -errno;
  close_socket(descriptor);
  return code;
#endif
}

int prepare(int descriptor, int family, const datagram_settings& settings) noexcept {
  int code = 0;
  if (settings.reuse_address) code = set_int(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (code == 0 && settings.reuse_port) {
#if defined(SO_REUSEPORT)
    code = set_int(descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
#else
    code = -ENOTSUP;
#endif
  }
  if (code == 0 && settings.broadcast) code = set_int(descriptor, SOL_SOCKET, SO_BROADCAST, 1);
  // Always said, because the system's default is the administrator's choice.
  if (code == 0 && family == AF_INET6) {
    code = set_int(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, settings.ipv6_only);
  }
  return code;
}

// A path that this process has just bound a socket to, which comes to nothing.
void remove_path_of(const socket_name& name) noexcept {
  char path[112];
  unix_path(name, path, sizeof path);
  remove_unix_file(path, file_at(path));
}

msghdr header_of(const datagram_part& part, iovec& piece) noexcept {
  piece.iov_base = part.data;
  // The system refuses sizes that reach beyond the end of memory, by which "as much as there is"
  // may be meant. No datagram is as long as this.
  constexpr std::size_t most = std::size_t{1} << 30;
  piece.iov_len = part.size < most ? part.size : most;
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  if (part.name) header.msg_name = part.name->storage;
  return header;
}

void received(datagram_part& part, const msghdr& header, std::size_t length) noexcept {
  part.length = length;
  part.truncated = (header.msg_flags & MSG_TRUNC) != 0;
  if (!part.name) return;
  part.name->size = static_cast<std::uint32_t>(header.msg_namelen);
  if (part.name->size > 0) return;
  // Only Unix sockets have no name: an address without a path, as its own socket would tell.
  system_form(*part.name)->sa_family = AF_UNIX;
  part.name->size = offsetof(sockaddr_un, sun_path);
}

[[maybe_unused]] std::int64_t receive_one(int descriptor, datagram_part& part) noexcept {
  iovec piece;
  msghdr header = header_of(part, piece);
  if (part.name) header.msg_namelen = sizeof part.name->storage;
  ssize_t got;
  do {
    got = recvmsg(descriptor, &header, 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno == EWOULDBLOCK ? -EAGAIN : -errno;
  received(part, header, static_cast<std::size_t>(got));
  return 1;
}

[[maybe_unused]] std::int64_t send_one(int descriptor, const datagram_part& part) noexcept {
  iovec piece;
  msghdr header = header_of(part, piece);
  if (part.name) header.msg_namelen = part.name->size;
  ssize_t sent;
  do {
    sent = sendmsg(descriptor, &header, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return errno == EWOULDBLOCK ? -EAGAIN : -errno;
  return 1;
}

}  // namespace

int datagram_socket(int family, const datagram_settings& settings, const socket_name* local,
                    const socket_name* peer) noexcept {
  const int descriptor = new_socket(family);
  if (descriptor < 0) return descriptor;
  int code = is_unix(family) ? 0 : prepare(descriptor, family, settings);
  if (code == 0 && local && local->size > 0) {
    if (bind(descriptor, system_form(*local), local->size) != 0) code = -errno;
  }
  if (code == 0 && peer && peer->size > 0) {
    if (connect(descriptor, system_form(*peer), peer->size) != 0) code = -errno;
    if (code != 0 && is_unix(family) && local && local->size > 0) remove_path_of(*local);
  }
  if (code == 0) return descriptor;
  close_socket(descriptor);
  return code;
}

#if defined(__linux__)

namespace {
constexpr std::size_t most_at_once = 32;  // headers stand on a fiber's stack
}

std::int64_t datagram_receive(int descriptor, datagram_part* parts, std::size_t count) noexcept {
  if (count == 1) return receive_one(descriptor, *parts);
  mmsghdr headers[most_at_once];
  iovec pieces[most_at_once];
  if (count > most_at_once) count = most_at_once;
  for (std::size_t i = 0; i < count; ++i) {
    headers[i].msg_hdr = header_of(parts[i], pieces[i]);
    if (parts[i].name) headers[i].msg_hdr.msg_namelen = sizeof parts[i].name->storage;
    headers[i].msg_len = 0;
  }
  int got;
  do {
    got = recvmmsg(descriptor, headers, static_cast<unsigned>(count), MSG_DONTWAIT, nullptr);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return -errno;
  for (int i = 0; i < got; ++i) received(parts[i], headers[i].msg_hdr, headers[i].msg_len);
  return got;
}

std::int64_t datagram_send(int descriptor, const datagram_part* parts, std::size_t count) noexcept {
  if (count == 1) return send_one(descriptor, *parts);
  mmsghdr headers[most_at_once];
  iovec pieces[most_at_once];
  if (count > most_at_once) count = most_at_once;
  for (std::size_t i = 0; i < count; ++i) {
    headers[i].msg_hdr = header_of(parts[i], pieces[i]);
    if (parts[i].name) headers[i].msg_hdr.msg_namelen = parts[i].name->size;
    headers[i].msg_len = 0;
  }
  int sent;
  do {
    sent = sendmmsg(descriptor, headers, static_cast<unsigned>(count), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

#else

std::int64_t datagram_receive(int descriptor, datagram_part* parts, std::size_t count) noexcept {
  std::size_t done = 0;
  for (; done < count; ++done) {
    const std::int64_t code = receive_one(descriptor, parts[done]);
    if (code < 0) return done > 0 ? static_cast<std::int64_t>(done) : code;
  }
  return static_cast<std::int64_t>(done);
}

std::int64_t datagram_send(int descriptor, const datagram_part* parts, std::size_t count) noexcept {
  std::size_t done = 0;
  for (; done < count; ++done) {
    const std::int64_t code = send_one(descriptor, parts[done]);
    if (code < 0) return done > 0 ? static_cast<std::int64_t>(done) : code;
  }
  return static_cast<std::int64_t>(done);
}

#endif

int datagram_name(int descriptor, bool of_peer, socket_name& out) noexcept {
  socklen_t size = sizeof out.storage;
  const int status = of_peer ? getpeername(descriptor, system_form(out), &size)
                             : getsockname(descriptor, system_form(out), &size);
  if (status != 0) return -errno;
  out.size = static_cast<std::uint32_t>(size);
  return 0;
}

int family_of(const socket_name& name) noexcept {
  return name.size >= sizeof(sa_family_t) ? system_form(name)->sa_family : AF_UNSPEC;
}

bool is_unix(int family) noexcept {
  return family == AF_UNIX;
}

int unix_family() noexcept {
  return AF_UNIX;
}

int unix_name(const char* path, socket_name& out) noexcept {
  sockaddr_un name{};
  const std::size_t length = std::strlen(path);
  if (length == 0) return -EINVAL;
  if (length >= sizeof name.sun_path) return -ENAMETOOLONG;
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path, length);
  std::size_t size = offsetof(sockaddr_un, sun_path) + length + 1;
  if (path[0] == '@') {
#if defined(__linux__)
    name.sun_path[0] = 0;
    --size;  // such names have no end but their size
#else
    return -ENOTSUP;
#endif
  }
  std::memcpy(out.storage, &name, sizeof name);
  out.size = static_cast<std::uint32_t>(size);
  return 0;
}

void unix_path(const socket_name& name, char* out, std::size_t size) noexcept {
  if (size == 0) return;
  constexpr std::size_t start = offsetof(sockaddr_un, sun_path);
  std::size_t length = name.size > start ? name.size - start : 0;
  const char* path = reinterpret_cast<const char*>(name.storage) + start;
  const bool abstract_name = length > 0 && path[0] == 0;
  if (!abstract_name) length = strnlen(path, length);
  if (length > size - 1) length = size - 1;
  std::memcpy(out, path, length);
  if (abstract_name && length > 0) out[0] = '@';
  out[length] = 0;
}

namespace {

int interface_index(const char* name, unsigned& out) noexcept {
  out = 0;
  if (!name) return 0;
  out = if_nametoindex(name);
  return out != 0 ? 0 : -ENODEV;
}

int family_of(int descriptor) noexcept {
  socket_name own;
  return datagram_name(descriptor, false, own) == 0 ? family_of(own) : AF_UNSPEC;
}

}  // namespace

int multicast_member(int descriptor, const socket_name& group, const char* interface_name,
                     bool join) noexcept {
  group_req request{};
  unsigned index = 0;
  if (const int code = interface_index(interface_name, index)) return code;
  request.gr_interface = index;
  std::memcpy(&request.gr_group, group.storage, sizeof group.storage);
  const int level = family_of(group) == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
  const int name = join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP;
  return setsockopt(descriptor, level, name, &request, sizeof request) == 0 ? 0 : -errno;
}

int multicast_loop(int descriptor, bool on) noexcept {
  if (family_of(descriptor) == AF_INET6) {
    return set_int(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, on);
  }
  return set_int(descriptor, IPPROTO_IP, IP_MULTICAST_LOOP, on);
}

int multicast_hops(int descriptor, int hops) noexcept {
  if (family_of(descriptor) == AF_INET6) {
    return set_int(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops);
  }
  return set_int(descriptor, IPPROTO_IP, IP_MULTICAST_TTL, hops);
}

int multicast_interface(int descriptor, const char* interface_name) noexcept {
  unsigned index = 0;
  if (const int code = interface_index(interface_name, index)) return code;
  if (family_of(descriptor) == AF_INET6) {
    return set_int(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(index));
  }
  ip_mreqn request{};
  request.imr_ifindex = static_cast<int>(index);
  return option_set(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request);
}

int option_get(int descriptor, int level, int name, void* value, std::size_t& size) noexcept {
  socklen_t length = size > 0x7fffffff ? 0x7fffffff : static_cast<socklen_t>(size);
  if (getsockopt(descriptor, level, name, value, &length) != 0) return -errno;
  size = length;
  return 0;
}

int option_set(int descriptor, int level, int name, const void* value, std::size_t size) noexcept {
  if (size > 0x7fffffff) return -EINVAL;
  const auto length = static_cast<socklen_t>(size);
  return setsockopt(descriptor, level, name, value, length) == 0 ? 0 : -errno;
}

int set_keepalive(int descriptor, bool on, int idle, int interval, int count) noexcept {
#if defined(TCP_KEEPIDLE)
  constexpr int idle_option = TCP_KEEPIDLE;
#else
  constexpr int idle_option = TCP_KEEPALIVE;
#endif
  int code = set_int(descriptor, SOL_SOCKET, SO_KEEPALIVE, on);
  if (code == 0 && idle > 0) code = set_int(descriptor, IPPROTO_TCP, idle_option, idle);
  if (code == 0 && interval > 0) code = set_int(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, interval);
  if (code == 0 && count > 0) code = set_int(descriptor, IPPROTO_TCP, TCP_KEEPCNT, count);
  return code;
}

int set_buffer(int descriptor, bool sending, int size) noexcept {
  return set_int(descriptor, SOL_SOCKET, sending ? SO_SNDBUF : SO_RCVBUF, size);
}

int get_buffer(int descriptor, bool sending, int& size) noexcept {
  std::size_t room = sizeof size;
  return option_get(descriptor, SOL_SOCKET, sending ? SO_SNDBUF : SO_RCVBUF, &size, room);
}

int set_abort_on_close(int descriptor, bool on) noexcept {
  const linger value{on ? 1 : 0, 0};
  return option_set(descriptor, SOL_SOCKET, SO_LINGER, &value, sizeof value);
}

int set_hops(int descriptor, int hops) noexcept {
  if (family_of(descriptor) == AF_INET6) {
    return set_int(descriptor, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops);
  }
  return set_int(descriptor, IPPROTO_IP, IP_TTL, hops);
}

}  // namespace structio::reactor
