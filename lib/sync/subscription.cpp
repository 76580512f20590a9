// One subscriber's side of a broadcast: its place in the sequence, receiving, closing.

#include "base/handle_table.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "sync/broadcast.hpp"

namespace structio::rt {
namespace {

void release(subscription& s) noexcept {
  if (--s.references > 0) return;
  broadcast& b = *s.of;
  base::destroy(&s);
  broadcast_release(b);
}

// Takes note of what was dropped before it could be received.
void catch_up(subscription& s) noexcept {
  const std::uint64_t first = s.of->first;
  if (s.next >= first) return;
  s.missed += first - s.next;
  s.missed_ever += first - s.next;
  s.next = first;
}

// The next item, which is there: the last of its takers gets the item itself, all others a copy.
int take_item(subscription& s, void* slot) noexcept {
  broadcast& b = *s.of;
  void* item = b.ring.at(static_cast<std::int64_t>(s.next - b.first));
  b.moving = true;
  int code = 0;
  if (takers(item) == 1) {
    b.type.move(slot, item);
  } else {
    code = b.type.copy(slot, item);
  }
  b.moving = false;
  if (code < 0) return code;
  --takers(item);
  ++s.next;
  return 0;
}

// As subscription_try_receive, for whoever is the one that receives.
int try_take(subscription& s, void* slot, std::uint64_t& missed) noexcept {
  broadcast& b = *s.of;
  if (s.closed) return STRUCTIO_ECLOSED;
  if (s.disconnected) return STRUCTIO_EBROKEN;
  if (b.moving) return STRUCTIO_EMISUSE;
  catch_up(s);
  if (s.next == b.end()) return b.closed ? STRUCTIO_EEND : STRUCTIO_EWOULDBLOCK;
  const int code = take_item(s, slot);
  if (code == 0) {
    missed = s.missed;
    s.missed = 0;
    broadcast_advance(b);
  }
  broadcast_settle(b);
  return code;
}

// The user's copy function may say STRUCTIO_EWOULDBLOCK as well: that is an answer, not a wait.
bool has_to_wait(const subscription& s, int code) noexcept {
  return code == STRUCTIO_EWOULDBLOCK && subscription_behind(s) == 0;
}

}  // namespace

int broadcast_subscribe(broadcast& b, subscription*& out) noexcept {
  if (b.closed) return base::fail(STRUCTIO_ECLOSED, "a closed broadcast takes no subscriptions");
  if (b.moving) return broadcast_explain(STRUCTIO_EMISUSE);
  out = base::make<subscription>();
  if (out) out->handle = base::handle_make(base::handle_kind::subscription, out);
  if (!out || !out->handle) {
    base::destroy(out);
    return base::fail(STRUCTIO_ENOMEM, "no memory for a subscription");
  }
  out->of = &b;
  out->next = b.end();
  ++b.references;
  ++b.subscribers;
  b.subscriptions.push_back(*out);
  return 0;
}

int subscription_try_receive(subscription& s, void* slot, std::uint64_t& missed) noexcept {
  return s.receiving ? STRUCTIO_EBUSY : try_take(s, slot, missed);
}

int subscription_receive(runtime& rt, subscription& s, void* slot, std::uint64_t& missed) noexcept {
  if (const int code = cancel_check(rt)) return code;
  ++s.references;  // copying the item may free it
  int code = subscription_try_receive(s, slot, missed);
  if (!has_to_wait(s, code)) {
    release(s);
    give_way(rt);
    return broadcast_explain(code);
  }
  s.receiving = true;
  while (has_to_wait(s, code)) {
    place self;
    code = static_cast<int>(wait_in(rt, s.waiting, self, "broadcast receive"));
    if (code == 0) code = try_take(s, slot, missed);
  }
  s.receiving = false;
  release(s);
  return broadcast_explain(code);
}

std::int64_t subscription_behind(const subscription& s) noexcept {
  if (s.closed || s.disconnected) return 0;
  const std::uint64_t from = s.next > s.of->first ? s.next : s.of->first;
  return static_cast<std::int64_t>(s.of->end() - from);
}

std::int64_t subscription_missed(const subscription& s) noexcept {
  std::uint64_t missed = s.missed_ever;
  if (s.linked() && s.next < s.of->first) missed += s.of->first - s.next;
  return static_cast<std::int64_t>(missed);
}

void subscription_unlink(subscription& s) noexcept {
  broadcast& b = *s.of;
  s.unlink();
  --b.subscribers;
  catch_up(s);
  for (std::uint64_t i = s.next; i != b.end(); ++i) {
    broadcast_untake(b, b.ring.at(static_cast<std::int64_t>(i - b.first)));
  }
}

void subscription_close(subscription& s) noexcept {
  if (s.closed) return;
  s.closed = true;
  s.waiting.wake(1, STRUCTIO_ECLOSED);
  if (!s.linked()) return;  // disconnected before
  broadcast& b = *s.of;
  subscription_unlink(s);
  broadcast_advance(b);
  broadcast_settle(b);
}

void subscription_free(subscription& s) noexcept {
  broadcast& b = *s.of;
  if (b.moving) {
    s.next_to_free = b.to_free;
    b.to_free = &s;
    return;
  }
  subscription_close(s);
  release(s);
}

}  // namespace structio::rt
