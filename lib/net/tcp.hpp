// TCP connections and listeners as tasks use them: a reactor's slot, and at most one task that
// waits for each thing. A connection is a byte stream; what it does as one is found through its
// table. The objects are what handles of the C ABI lead to; they outlive their slots.
#pragma once

#include <cstddef>
#include <cstdint>

#include "net/address.hpp"
#include "runtime/run_object.hpp"
#include "stream/os_stream.hpp"

namespace structio::rt::net {

using tcp_stream = stream::os_stream;

struct unix_binding;

/// Of TCP connections, or of Unix sockets' (then it is bound to a path).
struct tcp_listener : run_object {
  reactor::listener_slot* slot = nullptr;  ///< null once closed
  unix_binding* binding = nullptr;         ///< owned
  void* handle = nullptr;
  std::uint32_t references = 1;
};

/// Text of a code, ours or the system's.
const char* error_text(int code) noexcept;

/// A listener without a slot yet, with a handle; null when memory is out.
tcp_listener* listener_make(runtime& rt) noexcept;

/// A stream without a slot yet, with a handle; null when memory is out.
tcp_stream* stream_make(runtime& rt) noexcept;

/// The same object when it is a TCP connection, else null.
tcp_stream* as_tcp(stream::byte_stream& s) noexcept;

struct listen_request {
  const char* host;
  std::uint16_t port;
  reactor::listen_settings settings;
};

/// Each as its function in structio_net.h; the handle has been looked up and the run checked.
int tcp_listen(runtime& rt, const listen_request& request, tcp_listener*& out) noexcept;
int tcp_connect(runtime& rt, const address& to, const address* local, tcp_stream*& out) noexcept;
/// On every address of a host (null: of this machine): `out` has room for `capacity`.
int tcp_listen_all(runtime& rt, const listen_request& request, tcp_listener** out,
                   std::size_t capacity, std::size_t& count) noexcept;

/// Asked by accept where connections may be taken only so many at a time.
struct accept_gate {
  bool (*enter)(accept_gate& self) noexcept;  ///< before it looks for one: false, not now
  void (*leave)(accept_gate& self) noexcept;  ///< there was none: it waits for one now
};

/// STRUCTIO_ELIMIT, without a message: the gate was closed, and nothing taken.
int accept(runtime& rt, tcp_listener& l, tcp_stream*& out, accept_gate* gate = nullptr) noexcept;

/// Closes at once; nothing when closed before.
void shut(tcp_listener& l) noexcept;

void release(tcp_listener& l) noexcept;

/// Ends the handle and closes.
void free_listener(tcp_listener& l) noexcept;

/// The peer of a connection, as it was when that was made or is known now. 0 or a code.
int peer_of(const tcp_stream& s, address& out) noexcept;

}  // namespace structio::rt::net
