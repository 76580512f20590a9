// Streams whose bytes stay in memory, for tests. What is sent collects in `out` until it is taken
// by hand, or pumped to the `in` of another one; what is put into `in` is received. A pair pumps by
// itself after each send.
#pragma once

#include "runtime/wait_queue.hpp"
#include "stream/byte_queue.hpp"
#include "stream/stream.hpp"

namespace structio::rt::stream {

/// Functions of the user's, each may be null. All but on_close run in the calling task and may
/// block; what they return negative is what the call returns. They may be replaced, and the stream
/// freed, while one of them runs: `arg` is dropped when the last one is back.
struct memory_hooks {
  std::uint32_t users = 1;  ///< the stream, and one for each that runs
  int (*after_send)(void* arg) = nullptr;
  int (*might_not_block)(void* arg) = nullptr;
  int (*before_receive)(void* arg) = nullptr;
  int (*on_close)(void* arg) = nullptr;
  void* arg = nullptr;
  void (*drop)(void* arg) = nullptr;
};

struct memory_stream : byte_stream {
  byte_queue out;
  wait_queue takers;    ///< who waits for something in `out`
  bool taking = false;  ///< one task at a time, also when it has been woken or gives way
  byte_queue in;
  wait_queue receiver;
  bool in_ended = false;          ///< put_eof, or the peer's end
  bool pumps = false;             ///< to the peer, after each send
  memory_stream* peer = nullptr;  ///< counted, until this one is shut
  memory_hooks* hooks = nullptr;  ///< null: none
  bool in_on_close = false;
};

enum class memory_kind : std::uint8_t { sends, receives, both };

/// Null when memory is out.
memory_stream* memory_make(runtime& rt, memory_kind kind) noexcept;

/// Makes what `from` sends arrive at `to`.
void memory_connect(memory_stream& from, memory_stream& to) noexcept;

/// Takes over hooks that were made by new; null: none. Drops those before.
void memory_set_hooks(memory_stream& s, memory_hooks* hooks) noexcept;

/// For one that has a peer; on: what was sent in between arrives at once. 0 or STRUCTIO_ENOMEM.
int memory_set_pumping(memory_stream& s, bool on) noexcept;

/// The same object when it is a memory stream, else null.
memory_stream* as_memory(byte_stream& s) noexcept;

/// Takes at most `most` of what was sent; 0 when the stream is closed and nothing is left.
/// `waits` false: STRUCTIO_EWOULDBLOCK when there is nothing yet. STRUCTIO_EBUSY.
std::int64_t memory_get(runtime& rt, memory_stream& s, void* buffer, std::size_t most,
                        bool waits) noexcept;

/// What is to be received. STRUCTIO_ECLOSED (closed, or ended before), STRUCTIO_ENOMEM.
int memory_put(memory_stream& s, const void* data, std::size_t size) noexcept;
int memory_put_eof(memory_stream& s) noexcept;

/// Moves at most `most` bytes that were sent on `from` to what is received on `to`, and the end
/// when all has been moved. 1 when there was anything, 0, STRUCTIO_EBROKEN (`to` is closed, or its
/// end was put before), STRUCTIO_ENOMEM (nothing was moved).
int memory_pump(memory_stream& from, memory_stream& to, std::size_t most) noexcept;

}  // namespace structio::rt::stream
