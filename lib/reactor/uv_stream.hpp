// Byte streams and listeners over libuv, in the pull style that fibers need. Handles live in slots
// of the reactor; a slot is left to itself by close() and comes home when libuv says so.
//
// Always true: at most one reader, one writer and one acceptor wait on a slot. A buffer given to
// read_start is written to only between read_start and done/read_cancel. Nothing of the caller's is
// referenced after a write call has returned.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reactor/reactor.hpp"

struct sockaddr;
struct sockaddr_storage;

namespace structio::reactor {

class uv_reactor;
class stream_slot;
class listener_slot;

// --- streams ---------------------------------------------------------------------------------

/// What libuv has to be told of a descriptor. Unix sockets are pipes to it.
enum class stream_kind : std::uint8_t { tcp, pipe, terminal };

/// Makes a descriptor a stream, which takes it over: the end of a pipe, a connected socket, a
/// terminal. What was blocking is made so again when the stream is closed; the three standard
/// descriptors stay open then. 0 or a UV_E* code: UV_EPERM for what cannot be waited for
/// (files).
int stream_open(uv_reactor& r, int descriptor, stream_kind kind, stream_slot*& out) noexcept;

extern const int stream_already;  ///< libuv's code for a descriptor that is a stream

/// Whether a stream that is open has this descriptor. Looks at all of them.
bool is_stream(uv_reactor& r, int descriptor) noexcept;

/// Begins a TCP connection, from `local` if that is not null. 0: `op` will be told (0 or a UV_E*
/// code) and `out` is the slot, to be closed by the caller whatever happens. Negative: nothing was
/// begun, out is null.
int tcp_connect(uv_reactor& r, const sockaddr* address, const sockaddr* local, operation& op,
                stream_slot*& out) noexcept;

/// Forgets who waits for the connection; the slot is good for close() only.
void connect_cancel(stream_slot& s) noexcept;

inline constexpr int read_at_end = 1;

/// Waits for bytes: reads straight into `buffer` (size > 0) when they come. done(result): > 0
/// bytes, 0 end of stream, < 0 code. Returns 0 when begun. Anything else means that `op` is not
/// told: read_at_end (the end was reached before), STRUCTIO_EBUSY (somebody reads already),
/// STRUCTIO_ECLOSED, or a code. End and failure are sticky: every later call returns them.
int read_start(stream_slot& s, void* buffer, std::size_t size, operation& op) noexcept;

/// Forgets the reader; the buffer is not touched any more. No-op when nobody reads.
void read_cancel(stream_slot& s) noexcept;

/// Writes what the kernel takes at once: bytes written (> 0), UV_EAGAIN, or another code.
std::int64_t try_write(stream_slot& s, const void* data, std::size_t size) noexcept;

/// A piece of what is written at once; as the system has it.
struct write_piece {
  const void* data;
  std::size_t size;
};
inline constexpr std::size_t most_pieces = 16;

/// The same for up to most_pieces.
std::int64_t try_write_pieces(stream_slot& s, const write_piece* pieces,
                              std::size_t count) noexcept;

/// Queues a *copy* of at most an internal chunk of `data` and tells `op` when the kernel has taken
/// it (0 or a code). Returns the number of bytes queued, STRUCTIO_EBUSY (somebody writes already),
/// STRUCTIO_ENOMEM, or a code. These bytes are under way whether or not the wait is given up.
/// Returns 0 when a chunk whose writer gave up is still under way: nothing of `data` was queued,
/// and `op` is told when that chunk has gone.
std::int64_t write_start(stream_slot& s, const void* data, std::size_t size,
                         operation& op) noexcept;

/// Forgets the writer; what was queued is still sent.
void write_cancel(stream_slot& s) noexcept;

/// Whether a chunk is under way: one may wait for it with write_start, which then queues nothing.
bool is_writing(const stream_slot& s) noexcept;

/// Ends our direction at once: 0 or a code. UV_EAGAIN while a chunk is under way.
int end_sending(stream_slot& s) noexcept;

/// Tells whoever waits on the slot STRUCTIO_ECLOSED, then closes the descriptor. Returns at once.
void close(stream_slot& s) noexcept;

/// Of sockets.
int local_address(const stream_slot& s, sockaddr_storage& out) noexcept;
int peer_address_of(const stream_slot& s, sockaddr_storage& out) noexcept;
int set_nodelay(stream_slot& s, bool on) noexcept;
std::int64_t file_descriptor(const stream_slot& s) noexcept;

/// Of terminals; UV_ENOTTY for other streams. What was changed is undone when the stream is closed.
int terminal_size(stream_slot& s, int& columns, int& rows) noexcept;
int terminal_set_raw(stream_slot& s, bool on) noexcept;

/// An IPv4 or IPv6 address in little room; size 0: none.
struct peer_address {
  static constexpr unsigned room = 28;
  alignas(4) unsigned char bytes[room];
  std::uint8_t size = 0;
};

// --- listeners -------------------------------------------------------------------------------

struct listen_settings {
  int backlog = 0;  ///< 0: the system's maximum
  bool reuse_port = false;
  bool ipv6_only = false;
  bool nodelay = false;  ///< accepted streams have TCP_NODELAY, for no call each where inherited
};

/// Binds and listens (SO_REUSEADDR on POSIX). 0 or a UV_E* code.
int tcp_listen(uv_reactor& r, const sockaddr* address, const listen_settings& settings,
               listener_slot*& out) noexcept;

/// Takes over a descriptor that listens; on failure it is closed. 0 or a code.
int listen_on(uv_reactor& r, int descriptor, stream_kind kind, listener_slot*& out) noexcept;

/// Takes a connection that is there: 0 and a slot, UV_EAGAIN, or a code (UV_EMFILE, UV_ENFILE,
/// UV_ENOBUFS, UV_ENOMEM: the connection stays in the kernel's queue, nothing is lost).
/// Connections that were aborted while queued are passed over. While the kernel watches the queue
/// for us, UV_EAGAIN may be said without looking: accept_wait's `op` is then told in the next turn.
int try_accept(listener_slot& l, stream_slot*& out, peer_address& peer) noexcept;

/// Tells `op` (0 or a code) when try_accept is worth a call. STRUCTIO_EBUSY if somebody waits
/// already. After try_accept ran out of descriptors or memory this takes a moment, so that a loop
/// of both calls neither spins nor hangs.
int accept_wait(listener_slot& l, operation& op) noexcept;
void accept_cancel(listener_slot& l) noexcept;

void close(listener_slot& l) noexcept;  ///< as for streams
int local_address(const listener_slot& l, sockaddr_storage& out) noexcept;
int file_descriptor(const listener_slot& l) noexcept;

// --- signals ---------------------------------------------------------------------------------

class signal_slot;

/// Calls `op.done(op, signum)` each time the process gets `signum`, until closed: this operation
/// may complete many times. 0 or a code.
int signal_watch(uv_reactor& r, int signum, operation& op, signal_slot*& out) noexcept;

/// What was left when a watcher went.
struct signal_rest {
  bool on_its_way = false;  ///< the process got the signal, and the watcher was not told
  bool last = false;        ///< nobody watches it now: it does again what it did before
};
signal_rest close(signal_slot& s) noexcept;

/// As if the signal had come to this thread just now.
void signal_raise(int signum) noexcept;

}  // namespace structio::reactor
