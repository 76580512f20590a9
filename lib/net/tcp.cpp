// Streams: connecting, receiving, sending.
#include "net/tcp.hpp"

#include <new>

#include "base/handle_table.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
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

/// Keeps a stream's object in place for the length of a call.
class held {
 public:
  explicit held(tcp_stream& s) noexcept : s_(s) { ++s_.references; }
  ~held() { release(s_); }
  held(const held&) = delete;
  held& operator=(const held&) = delete;

 private:
  tcp_stream& s_;
};

// The most that one call to the system is asked to move: it refuses sizes that reach beyond the end
// of memory, which a caller may mean by "as much as there is".
constexpr std::size_t most_at_once = std::size_t{1} << 30;

int closed() noexcept {
  return base::fail(STRUCTIO_ECLOSED, "the stream has been closed here");
}

// The same for a call that found it so: a checkpoint gives way whatever comes out.
int closed_before(runtime& rt) noexcept {
  give_way(rt);
  return closed();
}

int busy(const char* doing) noexcept {
  return base::fail(STRUCTIO_EBUSY, "another task is already %s this stream", doing);
}

// What a failed transfer is to the user. Codes of our own pass; the system's say that the
// connection is gone.
int transfer_failed(std::int64_t code) noexcept {
  const int own = static_cast<int>(code);
  if (own == STRUCTIO_ECLOSED) return closed();
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
    if (!s.slot) return closed();
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

int begin_sending(runtime& rt, tcp_stream& s) noexcept {
  if (const int code = cancel_check(rt)) return code;
  if (!s.slot) return closed_before(rt);
  if (s.sending) return busy("sending on");
  return 0;
}

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
  free_stream(*s);
  if (code == STRUCTIO_ECANCELLED || code == STRUCTIO_EINTERRUPTED) return code;
  return base::fail(code, "cannot connect to %s port %u: %s", host, port, error_text(code));
}

std::int64_t receive_some(runtime& rt, tcp_stream& s, void* buffer, std::size_t size) noexcept {
  if (const int code = cancel_check(rt)) return code;
  if (!s.slot) return closed_before(rt);
  if (size == 0) {
    give_way(rt);
    return 0;
  }
  io_wait wait(*rt.current, s.slot);
  const int begun =
      reactor::read_start(*s.slot, buffer, size < most_at_once ? size : most_at_once, wait);
  if (begun == reactor::read_at_end) {
    give_way(rt);
    return 0;
  }
  if (begun == STRUCTIO_EBUSY) return busy("receiving from");
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

int send_all(runtime& rt, tcp_stream& s, const void* data, std::size_t size) noexcept {
  if (const int code = begin_sending(rt, s)) return code;
  if (s.eof_sent) {
    give_way(rt);
    return base::fail(STRUCTIO_ECLOSED, "our direction of the stream was ended by send_eof");
  }
  const held keep(s);
  s.sending = true;
  const int code = send_rest(rt, s, static_cast<const char*>(data), size);
  s.sending = false;
  return code;
}

int send_eof(runtime& rt, tcp_stream& s) noexcept {
  if (const int code = begin_sending(rt, s)) return code;
  if (s.eof_sent) {
    give_way(rt);
    return 0;
  }
  const held keep(s);
  s.sending = true;
  int code = reactor::end_sending(*s.slot);
  // What a send that was given up has left under way goes first; only that can take long.
  while (reactor::is_would_wait(code)) {
    code = static_cast<int>(send_queued(rt, s, nullptr, 0));
    if (code == 0) code = s.slot ? reactor::end_sending(*s.slot) : STRUCTIO_ECLOSED;
  }
  s.sending = false;
  if (code < 0) return transfer_failed(code);
  s.eof_sent = true;
  give_way(rt);
  return 0;
}

tcp_stream* stream_make(runtime& rt) noexcept {
  auto* s = new (std::nothrow) tcp_stream;
  if (!s) return nullptr;
  s->handle = base::handle_make(base::handle_kind::stream, s);
  if (!s->handle) {
    delete s;
    return nullptr;
  }
  s->rt = &rt;
  s->orphan = [](run_object& self) noexcept { shut(static_cast<tcp_stream&>(self)); };
  rt.objects.push_back(*s);
  return s;
}

void shut(tcp_stream& s) noexcept {
  reactor::stream_slot* slot = s.slot;
  s.slot = nullptr;
  if (slot) reactor::close(*slot);
}

void release(tcp_stream& s) noexcept {
  if (--s.references > 0) return;
  if (s.linked()) s.unlink();
  delete &s;
}

void free_stream(tcp_stream& s) noexcept {
  base::handle_drop(base::handle_kind::stream, s.handle);
  shut(s);
  release(s);
}

}  // namespace structio::rt::net
