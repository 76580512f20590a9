// TCP connections: connecting, receiving, sending.
#include "net/tcp.hpp"

#include <new>
#include <utility>

#include "base/message.hpp"
#include "base/status.hpp"
#include "reactor/uv_readiness.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::net {

const char* error_text(int code) noexcept {
  const char* own = base::own_error_text(code);
  return own ? own : reactor::os_error_text(code);
}

namespace {

/// An operation of the reactor that one parked task waits for.
struct io_wait : reactor::operation {
  io_wait(task& t, reactor::stream_slot* s) noexcept : waiter(&t), slot(s) {
    done = [](reactor::operation& self, std::int64_t result) noexcept {
      wake(*static_cast<io_wait&>(self).waiter, result);
    };
  }
  task* waiter;
  reactor::stream_slot* slot;
};

// The most that one call to the system is asked to move: it refuses sizes that reach beyond the end
// of memory, which a caller may mean by "as much as there is".
constexpr std::size_t most_at_once = std::size_t{1} << 30;

// What a failed transfer is to the user. Codes of our own pass; the system's say that the
// connection is gone.
int transfer_failed(std::int64_t code) noexcept {
  const int own = static_cast<int>(code);
  if (own == STRUCTIO_ECLOSED) return stream::closed();
  if (base::own_error_name(own)) return own;
  return base::fail(STRUCTIO_EBROKEN, "the connection is broken: %s (%s)",
                    reactor::os_error_text(own), reactor::os_error_name(own));
}

// Waits until what has been queued is with the kernel.
int await_written(runtime& rt, io_wait& wait) noexcept {
  return static_cast<int>(park(
      rt, "send",
      [](void* arg) {
        reactor::write_cancel(*static_cast<io_wait*>(arg)->slot);
        return abort_done;
      },
      &wait));
}

// Has the reactor write what the kernel does not take now. Returns how much that was: nothing when
// a piece of a send that was given up had to go first.
std::int64_t send_queued(runtime& rt, tcp_stream& s, const char* data, std::size_t size) noexcept {
  io_wait wait(*rt.current, s.slot);
  const std::int64_t queued = reactor::write_start(*s.slot, data, size, wait);
  if (queued < 0) return queued;
  const int code = await_written(rt, wait);
  return code < 0 ? code : queued;
}

int send_rest(runtime& rt, tcp_stream& s, const char* data, std::size_t size) noexcept {
  for (;;) {
    if (size == 0) {
      give_way(rt);
      return 0;
    }
    if (!s.slot) return stream::closed();
    const std::size_t piece = size < most_at_once ? size : most_at_once;
    std::int64_t sent = reactor::try_write(*s.slot, data, piece);
    if (reactor::is_would_wait(sent)) sent = send_queued(rt, s, data, piece);
    if (sent < 0) return transfer_failed(sent);
    data += sent;
    size -= static_cast<std::size_t>(sent);
    if (size == 0) continue;
    // A peer that reads as fast as we write must not keep the thread from everybody else.
    give_way(rt);
    if (const int code = cancel_check(rt)) return code;
  }
}

tcp_stream& tcp(stream::byte_stream& s) noexcept {
  return static_cast<tcp_stream&>(s);
}

std::int64_t receive_some(runtime& rt, stream::byte_stream& b, void* buffer,
                          std::size_t size) noexcept {
  reactor::stream_slot& slot = *tcp(b).slot;
  io_wait wait(*rt.current, &slot);
  const int begun =
      reactor::read_start(slot, buffer, size < most_at_once ? size : most_at_once, wait);
  if (begun == reactor::read_at_end) {
    give_way(rt);
    return 0;
  }
  if (begun < 0) return transfer_failed(begun);
  const std::int64_t got = park(
      rt, "receive",
      [](void* arg) {
        reactor::read_cancel(*static_cast<io_wait*>(arg)->slot);
        return abort_done;
      },
      &wait);
  if (got >= 0 || got == STRUCTIO_ECANCELLED) [[likely]]
    return got;
  return transfer_failed(got);
}

int send_all(runtime& rt, stream::byte_stream& b, const void* data, std::size_t size) noexcept {
  return send_rest(rt, tcp(b), static_cast<const char*>(data), size);
}

// What a send that was given up has left under way is not looked at: it may return early.
int wait_send(runtime& rt, stream::byte_stream& b) noexcept {
  tcp_stream& s = tcp(b);
  struct writable : io_wait {
    using io_wait::io_wait;
    reactor::uv_reactor* kernel = nullptr;
    int descriptor = -1;
  } wait(*rt.current, s.slot);
  wait.kernel = &rt.kernel;
  wait.descriptor = static_cast<int>(reactor::file_descriptor(*s.slot));
  s.watched = true;
  int code = reactor::readiness_try(rt.kernel, wait.descriptor, reactor::ready_to_write);
  if (code == 0) {
    code = reactor::readiness_begin(rt.kernel, wait.descriptor, reactor::ready_to_write, wait);
  }
  if (code == 0) {
    code = static_cast<int>(park(
        rt, "send",
        [](void* arg) {
          auto& waiting = *static_cast<writable*>(arg);
          reactor::readiness_cancel(*waiting.kernel, waiting.descriptor, reactor::ready_to_write,
                                    waiting);
          return abort_done;
        },
        &wait));
  } else if (code > 0) {
    give_way(rt);
  }
  return code < 0 ? transfer_failed(code) : 0;
}

int send_eof(runtime& rt, stream::byte_stream& b) noexcept {
  tcp_stream& s = tcp(b);
  int code = reactor::end_sending(*s.slot);
  // What a send that was given up has left under way goes first; only that can take long.
  while (reactor::is_would_wait(code)) {
    code = static_cast<int>(send_queued(rt, s, nullptr, 0));
    if (code == 0) code = s.slot ? reactor::end_sending(*s.slot) : STRUCTIO_ECLOSED;
  }
  if (code < 0) return transfer_failed(code);
  give_way(rt);
  return 0;
}

void shut(stream::byte_stream& b) noexcept {
  tcp_stream& s = tcp(b);
  reactor::stream_slot* slot = std::exchange(s.slot, nullptr);
  if (!slot) return;
  if (s.watched) {
    reactor::readiness_closing(b.rt->kernel, static_cast<int>(reactor::file_descriptor(*slot)));
  }
  reactor::close(*slot);
}

constexpr stream::stream_table tcp_table = {
    .receive_some = receive_some,
    .send_all = send_all,
    .wait_send = wait_send,
    .send_eof = send_eof,
    .shut = shut,
    .destroy = [](stream::byte_stream& b) noexcept { delete &tcp(b); },
};

}  // namespace

