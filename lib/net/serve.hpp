// Serving: accepting for ever, with a task for each connection.
#pragma once

#include <cstddef>
#include <cstdint>

#include "net/tcp.hpp"

struct structio_failure;
struct structio_stream;

namespace structio::rt::net {

/// Serves until stopped, cancelled or failed. `home` null: a nursery of its own.
struct serve_request {
  int (*handler)(structio_stream* stream, void* arg);
  void* arg;
  nursery* home;
  bool handler_owns_stream;
  std::uint64_t most_connections;  ///< 0: as many as come
  bool goes_on;                    ///< a handler's failure is logged and ends nothing else
  /// Null, or what decides about a handler's failure: 0 goes on, a negative code fails the server.
  /// The failure is the callee's to look at only.
  int (*on_error)(const char* peer, int status, structio_failure* why, void* arg);
  void* on_error_arg;
  /// With a `home`: called with `arg` once neither the call nor a handler needs it. Null: nothing.
  void (*drop)(void* arg);
};

/// See structio_serve and structio_serve_all.
int serve(runtime& rt, tcp_listener& l, const serve_request& request) noexcept;
int serve_all(runtime& rt, tcp_listener* const* listeners, std::size_t count,
              const serve_request& request) noexcept;

/// "HOST:PORT", "[HOST]:PORT", or "" when it is not known.
void peer_text(const tcp_stream& s, char* text, std::size_t size) noexcept;

}  // namespace structio::rt::net
