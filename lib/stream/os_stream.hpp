// Streams that the system moves: TCP connections, Unix sockets, pipes, terminals. Each is a slot of
// the reactor; what each can do is found through its table.
#pragma once

#include <cstdint>

#include "reactor/uv_stream.hpp"
#include "runtime/wait.hpp"
#include "stream/stream.hpp"

namespace structio::rt::stream {

enum class os_kind : std::uint8_t {
  tcp,
  local,     ///< a Unix socket
  pipe_in,   ///< can only be received from
  pipe_out,  ///< can only be sent to
  both_ways  ///< no socket, so it cannot be closed by halves: a terminal, say
};

struct os_stream : byte_stream {
  reactor::stream_slot* slot = nullptr;  ///< null once closed
  reactor::peer_address peer;            ///< where it is TCP: known also when it has gone
};

/// A stream without a slot yet, with a handle; null when memory is out.
os_stream* os_stream_make(runtime& rt, os_kind kind) noexcept;

/// The same object when it is one of the system's, or of that kind, else null.
os_stream* as_os_stream(byte_stream& s) noexcept;
os_stream* as_os_stream(byte_stream& s, os_kind kind) noexcept;

/// Makes a descriptor a stream, which takes it over; on failure it stays the caller's. What the
/// stream can do follows from what the descriptor is. 0 or a code, with its message.
int open_descriptor(runtime& rt, int descriptor, os_stream*& out) noexcept;

/// The same, but on failure it is closed.
int adopt_descriptor(runtime& rt, int descriptor, os_stream*& out) noexcept;

/// A pipe of the system. 0 or a code, with its message.
int open_pipe(runtime& rt, os_stream*& reading, os_stream*& writing) noexcept;

/// A pair of connected Unix sockets, likewise.
int open_pair(runtime& rt, os_stream*& one, os_stream*& other) noexcept;

/// What a failed transfer is to the user: codes of our own pass, the system's say that the
/// connection is gone.
int transfer_failed(std::int64_t code) noexcept;

/// Waits until nothing that was sent is still on its way to the system. 0 or a code, without a
/// message.
int settle(runtime& rt, os_stream& s) noexcept;

/// Waits until a direction (ready_to_read, ready_to_write) of an open stream may be used without
/// waiting, by calls of the system's own. 0 or a code, with its message.
int wait_ready(runtime& rt, os_stream& s, std::uint8_t direction) noexcept;

/// An operation on a slot that one parked task waits for.
struct slot_wait : reactor::operation {
  slot_wait(task& t, reactor::stream_slot* s) noexcept : waiter(&t), slot(s) {
    done = [](reactor::operation& self, std::int64_t result) noexcept {
      wake(*static_cast<slot_wait&>(self).waiter, result);
    };
  }
  task* waiter;
  reactor::stream_slot* slot;
};

}  // namespace structio::rt::stream
