// The inside of the reactor: the loop, its own handles and the pools of slots. For the files of
// this folder and their tests only; everything here belongs to the hub.
#pragma once

#include <uv.h>

#include <cstdint>
#include <utility>

#include "base/assert.hpp"
#include "reactor/alarm.hpp"
#include "reactor/doorbell.hpp"
#include "reactor/posix_socket.hpp"
#include "reactor/uv_reactor.hpp"
#include "reactor/uv_slot.hpp"
#include "reactor/uv_stream.hpp"
#include "reactor/uv_watch.hpp"

namespace structio::reactor {

/// A stream and every request it can have under way. Its handle is first touched after take().
class stream_slot : public slot_base {
 public:
  union {
    uv_handle_t handle;  ///< what each of them begins with
    uv_stream_t base;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
    uv_tty_t tty;
  };
  uv_connect_t connect_request;
  uv_write_t write_request;

  operation* connector = nullptr;
  operation* reader = nullptr;
  operation* writer = nullptr;

  char* read_buffer = nullptr;  ///< the reader's; valid while reader is set
  std::size_t read_size = 0;
  void* chunk = nullptr;          ///< our copy of what libuv is writing; null: nothing under way
  std::uint64_t served_turn = 0;  ///< the turn that last brought data to a reader
  int read_end = 0;               ///< UV_EOF or the code that ended reading; sticky
  int write_end = 0;              ///< code of a chunk that failed after its writer had given up
  std::uint8_t spare_events = 0;  ///< data that nobody waited for, since somebody did
  bool armed = false;             ///< libuv reads
  stream_kind kind = stream_kind::tcp;
  bool was_blocking = false;  ///< and is made so again before it is closed
  bool ours = false;          ///< made here, so that it is closed whatever its number is

  uv_stream_t* stream() noexcept { return &base; }
};

class listener_slot : public slot_base {
 public:
  uv_poll_t uv;
  int descriptor = -1;
  operation* acceptor = nullptr;
  std::uint64_t served_turn = 0;  ///< the turn that last told an acceptor
  std::uint8_t spare_events = 0;
  std::uint8_t burst = 1;   ///< how many connections one event is taken to stand for
  std::uint8_t credit = 0;  ///< how many of them may still be looked for
  bool armed = false;       ///< libuv watches the descriptor
  bool starved = false;     ///< the last accept failed for want of descriptors or memory
  bool set_nodelay = false;
  stream_kind kind = stream_kind::tcp;  ///< of what is accepted
};

class signal_slot : public slot_base {
 public:
  uv_signal_t uv;
  operation* watcher = nullptr;
};

class watch_slot : public slot_base {
 public:
  uv_fs_event_t uv;
  watch_listener* listener = nullptr;
  operation* waiter = nullptr;
};

/// A descriptor of the user's, by its number.
struct watched {
  operation* reader = nullptr;
  operation* writer = nullptr;
  std::uint32_t generation = 0;  ///< grows when the number is known to stand for something new
  bool added = false;            ///< the kernel was asked to watch it
};

/// What uv_readiness.cpp keeps; `uv` is first touched when the set is made.
struct readiness_state {
  uv_poll_t uv;
  int set = -1;
  watched* table = nullptr;
  std::size_t room = 0;
};

/// Something that the reactor lends out for as long as a write is under way.
struct spare_chunk {
  spare_chunk* next;
};

struct uv_reactor::state {
  uv_loop_t loop;
  doorbell wakeup;
  uv_timer_t starvation;  ///< runs while a starved listener has an acceptor
  alarm deadline_alarm;
  sigpipe_block sigpipe;

  slot_pool<stream_slot> streams;
  slot_pool<listener_slot> listeners;
  slot_pool<signal_slot> signals;
  slot_pool<watch_slot> watches;
  readiness_state readiness;

  spare_chunk* spare_chunks = nullptr;
  std::size_t spare_chunk_count = 0;

  std::int64_t pending = 0;
  std::uint64_t turn = 0;  ///< number of the poll that runs or ran last
  bool blocking = false;   ///< that poll was allowed to wait
  bool open = false;
  bool closing = false;

  ~state();

  // --- who waits: every operation that somebody waits for is set and cleared through these

  void expect(operation*& place, operation& op) noexcept {
    STRUCTIO_ASSERT(!place);
    place = &op;
    ++pending;
  }
  void forget(operation*& place) noexcept {
    if (!place) return;
    place = nullptr;
    --pending;
  }
  /// Tells the waiter, if there is one. The slot may be closed or waited on again when this
  /// returns.
  void complete(operation*& place, std::int64_t result) noexcept {
    operation* op = std::exchange(place, nullptr);
    if (!op) return;
    --pending;
    op->done(*op, result);
  }

  // --- watchers that stay armed

  /// After an event that nobody waited for: whether to stop watching. Not in the turn that served
  /// somebody, who cannot have come back yet. At once if the event ends waits of the loop for
  /// nothing. Otherwise the waiter may just not have had his turn to run: a few events are cheaper
  /// than stopping and starting.
  bool worth_disarming(std::uint64_t served_turn, std::uint8_t& spare_events) const noexcept {
    constexpr std::uint8_t patience = 16;
    if (served_turn == turn) return false;
    return blocking || ++spare_events >= patience;
  }

  // --- memory for copies of what is being written

  void* take_chunk() noexcept;
  void give_back_chunk(void* chunk) noexcept;
};

/// Tells everybody who waits for readiness, and ends the watching.
void close_readiness(uv_reactor::state& r) noexcept;

inline constexpr std::size_t chunk_size = 64 * 1024;

/// Makes a connected descriptor the stream of a fresh slot, whose kind is set. On failure the slot
/// is closed and the descriptor is not.
int adopt_descriptor(stream_slot& s, int descriptor) noexcept;

}  // namespace structio::reactor
