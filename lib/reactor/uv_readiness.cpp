// Readiness of the user's descriptors: a table by number, and one watcher of libuv's for the set in
// which the kernel watches them. The watcher and the set are made by the first wait of a run.
#include "reactor/uv_readiness.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "base/memory.hpp"
#include "base/status.hpp"
#include "reactor/uv_reactor_state.hpp"

namespace structio::reactor {
namespace {

operation*& waiter_of(watched& w, std::uint8_t direction) noexcept {
  return direction == ready_to_read ? w.reader : w.writer;
}

std::uint8_t awaited(const watched& w) noexcept {
  return static_cast<std::uint8_t>((w.reader ? ready_to_read : 0) |
                                   (w.writer ? ready_to_write : 0));
}

// The generation tells events of what a number stood for once from those of what it stands for now.
std::uint64_t tag_of(int descriptor, const watched& w) noexcept {
  return (std::uint64_t{w.generation} << 32) | static_cast<std::uint32_t>(descriptor);
}

watched* find(uv_reactor::state& r, int descriptor) noexcept {
  if (descriptor < 0 || static_cast<std::size_t>(descriptor) >= r.readiness.room) return nullptr;
  return &r.readiness.table[descriptor];
}

void tell(uv_reactor::state& r, int descriptor, std::uint8_t directions, int result) noexcept {
  for (const std::uint8_t direction : {ready_to_read, ready_to_write}) {
    // Looked up each time: who is told may begin another wait, and the table may move.
    if (directions & direction)
      r.complete(waiter_of(r.readiness.table[descriptor], direction), result);
  }
}

// The number does not stand any more for what was watched.
void forget(watched& w) noexcept {
  w.added = false;
  ++w.generation;
}

void tell_gone(uv_reactor::state& r, int descriptor) noexcept {
  watched& w = r.readiness.table[descriptor];
  forget(w);
  tell(r, descriptor, awaited(w), STRUCTIO_ECLOSED);
}

bool is_gone(int code) noexcept {
  return code == UV_ENOENT || code == UV_EBADF || code == UV_EPERM;  // a file on disk by now
}

int renew(uv_reactor::state& r, int descriptor, std::uint8_t directions) noexcept {
  return ready_set_renew(r.readiness.set, descriptor, directions,
                         tag_of(descriptor, r.readiness.table[descriptor]));
}

void on_events(uv_poll_t* handle, int, int) {
  uv_reactor::state& r = *static_cast<uv_reactor::state*>(handle->data);
  ready_event events[64];
  const int count = ready_set_take(r.readiness.set, events, 64);  // more come in the next turn
  for (int i = 0; i < count; ++i) {
    const auto descriptor = static_cast<int>(static_cast<std::uint32_t>(events[i].tag));
    watched* w = find(r, descriptor);
    if (!w || tag_of(descriptor, *w) != events[i].tag) continue;
    const auto happened = static_cast<std::uint8_t>(awaited(*w) & events[i].directions);
    const auto left = static_cast<std::uint8_t>(awaited(*w) & ~events[i].directions);
    const int code = left ? renew(r, descriptor, left) : 0;
    if (is_gone(code)) forget(*w);
    tell(r, descriptor, happened, 0);
    if (code < 0) tell(r, descriptor, left, is_gone(code) ? STRUCTIO_ECLOSED : code);
  }
}

int open_set(uv_reactor::state& r) noexcept {
  readiness_state& ready = r.readiness;
  const int set = ready_set_open();
  if (set < 0) return set == UV_ENOSYS ? STRUCTIO_EUNSUPPORTED : set;
  int status = uv_poll_init(&r.loop, &ready.uv, set);
  if (status < 0) {
    ready_set_close(set);
    return status;
  }
  ready.set = set;
  ready.uv.data = &r;
  status = uv_poll_start(&ready.uv, UV_READABLE, on_events);
  STRUCTIO_ASSERT(status == 0);
  return status;
}

int make_room(readiness_state& ready, int descriptor) noexcept {
  const auto needed = static_cast<std::size_t>(descriptor) + 1;
  if (needed <= ready.room) return 0;
  const std::size_t room = std::max({needed, ready.room * 2, std::size_t{64}});
  void* memory = base::reallocate(static_cast<void*>(ready.table), room * sizeof(watched));
  if (!memory) return STRUCTIO_ENOMEM;
  ready.table = static_cast<watched*>(memory);
  for (std::size_t i = ready.room; i < room; ++i) new (&ready.table[i]) watched;
  ready.room = room;
  return 0;
}

// Has the kernel watch `descriptor` for `directions`, with whatever the number stands for now.
int watch(uv_reactor::state& r, int descriptor, std::uint8_t direction) noexcept {
  watched& w = r.readiness.table[descriptor];
  int code = UV_ENOENT;
  if (w.added) {
    code = renew(r, descriptor, static_cast<std::uint8_t>(awaited(w) | direction));
    if (!is_gone(code)) return code;
    tell_gone(r, descriptor);
  }
  watched& fresh = r.readiness.table[descriptor];
  code = ready_set_add(r.readiness.set, descriptor, direction, tag_of(descriptor, fresh));
  // It may be the one that was watched before, back at its number.
  if (code == UV_EEXIST) code = renew(r, descriptor, direction);
  r.readiness.table[descriptor].added = code == 0;
  return code;
}

}  // namespace

const int bad_descriptor = UV_EBADF;

int readiness_try(uv_reactor& reactor, int descriptor, std::uint8_t direction) noexcept {
  uv_reactor::state& r = reactor.inner();
  if (r.closing) return STRUCTIO_ECLOSED;
  // Who waits already may wait for what the number stood for before.
  if (watched* w = find(r, descriptor); w && w->added && awaited(*w)) {
    if (is_gone(renew(r, descriptor, awaited(*w)))) {
      tell_gone(r, descriptor);
    } else if (waiter_of(*w, direction)) {
      return STRUCTIO_EBUSY;
    }
  }
  return is_ready(descriptor, direction);
}

int readiness_begin(uv_reactor& reactor, int descriptor, std::uint8_t direction,
                    operation& op) noexcept {
  uv_reactor::state& r = reactor.inner();
  if (r.readiness.set < 0) {
    if (const int code = open_set(r)) return code;
  }
  if (const int code = make_room(r.readiness, descriptor)) return code;
  // Whoever waits for several things may have begun to wait for this one twice.
  if (waiter_of(r.readiness.table[descriptor], direction)) return STRUCTIO_EBUSY;
  const int code = watch(r, descriptor, direction);
  if (code == UV_EPERM) return 1;
  if (code < 0) return code;
  r.expect(waiter_of(r.readiness.table[descriptor], direction), op);
  return 0;
}

void readiness_cancel(uv_reactor& reactor, int descriptor, std::uint8_t direction,
                      operation& op) noexcept {
  uv_reactor::state& r = reactor.inner();
  watched* w = find(r, descriptor);
  if (w && waiter_of(*w, direction) == &op) r.forget(waiter_of(*w, direction));
}

void readiness_closing(uv_reactor& reactor, int descriptor) noexcept {
  uv_reactor::state& r = reactor.inner();
  watched* w = find(r, descriptor);
  if (!w || !w->added) return;
  ready_set_remove(r.readiness.set, descriptor);
  tell_gone(r, descriptor);
}

std::size_t readiness_waiting(uv_reactor& reactor, std::uint8_t direction) noexcept {
  const readiness_state& ready = reactor.inner().readiness;
  std::size_t count = 0;
  for (std::size_t i = 0; i < ready.room; ++i) {
    if (waiter_of(ready.table[i], direction)) ++count;
  }
  return count;
}

void close_readiness(uv_reactor::state& r) noexcept {
  for (std::size_t i = 0; i < r.readiness.room; ++i) {
    const auto descriptor = static_cast<int>(i);
    tell(r, descriptor, awaited(r.readiness.table[i]), STRUCTIO_ECLOSED);
  }
  if (r.readiness.set < 0) return;
  uv_close(reinterpret_cast<uv_handle_t*>(&r.readiness.uv), nullptr);
  ready_set_close(r.readiness.set);  // libuv has let go of it
  r.readiness.set = -1;
}

}  // namespace structio::reactor
