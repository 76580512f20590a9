// Sending, receiving, waiting at an end.
#include "sync/channel.hpp"

#include "base/message.hpp"

namespace structio::rt {
namespace {

/// The user's move function runs between two states of the channel, which must not be seen.
void move_item(channel& c, void* to, void* from) noexcept {
  if (!c.type.move_fn) [[likely]] {
    c.type.move(to, from);
    return;
  }
  c.moving = true;
  c.type.move(to, from);
  c.moving = false;
}

// Whoever is taken is made ready before the item moves: from then on no cancellation ends his wait,
// and he does not run before we give way.
void decide(wait_queue& queue, channel_place& p) noexcept {
  queue.take(p);
  finish(p, 0);
}

channel_place* first_of(wait_queue& queue) noexcept {
  return static_cast<channel_place*>(queue.front());
}

void stop_filling(channel& c) noexcept {
  c.filling = nullptr;
  c.look();
}

void fill(channel& c, channel_place& p, void* item) noexcept {
  auto* slots = static_cast<std::byte*>(p.item);
  move_item(c, slots + p.filled * c.type.size, item);
  if (++p.filled == p.room) stop_filling(c);
}

void hand_over(channel& c, channel_place& p, void* item) noexcept {
  decide(c.receivers, p);
  if (p.room == 1) [[likely]] {
    p.filled = 1;
    move_item(c, p.item, item);
  } else {
    c.filling = &p;
    c.look();
    fill(c, p, item);
  }
}

// There is room again: what the first sender waits with goes in, so that nobody comes before him.
void refill(channel& c) noexcept {
  channel_place* p = first_of(c.senders);
  if (!p) [[likely]]
    return;
  decide(c.senders, *p);
  move_item(c, c.buffer.push(), p->item);
}

// The items move to a larger ring by the user's function.
[[gnu::noinline]] bool grow(channel& c) noexcept {
  c.moving = true;
  const bool grown = c.buffer.grow(c.type);
  c.moving = false;
  return grown;
}

// Waits until a counterpart has decided. The end may be gone when it returns.
std::int64_t wait_at(runtime& rt, channel_end& e, channel_place& p, const char* what) noexcept {
  p.waiter = rt.current;
  channel_enlist(e, p);
  std::int64_t result = park(
      rt, what,
      [](void* arg) {
        channel_withdraw(*static_cast<channel_place*>(arg));
        return abort_done;
      },
      &p);
  const channel_side side = e.side;
  channel_leave(p);
  return result == 0 ? 0 : channel_explain(side, result);
}

}  // namespace

int channel_try_send(channel_end& e, void* item) noexcept {
  channel& c = *e.of;
  if (e.closed) return STRUCTIO_ECLOSED;
  if (c.open_receivers == 0) return STRUCTIO_EBROKEN;
  if (c.moving) return STRUCTIO_EMISUSE;
  if (c.filling) {
    fill(c, *c.filling, item);
    return 0;
  }
  if (channel_place* p = first_of(c.receivers)) {
    hand_over(c, *p, item);
    return 0;
  }
  if (c.buffer.full()) return STRUCTIO_EWOULDBLOCK;
  if (!c.buffer.has_room() && !grow(c)) [[unlikely]]
    return STRUCTIO_ENOMEM;
  move_item(c, c.buffer.push(), item);
  return 0;
}

int channel_try_receive(channel_end& e, void* slot) noexcept {
  channel& c = *e.of;
  if (e.closed) return STRUCTIO_ECLOSED;
  if (c.moving) return STRUCTIO_EMISUSE;
  if (!c.buffer.empty()) {
    move_item(c, slot, c.buffer.front());
    c.buffer.popped();
    refill(c);
    return 0;
  }
  if (channel_place* p = first_of(c.senders)) {
    decide(c.senders, *p);
    move_item(c, slot, p->item);
    return 0;
  }
  c.buffer.found_empty();
  return c.open_senders == 0 ? STRUCTIO_EEND : STRUCTIO_EWOULDBLOCK;
}

std::int64_t channel_try_receive_batch(channel_end& e, void* slots, std::size_t room) noexcept {
  auto* slot = static_cast<std::byte*>(slots);
  std::int64_t count = 0;
  for (std::size_t i = 0; i < room; ++i, ++count, slot += e.of->type.size) {
    const int code = channel_try_receive(e, slot);
    if (code != 0) return count > 0 ? count : code;
  }
  return count;
}

void channel_leave(channel_place& p) noexcept {
  if (p.linked()) channel_withdraw(p);
  channel_end& e = *p.end;
  if (e.of->filling == &p) stop_filling(*e.of);
  if (e.references > 1) {  // as always, but when the handle was freed meanwhile
    --e.references;
  } else {
    channel_release(e);
  }
}

namespace {

// Each of these is a frame of its own, so that who need not wait does without it.

[[gnu::noinline]] int wait_to_send(runtime& rt, channel_end& e, void* item) noexcept {
  channel_place self;
  self.item = item;
  return static_cast<int>(wait_at(rt, e, self, "channel send"));
}

[[gnu::noinline]] int wait_to_receive(runtime& rt, channel_end& e, void* slot) noexcept {
  channel_place self;
  self.item = slot;
  return static_cast<int>(wait_at(rt, e, self, "channel receive"));
}

[[gnu::noinline]] int done_with(runtime& rt, channel_side side, int code) noexcept {
  give_way(rt);  // the end may be freed meanwhile, and others may write messages
  return code == 0 ? 0 : channel_explain(side, code);
}

[[gnu::noinline]] int send_any(runtime& rt, channel_end& e, void* item) noexcept {
  const int code = channel_try_send(e, item);
  if (code == STRUCTIO_EWOULDBLOCK) return wait_to_send(rt, e, item);
  return done_with(rt, channel_side::sending, code);
}

[[gnu::noinline]] int receive_any(runtime& rt, channel_end& e, void* slot) noexcept {
  const int code = channel_try_receive(e, slot);
  if (code == STRUCTIO_EWOULDBLOCK) return wait_to_receive(rt, e, slot);
  return done_with(rt, channel_side::receiving, code);
}

// One who waits for this alone is met: his word moves, and he goes on.
inline int meet(runtime& rt, wait_queue& queue, channel_place& p, void* to, void* from) noexcept {
  queue.remove(p);
  wake(rt, *p.waiter, 0);
  __builtin_memcpy(to, from, sizeof(std::uint64_t));
  return rt.current->may_go_on() ? 0 : channel_give_way(rt);
}

}  // namespace

// What a rendezvous of words comes to, whichever side is the later one: no frame, as long as nobody
// waits.
int channel_send_word(runtime& rt, channel_end& e, void* item) noexcept {
  channel& c = *e.of;
  if (c.receivers.empty()) {
    return c.buffer.full() ? wait_to_send(rt, e, item) : send_any(rt, e, item);
  }
  auto& p = static_cast<channel_place&>(c.receivers.first());
  if (p.of || p.room != 1) return send_any(rt, e, item);
  p.filled = 1;
  return meet(rt, c.receivers, p, p.item, item);
}

int channel_receive_word(runtime& rt, channel_end& e, void* slot) noexcept {
  channel& c = *e.of;
  if (!c.buffer.bare()) return receive_any(rt, e, slot);
  if (c.senders.empty()) {
    return c.open_senders > 0 ? wait_to_receive(rt, e, slot) : receive_any(rt, e, slot);
  }
  auto& p = static_cast<channel_place&>(c.senders.first());
  if (p.of) return receive_any(rt, e, slot);
  return meet(rt, c.senders, p, slot, p.item);
}

int channel_send_slowly(runtime& rt, channel_end& e, void* item) noexcept {
  if (const int code = cancel_check(rt)) return code;
  return send_any(rt, e, item);
}

int channel_receive_slowly(runtime& rt, channel_end& e, void* slot) noexcept {
  if (const int code = cancel_check(rt)) return code;
  return receive_any(rt, e, slot);
}

std::int64_t channel_receive_batch(runtime& rt, channel_end& e, void* slots,
                                   std::size_t room) noexcept {
  if (const int code = cancel_check(rt)) return code;
  std::int64_t got = channel_try_receive_batch(e, slots, room);
  if (got == STRUCTIO_EWOULDBLOCK) {
    channel_place self;
    self.item = slots;
    self.room = room;
    got = wait_at(rt, e, self, "channel receive");
    return got < 0 ? got : static_cast<std::int64_t>(self.filled);
  }
  const channel_side side = e.side;
  give_way(rt);
  return got < 0 ? channel_explain(side, got) : got;
}

int channel_give_way(runtime& rt) noexcept {
  yield_spent(rt);
  return 0;
}

int channel_explain(channel_side side, std::int64_t code) noexcept {
  const bool sending = side == channel_side::sending;
  const char* text = nullptr;
  switch (code) {
    case STRUCTIO_ECLOSED: text = "this end of the channel has been closed"; break;
    case STRUCTIO_EBROKEN: text = "every receiver of the channel is closed"; break;
    case STRUCTIO_EEND: text = "every sender of the channel is closed, and it is drained"; break;
    case STRUCTIO_EWOULDBLOCK:
      text = sending ? "the channel is full and nobody waits to receive"
                     : "the channel is empty and nobody waits to send";
      break;
    case STRUCTIO_ENOMEM: text = "no memory for one more item in the channel"; break;
    case STRUCTIO_EMISUSE:
      text = "a channel must not be used by the function that moves its items";
      break;
    default: return static_cast<int>(code);
  }
  return base::fail(static_cast<int>(code), "channel %s: %s", sending ? "send" : "receive", text);
}

}  // namespace structio::rt
