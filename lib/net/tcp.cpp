// TCP connections: connecting. What they do then is any stream's of the system.
#include "net/tcp.hpp"

#include <cstring>

#include "base/message.hpp"
#include "base/status.hpp"
#include "reactor/uv_address.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::net {

const char* error_text(int code) noexcept {
  const char* own = base::own_error_text(code);
  return own ? own : reactor::os_error_text(code);
}

int tcp_connect(runtime& rt, const address& to, const address* local, tcp_stream*& out) noexcept {
  out = nullptr;
  if (const int code = cancel_check(rt)) return code;
  tcp_stream* s = stream_make(rt);
  if (!s) return base::fail(STRUCTIO_ENOMEM, "no memory for a stream");
  stream::slot_wait wait(*rt.current, s->slot);
  int code =
      reactor::tcp_connect(rt.kernel, to.get(), local ? local->get() : nullptr, wait, s->slot);
  wait.slot = s->slot;
  if (code == 0) {
    code = static_cast<int>(park(
        rt, "connect",
        [](void* arg) {
          reactor::connect_cancel(*static_cast<stream::slot_wait*>(arg)->slot);
          return abort_done;
        },
        &wait));
  }
  if (code == 0) {
    reactor::set_nodelay(*s->slot, true);
    s->peer = reactor::peer_at(to.full());  // the system forgets it when the peer resets
    out = s;
    return 0;
  }
  stream::free(*s);
  if (code == STRUCTIO_ECANCELLED || code == STRUCTIO_EINTERRUPTED) return code;
  char host[64] = "?";
  std::uint16_t port = 0;
  format(to, host, sizeof host, &port);
  return base::fail(code, "cannot connect to %s port %u: %s", host, port, error_text(code));
}

int peer_of(const tcp_stream& s, address& out) noexcept {
  std::memset(&out, 0, sizeof out);
  if (s.peer.size == 0) return reactor::peer_address_of(*s.slot, out.full());
  std::memcpy(out.storage, s.peer.bytes, s.peer.size);
  return 0;
}

tcp_stream* stream_make(runtime& rt) noexcept {
  return stream::os_stream_make(rt, stream::os_kind::tcp);
}

tcp_stream* as_tcp(stream::byte_stream& s) noexcept {
  return stream::as_os_stream(s, stream::os_kind::tcp);
}

}  // namespace structio::rt::net
