// Numeric addresses to and from the system's form.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reactor/uv_stream.hpp"

namespace structio::rt::net {

/// Storage for any address, so that headers need not see the system's.
struct address {
  alignas(8) unsigned char storage[128];
  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(storage); }
  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(storage); }
  const sockaddr_storage& full() const noexcept {
    return *reinterpret_cast<const sockaddr_storage*>(storage);
  }
  sockaddr_storage& full() noexcept { return *reinterpret_cast<sockaddr_storage*>(storage); }
};

/// The same without a message: false when it is no numeric address.
bool is_numeric(const char* host, std::uint16_t port, address& out) noexcept;

/// Parses a numeric IPv4 or IPv6 address (a zone after % is allowed). 0 or STRUCTIO_EINVALID.
int parse(const char* host, std::uint16_t port, address& out) noexcept;

/// Writes host and port, or the path of a Unix socket and 0; host is cut to `size` and terminated.
/// Either may be null.
int format(const address& a, char* host, std::size_t size, std::uint16_t* port) noexcept;

std::uint16_t port_of(const address& a) noexcept;
void set_port(address& a, std::uint16_t port) noexcept;
bool is_v6(const address& a) noexcept;

}  // namespace structio::rt::net
