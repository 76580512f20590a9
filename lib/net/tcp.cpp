// Streams: connecting, receiving, sending.
#include "net/tcp.hpp"

#include <new>

#include "base/handle_table.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::net {
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

int closed() noexcept {
  return base::fail(STRUCTIO_ECLOSED, "the stream has been closed here");
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

int no_memory() noexcept {
  return base::fail(STRUCTIO_ENOMEM, "no memory for a stream");
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

int send_rest(runtime& rt, tcp_stream& s, const char* data, std::size_t size) noexcept {
  while (size > 0) {
    if (!s.slot) return closed();
    std::int64_t sent = reactor::try_write(*s.slot, data, size);
    if (sent < 0) {
      if (!reactor::is_would_wait(sent)) return transfer_failed(sent);
      io_wait wait(*rt.current, s.slot);
      sent = reactor::write_start(*s.slot, data, size, wait);
      if (sent < 0) return transfer_failed(sent);
      if (const int code = await_written(rt, wait)) {
        return code == STRUCTIO_ECANCELLED || code == STRUCTIO_EINTERRUPTED ? code
                                                                            : transfer_failed(code);
      }
    }
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
  give_way(rt);
  return 0;
}

int begin_sending(runtime& rt, tcp_stream& s) noexcept {
  if (const int code = cancel_check(rt)) return code;
  if (!s.slot) return closed();
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
  if (!s) return no_memory();
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
  if (base::own_error_name(code)) return code;
  return base::fail(code, "cannot connect to %s port %u: %s", host, port,
                    reactor::os_error_text(code));
}

std::int64_t receive_some(runtime& rt, tcp_stream& s, void* buffer, std::size_t size) noexcept {
  if (const int code = cancel_check(rt)) return code;
  if (!s.slot) return closed();
  if (size == 0) {
    give_way(rt);
    return 0;
  }
  io_wait wait(*rt.current, s.slot);
  const int begun = reactor::read_start(*s.slot, buffer, size, wait);
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
  io_wait wait(*rt.current, s.slot);
  if (const int code = reactor::shutdown_start(*s.slot, wait)) return transfer_failed(code);
  s.eof_sent = true;
  s.sending = true;
  const int code = static_cast<int>(park(
      rt, "send_eof",
      [](void* arg) {
        reactor::shutdown_cancel(*static_cast<io_wait*>(arg)->slot);
        return abort_done;
      },
      &wait));
  s.sending = false;
  return code < 0 ? transfer_failed(code) : 0;
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
