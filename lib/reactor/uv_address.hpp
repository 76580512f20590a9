// Numeric addresses, by way of libuv, so that nothing above needs the system's socket headers.
#pragma once

#include <cstdint>

#include "reactor/uv_reactor.hpp"
#include "reactor/uv_stream.hpp"

struct sockaddr_storage;

namespace structio::reactor {

/// 0 or a UV_E* code.
int parse_address(const char* host, std::uint16_t port, sockaddr_storage& out) noexcept;

/// `host` has room for 64 bytes. 0 or a UV_E* code.
int format_address(const sockaddr_storage& address, char* host, std::uint16_t& port) noexcept;

/// Of IPv4 and IPv6.
std::uint16_t port_of(const sockaddr_storage& address) noexcept;
void set_port(sockaddr_storage& address, std::uint16_t port) noexcept;
bool is_v6(const sockaddr_storage& address) noexcept;

/// What is connected to; nothing for "any address", of which only the system knows where it led.
peer_address peer_at(const sockaddr_storage& address) noexcept;

extern const int address_in_use;  ///< codes of the system's
extern const int address_unavailable;
extern const int family_unsupported;

}  // namespace structio::reactor
