// Unix sockets: listening, connecting, and sending descriptors to other processes.
//
//     auto listener = structio::listen_unix({.path = "/run/user/1000/app.socket"});
//     structio::serve(listener, [](structio::unix_stream conn) { ... });
//
// A path that begins with '@' is a name in Linux's abstract space.
#pragma once

#include <structio/structio_unix.h>
#include <structio/error.hpp>
#include <structio/net.hpp>
#include <structio/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {

/// Who is at the other end of a Unix socket.
struct unix_credentials {
  std::int64_t process = -1;  ///< -1: the system does not tell
  std::uint32_t user = 0;
  std::uint32_t group = 0;
};

/// What came with descriptors.
struct received_descriptors {
  std::size_t size = 0;   ///< bytes in the buffer; 0: the end
  std::size_t count = 0;  ///< descriptors in the array: yours
  bool lost = false;      ///< more came, which did not fit
};

/// A connection over a Unix socket: a stream along which descriptors can be sent.
class unix_stream : public any_stream {
 public:
  explicit unix_stream(structio_stream* raw) noexcept : any_stream(raw) {}

  /// Who is at the other end, as it was when the connection was made. Throws error.
  unix_credentials peer() const {
    structio_unix_credentials raw{};
    raw.struct_size = sizeof raw;
    detail::check(structio_unix_peer(native(), &raw));
    return {raw.process, raw.user, raw.group};
  }

  /// Sends all of the data, which is not empty, and with its first byte copies of at most 253
  /// descriptors, which stay yours. Checkpoint. Cancelled: a prefix may have been sent. Throws as
  /// send_all.
  void send_descriptors(std::span<const std::byte> data,
                        std::span<const std::int64_t> descriptors) {
    detail::blocking([&] {
      return structio_unix_send_descriptors(native(), data.data(), data.size(), descriptors.data(),
                                            descriptors.size());
    });
  }
  void send_descriptors(std::string_view data, std::span<const std::int64_t> descriptors) {
    send_descriptors(std::as_bytes(std::span<const char>(data)), descriptors);
  }

  /// Receives as receive_some does, and the descriptors that came with the bytes. Checkpoint.
  /// Cancelled: nothing was taken. Throws as receive_some.
  received_descriptors receive_descriptors(std::span<std::byte> buffer,
                                           std::span<std::int64_t> descriptors) {
    structio_descriptors raw{};
    raw.struct_size = sizeof raw;
    raw.array = descriptors.data();
    raw.capacity = descriptors.size();
    const auto got = detail::blocking([&] {
      return structio_unix_receive_descriptors(native(), buffer.data(), buffer.size(), &raw);
    });
    return {static_cast<std::size_t>(got), raw.count, raw.lost != 0};
  }

  /// Do not read, write or close it.
  std::int64_t descriptor() const {
    std::int64_t result = -1;
    detail::check(structio_stream_descriptor(native(), &result));
    return result;
  }
};

struct unix_listen_options {
  std::string path;
  int backlog = 0;                ///< 0: the system's maximum
  std::uint32_t permissions = 0;  ///< of the file, such as 0600; 0: as the process's mask has it
  bool replace_stale = false;     ///< a socket's file at which nobody listens is replaced
};

/// Waits for connections to a path. Movable; one accepting task at a time. Closing it removes the
/// file.
class unix_listener {
 public:
  explicit unix_listener(structio_listener* raw) noexcept : raw_(raw) {}
  unix_listener(unix_listener&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  unix_listener& operator=(unix_listener&& other) noexcept {
    unix_listener taken(std::move(other));  // goes with what was here before
    std::swap(raw_, taken.raw_);
    return *this;
  }
  /// Closes at once, without waiting.
  ~unix_listener() { structio_listener_free(raw_); }

  /// As tcp_listener::accept.
  unix_stream accept() {
    structio_stream* accepted = nullptr;
    detail::blocking([&] { return structio_listener_accept(raw_, &accepted); });
    return unix_stream(accepted);
  }

  /// As tcp_listener::close.
  void close() {
    detail::blocking([this] { return structio_listener_close(raw_); });
  }

  structio_listener* native() const noexcept { return raw_; }

 private:
  structio_listener* raw_;
};

/// Listens. Nobody can connect before the file has its permissions. Throws error (the file is
/// there, not permitted, no such folder, name too long, no descriptors).
inline unix_listener listen_unix(const unix_listen_options& options) {
  structio_unix_listen_options raw{};
  raw.struct_size = sizeof raw;
  raw.path = detail::without_zeros(options.path, "a path").c_str();
  raw.backlog = options.backlog;
  raw.permissions = options.permissions;
  raw.replace_stale = options.replace_stale ? 1 : 0;
  structio_listener* made = nullptr;
  detail::check(structio_unix_listen(&raw, &made));
  return unix_listener(made);
}

/// Connects. Where the listener's queue is full it tries again for as long as it takes: put it
/// under a deadline. Checkpoint. Cancelled: nothing has happened. Throws `cancelled`, error.
inline unix_stream connect_unix(const std::string& path) {
  detail::without_zeros(path, "a path");
  structio_stream* made = nullptr;
  detail::blocking([&] { return structio_unix_connect(path.c_str(), &made); });
  return unix_stream(made);
}

/// Two streams that are connected to each other. Throws error (no descriptors).
inline std::pair<unix_stream, unix_stream> open_unix_pair() {
  structio_stream *one = nullptr, *other = nullptr;
  detail::check(structio_unix_pair(&one, &other));
  return {unix_stream(one), unix_stream(other)};
}

/// As serve for TCP.
template <class Handler>
requires std::is_invocable_v<Handler&, unix_stream>
void serve(unix_listener& listener, Handler&& handler, const serve_options& options = {}) {
  structio_listener* one[] = {listener.native()};
  detail::net_access::serve<unix_stream>(one, handler, options);
}

}  // namespace v0
}  // namespace structio
