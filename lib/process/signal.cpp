// The reactor's watchers, as many as there are signals, and one waiter.
#include "process/signal.hpp"

#include "base/handle_table.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/wait.hpp"

namespace structio::rt {
namespace {

void signal_came(reactor::operation& op, std::int64_t number) noexcept {
  auto& signal = static_cast<watched_signal&>(op);
  signal_receiver& r = *signal.receiver;
  if (task* waiter = r.waiter) {
    // Handed over at once: a close before the task runs cannot take it away again.
    r.waiter = nullptr;
    r.handed = signal.number;
    wake(*waiter, number);
  } else if (signal.number != r.handed) {
    signal.pending = true;
  }
}

int closed() noexcept {
  return base::fail(STRUCTIO_ECLOSED, "the signal receiver has been closed here");
}

// The next pending one after the one that was reported last; 0: none.
int take_pending(signal_receiver& r) noexcept {
  for (std::size_t step = 0; step < r.count; ++step) {
    const std::size_t i = (r.next + step) % r.count;
    if (!r.watched[i].pending) continue;
    r.watched[i].pending = false;
    r.next = i + 1;
    return r.watched[i].number;
  }
  return 0;
}

bool is_watched(const signal_receiver& r, int number) noexcept {
  for (std::size_t i = 0; i < r.count; ++i) {
    if (r.watched[i].number == number) return true;
  }
  return false;
}

void release(signal_receiver& r) noexcept {
  if (--r.references > 0) return;
  if (r.linked()) r.unlink();
  base::release(r.watched);
  base::destroy(&r);
}

int watch(runtime& rt, signal_receiver& r, int number) noexcept {
  watched_signal& signal = r.watched[r.count];
  signal.done = signal_came;
  signal.receiver = &r;
  signal.number = number;
  const int code = reactor::signal_watch(rt.kernel, number, signal, signal.slot);
  if (code == 0) {
    ++r.count;
    return 0;
  }
  return base::fail(code, "signal %d cannot be watched: %s", number, reactor::os_error_text(code));
}

}  // namespace

int signal_open(runtime& rt, const int* numbers, std::size_t count,
                signal_receiver*& out) noexcept {
  out = nullptr;
  auto* r = base::make<signal_receiver>();
  if (r) r->watched = base::make_array<watched_signal>(count);
  if (r && r->watched) r->handle = base::handle_make(base::handle_kind::signal_receiver, r);
  if (!r || !r->handle) {
    if (r) base::release(r->watched);
    base::destroy(r);
    return base::fail(STRUCTIO_ENOMEM, "no memory for a signal receiver");
  }
  r->rt = &rt;
  r->orphan = [](run_object& self) noexcept { signal_shut(static_cast<signal_receiver&>(self)); };
  rt.objects.push_back(*r);
  for (std::size_t i = 0; i < count; ++i) {
    if (is_watched(*r, numbers[i])) continue;
    if (const int code = watch(rt, *r, numbers[i])) {
      signal_free(*r);
      return code;
    }
  }
  out = r;
  return 0;
}

int signal_receive(runtime& rt, signal_receiver& r, int& number) noexcept {
  if (const int code = cancel_check(rt)) return code;
  if (r.closed || r.waiter || r.handed != 0) {
    const bool is_closed = r.closed;  // it may be freed while others have their turn
    give_way(rt);
    if (is_closed) return closed();
    return base::fail(STRUCTIO_EBUSY, "another task already receives from this signal receiver");
  }
  if (const int pending = take_pending(r)) {
    number = pending;
    give_way(rt);
    return 0;
  }
  ++r.references;
  r.waiter = rt.current;
  const auto result = static_cast<int>(park(
      rt, "receive a signal",
      [](void* arg) {
        static_cast<signal_receiver*>(arg)->waiter = nullptr;
        return abort_done;
      },
      &r));
  if (result > 0) r.handed = 0;  // else it is another task's
  release(r);
  if (result == STRUCTIO_ECLOSED) return closed();
  if (result < 0) return result;
  number = result;
  return 0;
}

void signal_shut(signal_receiver& r) noexcept {
  if (r.closed) return;
  r.closed = true;
  // All are given back before the first one is delivered: what a handler does is not known.
  for (std::size_t i = 0; i < r.count; ++i) {
    watched_signal& signal = r.watched[i];
    const reactor::signal_rest rest = reactor::close(*signal.slot);
    signal.slot = nullptr;
    signal.pending = rest.last && (signal.pending || rest.on_its_way);
  }
  if (task* waiter = r.waiter) {
    r.waiter = nullptr;
    wake(*waiter, STRUCTIO_ECLOSED);
  }
  for (std::size_t i = 0; i < r.count; ++i) {
    if (!r.watched[i].pending) continue;
    r.watched[i].pending = false;
    reactor::signal_raise(r.watched[i].number);
  }
}

void signal_free(signal_receiver& r) noexcept {
  base::handle_drop(base::handle_kind::signal_receiver, r.handle);
  signal_shut(r);
  release(r);
}

}  // namespace structio::rt
