// The life of channels and their ends: making, cloning, closing, letting go.

#include "base/handle_table.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "sync/channel.hpp"

namespace structio::rt {
namespace {

channel_end* end_make(channel& c, channel_side side) noexcept {
  auto* e = base::make<channel_end>(&c, side);
  if (!e) return nullptr;
  const auto kind =
      side == channel_side::sending ? base::handle_kind::sender : base::handle_kind::receiver;
  e->handle = base::handle_make(kind, e);
  if (e->handle) return e;
  base::destroy(e);
  return nullptr;
}

// Gives up an end that nobody has seen.
void end_unmake(channel_end& e) noexcept {
  base::handle_drop(
      e.side == channel_side::sending ? base::handle_kind::sender : base::handle_kind::receiver,
      e.handle);
  base::destroy(&e);
}

// Ends the waits at one end with ECLOSED. Only a call under way holds a second reference, so that
// an end at which nobody waits is closed without a look at the whole queue.
void wake_own(channel_end& e) noexcept {
  if (e.references == 1) return;
  wait_queue& queue = channel_queue(e);
  for (place* p = queue.front(); p;) {
    place* after = queue.next(*p);
    if (static_cast<channel_place*>(p)->end == &e) {
      // Taking it takes the other places of its choice along, and nobody else's.
      while (after && p->of && after->of == p->of) after = queue.next(*after);
      queue.take(*p);
      finish(*p, STRUCTIO_ECLOSED);
    }
    p = after;
  }
}

}  // namespace

int channel_new(runtime& rt, const item_type& type, std::int64_t capacity, channel_end*& tx,
                channel_end*& rx) noexcept {
  auto* c = base::make<channel>(type, capacity);
  tx = c ? end_make(*c, channel_side::sending) : nullptr;
  rx = tx ? end_make(*c, channel_side::receiving) : nullptr;
  if (!rx) {
    if (tx) end_unmake(*tx);
    base::destroy(c);
    return base::fail(STRUCTIO_ENOMEM, "no memory for a channel");
  }
  c->rt = &rt;
  c->orphan = [](run_object&) noexcept {};  // its tasks are gone; its items go with its last end
  rt.objects.push_back(*c);
  return 0;
}

int channel_clone(const channel_end& e, channel_end*& out) noexcept {
  if (e.closed) {
    return base::fail(STRUCTIO_ECLOSED, "an end of a channel that was closed cannot be cloned");
  }
  out = end_make(*e.of, e.side);
  if (!out) return base::fail(STRUCTIO_ENOMEM, "no memory for an end of a channel");
  ++e.of->ends;
  ++(e.side == channel_side::sending ? e.of->open_senders : e.of->open_receivers);
  return 0;
}

void channel_close(channel_end& e) noexcept {
  if (e.closed) return;
  e.closed = true;
  channel& c = *e.of;
  wake_own(e);
  if (e.side == channel_side::sending) {
    if (--c.open_senders == 0) c.receivers.wake(SIZE_MAX, STRUCTIO_EEND);
    return;
  }
  if (c.filling && c.filling->end == &e) c.filling = nullptr;
  --c.open_receivers;
  c.look();
  if (c.open_receivers > 0) return;
  c.senders.wake(SIZE_MAX, STRUCTIO_EBROKEN);
  ++c.ends;  // what the items take along may be the last end of this very channel
  c.buffer.clear(c.type);
  channel_let_go(c);
}

void channel_let_go(channel& c) noexcept {
  if (--c.ends > 0) return;
  if (c.linked()) c.unlink();
  base::destroy(&c);
}

void channel_release(channel_end& e) noexcept {
  if (--e.references > 0) return;
  channel& c = *e.of;
  base::destroy(&e);
  channel_let_go(c);
}

void channel_free(channel_end& e) noexcept {
  channel_close(e);
  channel_release(e);
}

}  // namespace structio::rt
