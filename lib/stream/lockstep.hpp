// Streams without a buffer, for tests: a send ends when the receiver has taken all of it, so that
// whoever relies on a buffer in between is found out.
#pragma once

#include "runtime/wait_queue.hpp"
#include "stream/stream.hpp"

namespace structio::rt::stream {

/// One direction of a lockstep pair: what is being sent lies in the sender's own memory. Owned by
/// the two ends, whichever goes last.
struct lockstep_pipe {
  std::uint32_t users = 2;
  const char* data = nullptr;  ///< null: nothing is being sent, or the rest was given up
  std::size_t left = 0;
  bool sender_closed = false;
  bool receiver_closed = false;
  wait_queue sender;    ///< waits until all is taken, or until somebody receives
  wait_queue receiver;  ///< waits for data or the end
};

struct lockstep_stream : byte_stream {
  lockstep_pipe* out = nullptr;  ///< null: it only receives
  lockstep_pipe* in = nullptr;   ///< null: it only sends
};

/// Two connected ends; `both_ways` false: `a` sends and `b` receives. 0 or STRUCTIO_ENOMEM.
int lockstep_make(runtime& rt, bool both_ways, lockstep_stream*& a, lockstep_stream*& b) noexcept;

}  // namespace structio::rt::stream
