// Broadcasts: every item goes to every subscription that existed when it was sent. The items lie in
// one ring, once; a subscription is a place in their sequence. Behind broadcast and subscription of
// the C ABI.
//
// Always true: an item in the ring knows how many subscriptions have yet to take it, and is
// destroyed or moved away with the last of them; the first item of the ring is wanted by somebody.
// The user's functions run only while `moving` is set, during which every call is refused; freeing
// is put off until the call that runs them has done its work.
#pragma once

#include <cstdint>

#include "base/list.hpp"
#include "base/status.hpp"
#include "runtime/run_object.hpp"
#include "runtime/wait_queue.hpp"
#include "sync/channel_buffer.hpp"

namespace structio::rt {

struct broadcast;
struct subscription_tag;

/// Values of enum structio_lag: what a send does to a subscription that is behind by the capacity.
enum class lag_policy : std::uint8_t { wait = 0, drop_oldest = 1, disconnect = 2 };

struct subscription : base::list_node<subscription_tag> {
  broadcast* of = nullptr;
  void* handle = nullptr;
  std::uint32_t references = 1;  ///< the handle's, and that of a call that waits
  bool closed = false;
  bool disconnected = false;  ///< it was too slow
  bool receiving = false;     ///< a task waits, or has been woken and did not run yet
  std::uint64_t next = 0;     ///< of the sequence
  std::uint64_t missed = 0;   ///< since the last item it received
  std::uint64_t missed_ever = 0;
  wait_queue waiting;
  subscription* next_to_free = nullptr;
};

struct broadcast : run_object {
  broadcast(const item_type& items, std::int64_t capacity, lag_policy when_behind) noexcept
      : type(items), ring(type, capacity, prefix), policy(when_behind) {}

  static constexpr std::size_t prefix = 16;  ///< holds the count; as aligned as malloc's memory

  item_type type;
  channel_buffer ring;
  lag_policy policy;
  bool closed = false;
  bool moving = false;
  bool put_off = false;             ///< the handle was freed while `moving`
  subscription* to_free = nullptr;  ///< those whose handles were
  bool settling = false;
  std::uint32_t references = 1;  ///< the handle's, each subscription's, that of each waiting send
  void* handle = nullptr;
  std::uint64_t first = 0;  ///< of the sequence, in the ring
  std::int64_t subscribers = 0;
  std::int64_t dropped = 0;
  std::int64_t disconnected = 0;
  wait_queue senders;
  base::list<subscription, subscription_tag> subscriptions;

  std::uint64_t end() const noexcept { return first + static_cast<std::uint64_t>(ring.size()); }
};

/// 0 or STRUCTIO_ENOMEM.
int broadcast_new(runtime& rt, const item_type& type, std::int64_t capacity, lag_policy policy,
                  broadcast*& out) noexcept;

/// No more is sent; subscriptions get what there is. Never waits.
void broadcast_close(broadcast& b) noexcept;

/// Closes, and lets go of the reference of the handle, which has been dropped. Put off while the
/// functions of an item run: the item may own it.
void broadcast_free(broadcast& b) noexcept;

/// Without waiting and without a message: 0, STRUCTIO_ECLOSED, STRUCTIO_EWOULDBLOCK,
/// STRUCTIO_ENOMEM, STRUCTIO_EMISUSE. Any task or hook.
int broadcast_try_send(broadcast& b, void* item) noexcept;

/// Checkpoint; see structio_channel.h.
int broadcast_send(runtime& rt, broadcast& b, void* item) noexcept;

/// A subscription to all that is sent from now on. 0, STRUCTIO_ECLOSED, STRUCTIO_ENOMEM.
int broadcast_subscribe(broadcast& b, subscription*& out) noexcept;

void subscription_close(subscription& s) noexcept;
void subscription_free(subscription& s) noexcept;  ///< as broadcast_free

/// Without waiting: 0, STRUCTIO_ECLOSED, STRUCTIO_EBROKEN (disconnected), STRUCTIO_EEND,
/// STRUCTIO_EWOULDBLOCK, STRUCTIO_EBUSY, STRUCTIO_EMISUSE, what the item's copy function says.
/// `missed`: items that were dropped before this one. Any task or hook.
int subscription_try_receive(subscription& s, void* slot, std::uint64_t& missed) noexcept;

/// Checkpoint; see structio_channel.h.
int subscription_receive(runtime& rt, subscription& s, void* slot, std::uint64_t& missed) noexcept;

/// How many items it has yet to receive.
std::int64_t subscription_behind(const subscription& s) noexcept;

/// How many it has missed in all, those that it has not been told of included.
std::int64_t subscription_missed(const subscription& s) noexcept;

/// The message that belongs to the code of a call; returns it. Codes of others pass.
int broadcast_explain(int code) noexcept;

// Between broadcast.cpp and subscription.cpp.

/// How many subscriptions have yet to take an item of the ring.
inline std::uint64_t& takers(void* item) noexcept {
  return *reinterpret_cast<std::uint64_t*>(static_cast<std::byte*>(item) - broadcast::prefix);
}

/// One subscription less has to take an item.
void broadcast_untake(broadcast& b, void* item) noexcept;

/// Lets go of what nobody has to take any more, and lets waiting senders in.
void broadcast_advance(broadcast& b) noexcept;

void broadcast_release(broadcast& b) noexcept;

/// Frees what was put off; the last that a call does which may have run functions of items. The
/// broadcast and its subscriptions may be gone afterwards.
void broadcast_settle_now(broadcast& b) noexcept;
inline void broadcast_settle(broadcast& b) noexcept {
  if (b.to_free || b.put_off) [[unlikely]]
    broadcast_settle_now(b);
}

/// Takes a subscription out of the list, with its claims on items.
void subscription_unlink(subscription& s) noexcept;

}  // namespace structio::rt
