// Sending to all: room in the ring, what happens to those who are behind, closing.
#include "sync/broadcast.hpp"

#include <utility>

#include "base/handle_table.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"

namespace structio::rt {
namespace {

struct send_place : place {
  void* item = nullptr;
};

void destroy_item(broadcast& b, void* item) noexcept {
  b.moving = true;
  b.type.destroy(item);
  b.moving = false;
}

// The ring has room. Nobody listens: the item is gone at once.
void put(broadcast& b, void* item) noexcept {
  if (b.subscribers == 0) {
    destroy_item(b, item);
    return;
  }
  void* slot = b.ring.push();
  takers(slot) = static_cast<std::uint64_t>(b.subscribers);
  b.moving = true;
  b.type.move(slot, item);
  b.moving = false;
  for (auto* s = b.subscriptions.front(); s; s = b.subscriptions.next(*s)) s->waiting.wake(1, 0);
}

// The subscriptions that have not taken the first item are those that are behind by the capacity.
void disconnect_slowest(broadcast& b) noexcept {
  for (auto* s = b.subscriptions.front(); s;) {
    subscription* after = b.subscriptions.next(*s);
    if (s->next == b.first) {
      s->disconnected = true;
      ++b.disconnected;
      subscription_unlink(*s);
    }
    s = after;
  }
  broadcast_advance(b);
}

void drop_first(broadcast& b) noexcept {
  destroy_item(b, b.ring.front());
  b.ring.popped();
  ++b.first;
  ++b.dropped;
  broadcast_advance(b);  // those behind it may have been taken by all
}

int make_room(broadcast& b) noexcept {
  if (b.ring.full()) {
    if (b.policy == lag_policy::wait) return STRUCTIO_EWOULDBLOCK;
    if (b.policy == lag_policy::disconnect) {
      disconnect_slowest(b);
    } else {
      drop_first(b);
    }
  }
  if (b.subscribers == 0 || b.ring.has_room()) return 0;
  b.moving = true;
  const bool grown = b.ring.grow(b.type);
  b.moving = false;
  return grown ? 0 : STRUCTIO_ENOMEM;
}

}  // namespace

int broadcast_new(runtime& rt, const item_type& type, std::int64_t capacity, lag_policy policy,
                  broadcast*& out) noexcept {
  out = base::make<broadcast>(type, capacity, policy);
  if (out) out->handle = base::handle_make(base::handle_kind::broadcast, out);
  if (!out || !out->handle) {
    base::destroy(out);
    return base::fail(STRUCTIO_ENOMEM, "no memory for a broadcast");
  }
  out->rt = &rt;
  out->orphan = [](run_object&) noexcept {};  // its tasks are gone; items go with subscriptions
  rt.objects.push_back(*out);
  return 0;
}

int broadcast_try_send(broadcast& b, void* item) noexcept {
  if (b.closed) return STRUCTIO_ECLOSED;
  if (b.moving) return STRUCTIO_EMISUSE;
  const int code = make_room(b);
  if (code == 0) put(b, item);
  broadcast_settle(b);
  return code;
}

int broadcast_send(runtime& rt, broadcast& b, void* item) noexcept {
  if (const int code = cancel_check(rt)) return code;
  const int code = broadcast_try_send(b, item);
  if (code != STRUCTIO_EWOULDBLOCK) {
    give_way(rt);
    return broadcast_explain(code);
  }
  send_place self;
  self.item = item;
  ++b.references;
  const auto result = static_cast<int>(wait_in(rt, b.senders, self, "broadcast send"));
  broadcast_release(b);
  return broadcast_explain(result);
}

void broadcast_untake(broadcast& b, void* item) noexcept {
  if (--takers(item) == 0) destroy_item(b, item);
}

void broadcast_advance(broadcast& b) noexcept {
  for (;;) {
    while (!b.ring.empty() && takers(b.ring.front()) == 0) {
      b.ring.popped();
      ++b.first;
    }
    if (b.ring.empty()) b.ring.found_empty();
    // Only a full ring makes anybody wait, and it has had room for as many items as it may hold;
    // but it may have let go of its memory when it ran empty.
    if (b.ring.full() || b.senders.empty()) return;
    if (b.subscribers > 0 && !b.ring.has_room()) {
      b.moving = true;
      const bool grown = b.ring.grow(b.type);
      b.moving = false;
      if (!grown) {
        b.senders.wake(1, STRUCTIO_ENOMEM);
        continue;
      }
    }
    auto* p = static_cast<send_place*>(b.senders.take_first());
    finish(*p, 0);
    put(b, p->item);
  }
}

void broadcast_close(broadcast& b) noexcept {
  if (b.closed) return;
  b.closed = true;
  b.senders.wake(SIZE_MAX, STRUCTIO_ECLOSED);
  for (auto* s = b.subscriptions.front(); s; s = b.subscriptions.next(*s)) s->waiting.wake(1, 0);
}

void broadcast_free(broadcast& b) noexcept {
  if (b.moving) {
    b.put_off = true;
    return;
  }
  broadcast_close(b);
  broadcast_release(b);
}

void broadcast_release(broadcast& b) noexcept {
  if (--b.references > 0) return;
  if (b.linked()) b.unlink();
  base::destroy(&b);
}

// What is freed may take items along that free more: one round after the other, not one within the
// other.
void broadcast_settle_now(broadcast& b) noexcept {
  if (std::exchange(b.settling, true)) return;
  ++b.references;
  while (b.to_free || b.put_off) {
    if (subscription* s = b.to_free) {
      b.to_free = s->next_to_free;
      subscription_free(*s);
    } else {
      b.put_off = false;
      broadcast_free(b);
    }
  }
  b.settling = false;
  broadcast_release(b);
}

int broadcast_explain(int code) noexcept {
  const char* text = nullptr;
  switch (code) {
    case STRUCTIO_ECLOSED: text = "it has been closed"; break;
    case STRUCTIO_EBROKEN:
      text = "the subscription was too slow and has been disconnected: subscribe again";
      break;
    case STRUCTIO_EEND: text = "the broadcast is closed, and all is received"; break;
    case STRUCTIO_EWOULDBLOCK: text = "the call would have to wait"; break;
    case STRUCTIO_EBUSY:
      text = "another task receives from this subscription: subscribe once for each task";
      break;
    case STRUCTIO_ENOMEM: text = "no memory for one more item"; break;
    case STRUCTIO_EMISUSE:
      text = "a broadcast must not be used by the functions of its items";
      break;
    default: return code;
  }
  return base::fail(code, "broadcast: %s", text);
}

}  // namespace structio::rt
