// What is told is kept in one piece of memory, from whose front it is taken.
#include "fs/watch.hpp"

#include <cstring>
#include <utility>

#include "base/handle_table.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "fs/work.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::fs {
namespace {

constexpr const char* open_call = "structio_watch_open";
constexpr const char* next_call = "structio_watch_next";

int closed() noexcept {
  return base::fail(STRUCTIO_ECLOSED, "%s: the watch has been closed here", next_call);
}

// Makes room by letting go of what was taken; false when memory is out.
bool keep(watch& w, std::uint8_t kinds, const char* name) noexcept {
  if (w.first > w.kept.size() / 2) {
    std::memmove(w.kept.data(), w.kept.data() + w.first, w.kept.size() - w.first);
    w.kept.shrink(w.kept.size() - w.first);
    w.last -= w.count > 0 ? w.first : w.last;
    w.first = 0;
  }
  const char kind = static_cast<char>(kinds);
  const std::size_t begin = w.kept.size();
  if (!w.kept.add(&kind, 1) || !w.kept.add(name, std::strlen(name) + 1)) {
    w.kept.shrink(begin);
    return false;
  }
  w.last = begin;
  ++w.count;
  return true;
}

bool is_last(const watch& w, std::uint8_t kinds, const char* name) noexcept {
  if (w.count == 0) return false;
  const char* last = w.kept.data() + w.last;
  return static_cast<std::uint8_t>(*last) == kinds && std::strcmp(last + 1, name) == 0;
}

void tell(reactor::watch_listener& self, int code, std::uint8_t kinds, const char* name) noexcept {
  watch& w = static_cast<watch&>(self);
  if (!name) name = "";
  if (code < 0) {
    w.failed = code;
  } else if (!w.lost) {
    if (is_last(w, kinds, name)) return;
    w.lost = w.count >= w.capacity || !keep(w, kinds, name);
  }
  reactor::watch_complete(*w.slot, 0);
}

bool has_something(const watch& w) noexcept {
  return w.count > 0 || w.lost || w.failed < 0;
}

int take(watch& w, const char*& name, std::uint32_t& kinds) noexcept {
  name = "";
  kinds = STRUCTIO_WATCH_OVERFLOW;
  if (w.count > 0) {
    const char* event = w.kept.data() + w.first;
    const std::size_t size = std::strlen(event + 1);
    w.told.shrink(0);
    if (!w.told.add(event + 1, size)) {
      return base::fail(STRUCTIO_ENOMEM, "%s: no memory for a name", next_call);
    }
    kinds = static_cast<std::uint8_t>(*event);
    name = w.told.data();
    w.first += size + 2;
    --w.count;
    return 0;
  }
  if (std::exchange(w.lost, false)) return 0;
  return failed(next_call, nullptr, w.failed);
}

/// One task in next().
class waiting_in {
 public:
  explicit waiting_in(watch& w) noexcept : w_(w) {
    ++w.references;
    w.waiting = true;
  }
  ~waiting_in();
  waiting_in(const waiting_in&) = delete;
  waiting_in& operator=(const waiting_in&) = delete;

 private:
  watch& w_;
};

void release(watch& w) noexcept {
  if (--w.references > 0) return;
  if (static_cast<run_object&>(w).linked()) static_cast<run_object&>(w).unlink();
  base::destroy(&w);
}

waiting_in::~waiting_in() {
  w_.waiting = false;
  release(w_);
}

int await(runtime& rt, watch& w) noexcept {
  struct event_wait : reactor::operation {
    task* waiter = nullptr;
    watch* of = nullptr;
  } wait;
  wait.waiter = rt.current;
  wait.of = &w;
  wait.done = [](reactor::operation& self, std::int64_t result) noexcept {
    wake(*static_cast<event_wait&>(self).waiter, result);
  };
  reactor::watch_expect(*w.slot, wait);
  return static_cast<int>(park(
      rt, "a change of files",
      [](void* arg) {
        reactor::watch_forget(*static_cast<event_wait*>(arg)->of->slot);
        return abort_done;
      },
      &wait));
}

}  // namespace

int watch_open(runtime& rt, const char* path, bool recursive, std::size_t capacity,
               watch*& out) noexcept {
  out = nullptr;
  auto* w = base::make<watch>();
  if (w) w->handle = base::handle_make(base::handle_kind::watch, w);
  if (!w || !w->handle) {
    base::destroy(w);
    return base::fail(STRUCTIO_ENOMEM, "%s: no memory for a watch", open_call);
  }
  w->rt = &rt;
  w->orphan = [](run_object& self) noexcept { shut(static_cast<watch&>(self)); };
  w->tell = tell;
  w->capacity = capacity;
  rt.objects.push_back(*w);
  const int code = reactor::watch_open(rt.kernel, path, recursive, *w, w->slot);
  if (code == 0) {
    out = w;
    return 0;
  }
  free(*w);
  return failed(open_call, path, code);
}

int next(runtime& rt, watch& w, const char*& name, std::uint32_t& kinds) noexcept {
  if (const int code = cancel_check(rt)) return code;
  if (!w.slot || w.waiting) {
    const bool is_closed = !w.slot;  // it may be freed while others have their turn
    give_way(rt);
    if (is_closed) return closed();
    return base::fail(STRUCTIO_EBUSY, "%s: another task is already waiting here", next_call);
  }
  const waiting_in keep(w);
  if (has_something(w)) {
    give_way(rt);
    return w.slot ? take(w, name, kinds) : closed();
  }
  const int code = await(rt, w);
  if (code == STRUCTIO_ECLOSED || (code == 0 && !w.slot)) return closed();
  return code < 0 ? code : take(w, name, kinds);
}

void shut(watch& w) noexcept {
  if (reactor::watch_slot* slot = std::exchange(w.slot, nullptr)) reactor::close(*slot);
}

void free(watch& w) noexcept {
  base::handle_drop(base::handle_kind::watch, w.handle);
  shut(w);
  release(w);
}

}  // namespace structio::rt::fs
