// Channels: items go from sending to receiving ends, first come, first served, through a buffer or,
// when its capacity is 0, from hand to hand. Behind sender and receiver of the C ABI; select waits
// at ends by the same places as a plain send and receive do.
//
// Always true: whoever waits at the receiving side finds the buffer empty and no sender waiting;
// whoever waits at the sending side finds the buffer full and no receiver waiting. So an item that
// can go goes at once, and an item that was handed over belongs to him who waited.
//
// A wait for several things is made of the three pieces below, none of which gives way:
//
//     code = channel_try_send(end, item);              anything but EWOULDBLOCK: decided
//     channel_enlist(end, place);                      place.waiter, .of, .item are set before
//     ... park; a counterpart takes the place, moves the item and finishes with 0, ECLOSED, EBROKEN
//         or EEND; or channel_withdraw(place) is called ...
//     channel_leave(place);                            by the task itself, once for each enlisting
#pragma once

#include <cstdint>

#include "base/status.hpp"
#include "runtime/run_object.hpp"
#include "runtime/wait_queue.hpp"
#include "sync/channel_buffer.hpp"

namespace structio::rt {

struct channel;

enum class channel_side : std::uint8_t { sending, receiving };

/// What a handle leads to. Outlives its handle while a call waits at it.
struct channel_end {
  channel* of;
  channel_side side;
  bool closed = false;
  std::uint32_t references = 1;  ///< the handle's, and one for each place that is enlisted
  void* handle = nullptr;
};

/// One wait at one end; lives in the frame of the task that waits.
struct channel_place : place {
  channel_end* end = nullptr;
  void* item = nullptr;    ///< to be sent, or raw memory for what is received
  std::size_t room = 1;    ///< items for which there is memory, one behind the other
  std::size_t filled = 0;  ///< of them, once the place has been taken
};

struct channel : run_object {
  channel(const item_type& items, std::int64_t capacity) noexcept
      : type(items), buffer(type, capacity) {
    look();
  }

  /// Keeps `quick` true to what it says.
  void look() noexcept {
    quick = type.size == sizeof(std::uint64_t) && !type.move_fn && open_receivers > 0 && !filling;
  }

  item_type type;
  channel_buffer buffer;
  wait_queue senders;
  wait_queue receivers;
  std::int64_t open_senders = 1;
  std::int64_t open_receivers = 1;
  /// A wait for several items that has the first and whose task has not run yet: what is sent
  /// meanwhile belongs to it as well, as far as it has room.
  channel_place* filling = nullptr;
  bool moving = false;     ///< the user's move function runs
  bool quick = false;      ///< items are plain words, somebody can receive, nothing is filling
  std::uint32_t ends = 2;  ///< that exist, open or not
};

/// A channel of the calling run with one end on each side. 0 or STRUCTIO_ENOMEM.
int channel_new(runtime& rt, const item_type& type, std::int64_t capacity, channel_end*& tx,
                channel_end*& rx) noexcept;

/// Another end of the same side. 0, STRUCTIO_ECLOSED, STRUCTIO_ENOMEM.
int channel_clone(const channel_end& e, channel_end*& out) noexcept;

/// Closes; whoever waits at this end is told so. Never waits. The last end of a side is the end of
/// that side: the other one is told. No run is needed once the channel's own has ended.
void channel_close(channel_end& e) noexcept;

/// Closes, and lets go of the reference of the handle, which has been dropped.
void channel_free(channel_end& e) noexcept;

/// Give up one reference: to an end, to a channel.
void channel_release(channel_end& e) noexcept;
void channel_let_go(channel& c) noexcept;

/// Without waiting and without a message: 0, STRUCTIO_ECLOSED, STRUCTIO_EBROKEN (no receiver is
/// left), STRUCTIO_EEND (no sender is left), STRUCTIO_EWOULDBLOCK, STRUCTIO_ENOMEM,
/// STRUCTIO_EMISUSE (from within the item's own move function). Any task or hook.
int channel_try_send(channel_end& e, void* item) noexcept;
int channel_try_receive(channel_end& e, void* slot) noexcept;

/// As many as there are, at most `room`. Returns how many, never 0, or a code as above.
std::int64_t channel_try_receive_batch(channel_end& e, void* slots, std::size_t room) noexcept;

/// Waits at an end, right after a try there that would have had to wait.
inline void channel_enlist(channel_end& e, channel_place& p) noexcept;

/// Leaves the queue undecided: to give up one place of a choice, or for an abort function.
inline void channel_withdraw(channel_place& p) noexcept {
  p.queue->remove(p);
}

/// Ends the wait, decided or not: the end may be gone afterwards.
void channel_leave(channel_place& p) noexcept;

/// The message that belongs to the code of a call at an end; returns it. Codes that bring their own
/// message (cancelled, interrupted) and those that are no failure pass.
int channel_explain(channel_side side, std::int64_t code) noexcept;

std::int64_t channel_receive_batch(runtime& rt, channel_end& e, void* slots,
                                   std::size_t room) noexcept;

/// What is left of a call that has looked for cancellation: items are plain words, the end is open,
/// and the buffer alone does not settle it.
int channel_send_word(runtime& rt, channel_end& e, void* item) noexcept;
int channel_receive_word(runtime& rt, channel_end& e, void* slot) noexcept;

int channel_send_slowly(runtime& rt, channel_end& e, void* item) noexcept;
int channel_receive_slowly(runtime& rt, channel_end& e, void* slot) noexcept;
int channel_give_way(runtime& rt) noexcept;

/// Checkpoints: see structio_channel.h. What stands here is no more than what the others would do
/// for words in a buffer, where a channel of many small items spends its time: no frame, no call.
inline int channel_send(runtime& rt, channel_end& e, void* item) noexcept {
  task& t = *rt.current;
  channel& c = *e.of;
  if (t.attention != 0 || e.closed || !c.quick) return channel_send_slowly(rt, e, item);
  ++t.cancel_points;
  if (!c.buffer.quick_push(item)) return channel_send_word(rt, e, item);
  return t.may_go_on() ? 0 : channel_give_way(rt);
}

inline int channel_receive(runtime& rt, channel_end& e, void* slot) noexcept {
  task& t = *rt.current;
  channel& c = *e.of;
  if (t.attention != 0 || e.closed || !c.quick) return channel_receive_slowly(rt, e, slot);
  ++t.cancel_points;
  if (!c.buffer.quick_pop(slot)) return channel_receive_word(rt, e, slot);
  return t.may_go_on() ? 0 : channel_give_way(rt);
}

inline wait_queue& channel_queue(const channel_end& e) noexcept {
  return e.side == channel_side::sending ? e.of->senders : e.of->receivers;
}

inline void channel_enlist(channel_end& e, channel_place& p) noexcept {
  ++e.references;
  p.end = &e;
  channel_queue(e).push(p);
}

}  // namespace structio::rt
