// Datagram sockets: tried, then waited for.
#include "net/datagram.hpp"

#include <cstdio>
#include <utility>

#include "base/handle_table.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "net/tcp.hpp"
#include "reactor/posix_socket.hpp"
#include "reactor/uv_readiness.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::net {
namespace {

struct ready_wait : reactor::operation {
  task* waiter;
  int descriptor;
  std::uint8_t direction;
};

/// What one call does, in either direction.
struct transfer {
  const char* doing;
  std::uint8_t direction;
};
constexpr transfer receiving = {"receive a datagram", reactor::ready_to_read};
constexpr transfer sending = {"send a datagram", reactor::ready_to_write};

int failed(const transfer& t, std::int64_t code) noexcept {
  const int own = static_cast<int>(code);
  switch (own) {
    case STRUCTIO_ECANCELLED:
    case STRUCTIO_EINTERRUPTED: return own;
    case STRUCTIO_ECLOSED: return base::fail(own, "the socket has been closed here");
    case STRUCTIO_EBUSY:
      return base::fail(own, "another task is already about to %s with this socket", t.doing);
    default: return base::fail(own, "cannot %s: %s", t.doing, error_text(own));
  }
}

// A Unix socket that is not connected counts as writable though the receiver's queue is full, and
// nothing tells when it is not: so it is asked again, at once and then ever less often.
int pause(runtime& rt, std::int64_t& length) noexcept {
  constexpr std::int64_t shortest = 1'000'000;
  constexpr std::int64_t longest = 16'000'000;
  const int code = sleep_until(rt, base::saturating_add(rt.now(), length));
  length = length == 0 ? shortest : length < longest ? length * 2 : longest;
  return code;
}

// Waits until it is worth another try: 0 or a code.
int await(runtime& rt, datagram& d, const transfer& t, std::int64_t& pause_length) noexcept {
  ready_wait wait;
  wait.waiter = rt.current;
  wait.descriptor = d.descriptor;
  wait.direction = t.direction;
  wait.done = [](reactor::operation& self, std::int64_t result) noexcept {
    wake(*static_cast<ready_wait&>(self).waiter, result);
  };
  int code = reactor::readiness_try(rt.kernel, d.descriptor, t.direction);
  if (code == 1) return pause(rt, pause_length);
  if (code == 0) code = reactor::readiness_begin(rt.kernel, d.descriptor, t.direction, wait);
  if (code == 1) return pause(rt, pause_length);
  if (code < 0) return code;
  return static_cast<int>(park(
      rt, t.doing,
      [](void* arg) {
        auto& given_up = *static_cast<ready_wait*>(arg);
        reactor::readiness_cancel(given_up.waiter->rt->kernel, given_up.descriptor,
                                  given_up.direction, given_up);
        return abort_done;
      },
      &wait));
}

void release(datagram& d) noexcept {
  if (--d.references > 0) return;
  if (d.linked()) d.unlink();
  base::destroy(&d);
}

template <class Try>
std::int64_t move(runtime& rt, datagram& d, const transfer& t, bool& busy, Try attempt) noexcept {
  if (const int code = cancel_check(rt)) return code;
  if (d.descriptor < 0 || busy) {
    const int code = d.descriptor < 0 ? int{STRUCTIO_ECLOSED} : int{STRUCTIO_EBUSY};
    give_way(rt);
    return failed(t, code);
  }
  std::int64_t moved = attempt(d.descriptor);
  if (!reactor::is_would_wait(moved)) {
    give_way(rt);
    return moved < 0 ? failed(t, moved) : moved;
  }
  ++d.references;
  busy = true;
  std::int64_t pause_length = 0;
  do {
    moved = await(rt, d, t, pause_length);
    if (moved == 0)
      moved = d.descriptor >= 0 ? attempt(d.descriptor) : std::int64_t{STRUCTIO_ECLOSED};
  } while (reactor::is_would_wait(moved));
  busy = false;
  release(d);
  return moved < 0 ? failed(t, moved) : moved;
}

}  // namespace

int datagram_open(runtime& rt, const datagram_request& request, datagram*& out) noexcept {
  out = nullptr;
  auto* d = base::make<datagram>();
  if (d) d->handle = base::handle_make(base::handle_kind::datagram, d);
  if (!d || !d->handle) {
    base::destroy(d);
    return base::fail(STRUCTIO_ENOMEM, "no memory for a socket");
  }
  d->rt = &rt;
  d->orphan = [](run_object& self) noexcept { shut(static_cast<datagram&>(self)); };
  rt.objects.push_back(*d);
  const int made =
      reactor::datagram_socket(request.family, request.settings, request.local, request.peer);
  if (made < 0) {
    free_datagram(*d);
    return base::fail(made, "%s: %s", request.call, error_text(made));
  }
  d->descriptor = made;
  if (request.path) {
    std::snprintf(d->path, sizeof d->path, "%s", request.path);
    d->file = reactor::file_at(d->path);
  }
  out = d;
  return 0;
}

std::int64_t receive(runtime& rt, datagram& d, reactor::datagram_part* parts,
                     std::size_t count) noexcept {
  return move(rt, d, receiving, d.receiving, [parts, count](int descriptor) noexcept {
    return reactor::datagram_receive(descriptor, parts, count);
  });
}

std::int64_t send(runtime& rt, datagram& d, const reactor::datagram_part* parts,
                  std::size_t count) noexcept {
  return move(rt, d, sending, d.sending, [parts, count](int descriptor) noexcept {
    return reactor::datagram_send(descriptor, parts, count);
  });
}

void shut(datagram& d) noexcept {
  const int descriptor = std::exchange(d.descriptor, -1);
  if (descriptor < 0) return;
  reactor::readiness_closing(d.rt->kernel, descriptor);  // the user may wait for it as well
  if (d.path[0] != 0) reactor::remove_unix_file(d.path, d.file);
  reactor::close_socket(descriptor);
}

void free_datagram(datagram& d) noexcept {
  base::handle_drop(base::handle_kind::datagram, d.handle);
  shut(d);
  release(d);
}

}  // namespace structio::rt::net