int tcp_connect(runtime& rt, const char* host, std::uint16_t port, tcp_stream*& out) noexcept {
  out = nullptr;
  address to;
  if (const int code = parse(host, port, to)) return code;
  if (const int code = cancel_check(rt)) return code;
  tcp_stream* s = stream_make(rt);
  if (!s) return base::fail(STRUCTIO_ENOMEM, "no memory for a stream");
  io_wait wait(*rt.current, s->slot);
  int code = reactor::tcp_connect(rt.kernel, to.get(), wait, s->slot);
  wait.slot = s->slot;
  if (code == 0) {
    code = static_cast<int>(park(
        rt, "connect",
        [](void* arg) {
          reactor::connect_cancel(*static_cast<io_wait*>(arg)->slot);
          return abort_done;
        },
        &wait));
  }
  if (code == 0) {
    reactor::set_nodelay(*s->slot, true);
    out = s;
    return 0;
  }
  stream::free(*s);
  if (code == STRUCTIO_ECANCELLED || code == STRUCTIO_EINTERRUPTED) return code;
  return base::fail(code, "cannot connect to %s port %u: %s", host, port, error_text(code));
}

tcp_stream* stream_make(runtime& rt) noexcept {
  auto* s = new (std::nothrow) tcp_stream;
  if (s && stream::enroll(rt, *s, tcp_table)) return s;
  delete s;
  return nullptr;
}

tcp_stream* as_tcp(stream::byte_stream& s) noexcept {
  return s.table == &tcp_table ? &tcp(s) : nullptr;
}

}  // namespace structio::rt::net
