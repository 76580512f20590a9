// Datagram sockets: UDP and Unix.
//
//     auto socket = structio::open_udp({.host = "127.0.0.1", .port = 7000});
//     char buffer[1500];
//     auto got = socket.receive(buffer);
//     socket.send_to(std::string_view(buffer, got.size), got.from);
//
// Always true: a datagram moves whole or not at all; destructors close and never wait.
#pragma once

#include <structio/structio_udp.h>
#include <structio/error.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace structio {
inline namespace v0 {

/// A parsed address, so that sending to it again and again need not parse.
class socket_address {
 public:
  socket_address() = default;
  /// A numeric IPv4 or IPv6 address. Throws std::invalid_argument.
  socket_address(const char* host, std::uint16_t port) {
    detail::check(structio_address_parse(host, port, &raw_));
  }
  /// A Unix socket's path; "@name": Linux's abstract names. Throws error.
  static socket_address unix_path(const char* path) {
    socket_address result;
    detail::check(structio_address_from_path(path, &result.raw_));
    return result;
  }
  /// The address as text; of a Unix socket the path, which may be empty.
  std::string host() const {
    char text[112];
    detail::check(structio_address_format(&raw_, text, sizeof text, nullptr));
    return text;
  }
  std::uint16_t port() const {
    std::uint16_t result = 0;
    detail::check(structio_address_format(&raw_, nullptr, 0, &result));
    return result;
  }
  structio_address* native() noexcept { return &raw_; }
  const structio_address* native() const noexcept { return &raw_; }

 private:
  structio_address raw_{};
};

/// What one receive brought.
struct received_datagram {
  std::size_t size = 0;    ///< bytes in the buffer
  bool truncated = false;  ///< there were more, which are lost
  socket_address from;
};

/// A datagram socket. Movable; one receiving and one sending task at a time.
class datagram_socket {
 public:
  explicit datagram_socket(structio_datagram* raw) noexcept : raw_(raw) {}
  datagram_socket(datagram_socket&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  datagram_socket& operator=(datagram_socket&& other) noexcept {
    datagram_socket taken(std::move(other));  // goes with what was here before
    std::swap(raw_, taken.raw_);
    return *this;
  }
  ~datagram_socket() { structio_datagram_free(raw_); }

  /// Sends one datagram to the peer. Checkpoint. Cancelled: nothing was sent. Throws `cancelled`,
  /// busy_error, closed_error, error (too long, refused, no peer).
  void send(std::string_view data) {
    detail::blocking([&] { return structio_datagram_send(raw_, data.data(), data.size()); });
  }
  /// The same to an address.
  void send_to(std::string_view data, const socket_address& to) {
    detail::blocking(
        [&] { return structio_datagram_send_to(raw_, data.data(), data.size(), to.native()); });
  }
  /// Waits for a datagram. Checkpoint. Cancelled: none was taken. Throws as send does.
  received_datagram receive(std::span<char> buffer) {
    received_datagram result;
    std::uint32_t truncated = 0;
    const auto got = detail::blocking([&] {
      return structio_datagram_receive(raw_, buffer.data(), buffer.size(), result.from.native(),
                                       &truncated);
    });
    result.size = static_cast<std::size_t>(got);
    result.truncated = truncated != 0;
    return result;
  }
  /// A batch in one call where the system can: waits for the first one only. Returns how many.
  std::size_t receive_many(std::span<structio_packet> packets) {
    return static_cast<std::size_t>(detail::blocking(
        [&] { return structio_datagram_receive_many(raw_, packets.data(), packets.size()); }));
  }
  /// Sends a part of a batch, one at least; returns how many: go on with the rest.
  std::size_t send_many(std::span<const structio_packet> packets) {
    return static_cast<std::size_t>(detail::blocking(
        [&] { return structio_datagram_send_many(raw_, packets.data(), packets.size()); }));
  }

  /// Closes: whoever waits here gets closed_error. Idempotent.
  void close() { detail::check(structio_datagram_close(raw_)); }

  socket_address local_address() const {
    socket_address result;
    detail::check(structio_datagram_local_address(raw_, result.native()));
    return result;
  }
  socket_address peer_address() const {
    socket_address result;
    detail::check(structio_datagram_peer_address(raw_, result.native()));
    return result;
  }
  std::uint16_t port() const { return local_address().port(); }

  /// For socket options. Do not read, write or close it.
  std::int64_t descriptor() const {
    std::int64_t result = -1;
    detail::check(structio_datagram_descriptor(raw_, &result));
    return result;
  }

  /// Multicast groups; the interface is a name, or null for the system's choice. Throw error.
  void join(const socket_address& group, const char* interface_name = nullptr) {
    detail::check(structio_datagram_join(raw_, group.native(), interface_name));
  }
  void leave(const socket_address& group, const char* interface_name = nullptr) {
    detail::check(structio_datagram_leave(raw_, group.native(), interface_name));
  }
  void set_multicast_loop(bool on) {
    detail::check(structio_datagram_multicast_loop(raw_, on ? 1 : 0));
  }
  void set_multicast_hops(int hops) { detail::check(structio_datagram_multicast_hops(raw_, hops)); }
  void set_multicast_interface(const char* interface_name) {
    detail::check(structio_datagram_multicast_interface(raw_, interface_name));
  }

  structio_datagram* native() const noexcept { return raw_; }

 private:
  structio_datagram* raw_;
};

struct udp_options {
  const char* host = nullptr;  ///< numeric, to bind to; null: every IPv4 address
  std::uint16_t port = 0;      ///< 0: the system chooses
  bool reuse_address = false;
  bool reuse_port = false;
  bool ipv6_only = false;
  bool broadcast = false;  ///< may send to broadcast addresses
};

namespace detail {
inline structio_udp_options raw_options(const udp_options& options) noexcept {
  structio_udp_options raw{};
  raw.struct_size = sizeof raw;
  raw.host = options.host;
  raw.port = options.port;
  raw.reuse_address = options.reuse_address ? 1 : 0;
  raw.reuse_port = options.reuse_port ? 1 : 0;
  raw.ipv6_only = options.ipv6_only ? 1 : 0;
  raw.broadcast = options.broadcast ? 1 : 0;
  return raw;
}
}  // namespace detail

/// A bound UDP socket. Throws error, std::invalid_argument (no address).
inline datagram_socket open_udp(const udp_options& options = {}) {
  const structio_udp_options raw = detail::raw_options(options);
  structio_datagram* made = nullptr;
  detail::check(structio_udp_open(&raw, &made));
  return datagram_socket(made);
}

/// A UDP socket that sends to this peer and receives from it only.
inline datagram_socket connect_udp(const char* host, std::uint16_t port,
                                   const udp_options& options = {}) {
  const structio_udp_options raw = detail::raw_options(options);
  structio_datagram* made = nullptr;
  detail::check(structio_udp_connect(host, port, &raw, &made));
  return datagram_socket(made);
}

struct unix_datagram_options {
  const char* path = nullptr;  ///< to bind to, "@name": abstract; closing removes the file
  const char* peer = nullptr;  ///< to connect to
};

/// A Unix datagram socket. Throws error.
inline datagram_socket open_unix_datagram(const unix_datagram_options& options = {}) {
  structio_unix_datagram_options raw{};
  raw.struct_size = sizeof raw;
  raw.path = options.path;
  raw.peer = options.peer;
  structio_datagram* made = nullptr;
  detail::check(structio_unix_datagram_open(&raw, &made));
  return datagram_socket(made);
}

}  // namespace v0
}  // namespace structio
