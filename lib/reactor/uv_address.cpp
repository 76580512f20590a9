// Parsing and printing of addresses.
#include "reactor/uv_address.hpp"

#include <uv.h>

#include <cstring>

namespace structio::reactor {

int parse_address(const char* host, std::uint16_t port, sockaddr_storage& out) noexcept {
  std::memset(&out, 0, sizeof out);
  sockaddr_in v4;
  if (uv_ip4_addr(host, port, &v4) == 0) {
    std::memcpy(&out, &v4, sizeof v4);
    return 0;
  }
  sockaddr_in6 v6;
  const int code = uv_ip6_addr(host, port, &v6);
  if (code == 0) std::memcpy(&out, &v6, sizeof v6);
  return code;
}

int format_address(const sockaddr_storage& address, char* host, std::uint16_t& port) noexcept {
  constexpr std::size_t room = 64;
  if (address.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    port = ntohs(v4.sin_port);
    return uv_ip4_name(&v4, host, room);
  }
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    port = ntohs(v6.sin6_port);
    return uv_ip6_name(&v6, host, room);
  }
  return UV_EAFNOSUPPORT;
}

const int address_in_use = UV_EADDRINUSE;
const int address_unavailable = UV_EADDRNOTAVAIL;
const int family_unsupported = UV_EAFNOSUPPORT;

namespace {

std::uint16_t& port_in(sockaddr_storage& address) noexcept {
  return address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                       : reinterpret_cast<sockaddr_in&>(address).sin_port;
}

}  // namespace

std::uint16_t port_of(const sockaddr_storage& address) noexcept {
  return ntohs(port_in(const_cast<sockaddr_storage&>(address)));
}

void set_port(sockaddr_storage& address, std::uint16_t port) noexcept {
  port_in(address) = htons(port);
}

bool is_v6(const sockaddr_storage& address) noexcept {
  return address.ss_family == AF_INET6;
}

peer_address peer_at(const sockaddr_storage& address) noexcept {
  peer_address peer;
  char host[64];
  std::uint16_t port = 0;
  if (format_address(address, host, port) != 0) return peer;
  if (std::strcmp(host, "0.0.0.0") == 0 || std::strcmp(host, "::") == 0) return peer;
  peer.size = is_v6(address) ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  std::memcpy(peer.bytes, &address, peer.size);
  return peer;
}

}  // namespace structio::reactor
