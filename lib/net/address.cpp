// Parsing and printing through the reactor's helpers.
#include "net/address.hpp"

#include "base/message.hpp"
#include "base/status.hpp"
#include "reactor/posix_unix.hpp"
#include "reactor/uv_address.hpp"

namespace structio::rt::net {

bool is_numeric(const char* host, std::uint16_t port, address& out) noexcept {
  return reactor::parse_address(host, port, out.full()) == 0;
}

int parse(const char* host, std::uint16_t port, address& out) noexcept {
  if (is_numeric(host, port, out)) return 0;
  return base::fail(STRUCTIO_EINVALID, "'%.60s' is no numeric IPv4 or IPv6 address", host);
}

int format(const address& a, char* host, std::size_t size, std::uint16_t* port) noexcept {
  char text[128];
  std::uint16_t number = 0;
  const auto& full = *reinterpret_cast<const sockaddr_storage*>(a.storage);
  const int code =
      reactor::unix_path(full, text, sizeof text) ? 0 : reactor::format_address(full, text, number);
  if (code != 0) {
    return base::fail(code, "the address cannot be shown: %s", reactor::os_error_text(code));
  }
  if (host && size > 0) {
    std::size_t i = 0;
    for (; i + 1 < size && text[i]; ++i) host[i] = text[i];
    host[i] = 0;
  }
  if (port) *port = number;
  return 0;
}

std::uint16_t port_of(const address& a) noexcept {
  return reactor::port_of(*reinterpret_cast<const sockaddr_storage*>(a.storage));
}

void set_port(address& a, std::uint16_t port) noexcept {
  reactor::set_port(a.full(), port);
}

bool is_v6(const address& a) noexcept {
  return reactor::is_v6(*reinterpret_cast<const sockaddr_storage*>(a.storage));
}

}  // namespace structio::rt::net
