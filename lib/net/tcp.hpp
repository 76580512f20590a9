// TCP streams and listeners as tasks use them: a reactor's slot, and at most one task that waits
// for each thing. The objects are what handles of the C ABI lead to; they outlive their slots.
#pragma once

#include <cstddef>
#include <cstdint>

#include "net/address.hpp"
#include "runtime/run_object.hpp"

struct structio_stream;

namespace structio::rt {
struct nursery;
}

namespace structio::rt::net {

struct tcp_stream : run_object {
  reactor::stream_slot* slot = nullptr;  ///< null once closed
  void* handle = nullptr;
  std::uint32_t references = 1;  ///< the handle's, and one for each call under way
  bool sending = false;
  bool eof_sent = false;
};

struct tcp_listener : run_object {
  reactor::listener_slot* slot = nullptr;
  void* handle = nullptr;
  std::uint32_t references = 1;
};

/// Text of a code, ours or the system's.
const char* error_text(int code) noexcept;

/// A stream without a slot yet, with a handle; null when memory is out.
tcp_stream* stream_make(runtime& rt) noexcept;

struct listen_request {
  const char* host;
  std::uint16_t port;
  reactor::listen_settings settings;
};

/// Each as its function in structio_net.h; the handle has been looked up and the run checked.
int tcp_listen(runtime& rt, const listen_request& request, tcp_listener*& out) noexcept;
int tcp_connect(runtime& rt, const char* host, std::uint16_t port, tcp_stream*& out) noexcept;
int accept(runtime& rt, tcp_listener& l, tcp_stream*& out) noexcept;
std::int64_t receive_some(runtime& rt, tcp_stream& s, void* buffer, std::size_t size) noexcept;
int send_all(runtime& rt, tcp_stream& s, const void* data, std::size_t size) noexcept;
int send_eof(runtime& rt, tcp_stream& s) noexcept;

/// Closes at once; nothing when closed before.
void shut(tcp_stream& s) noexcept;
void shut(tcp_listener& l) noexcept;

void release(tcp_stream& s) noexcept;
void release(tcp_listener& l) noexcept;

/// Ends the handle and closes.
void free_stream(tcp_stream& s) noexcept;
void free_listener(tcp_listener& l) noexcept;

/// Serves until stopped, cancelled or failed. `home` null: a nursery of its own.
struct serve_request {
  int (*handler)(structio_stream* stream, void* arg);
  void* arg;
  nursery* home;
  bool handler_owns_stream;
};
int serve(runtime& rt, tcp_listener& l, const serve_request& request) noexcept;

}  // namespace structio::rt::net
