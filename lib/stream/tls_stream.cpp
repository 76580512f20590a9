// Streams of TLS: made, closed, told about, and taken apart again.
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/wait.hpp"
#include "stream/tls_state.hpp"

namespace structio::rt::stream {
namespace {

void wake_all(tls_stream& s) noexcept {
  s.shakers.wake(SIZE_MAX, 0);
  s.writers.wake(SIZE_MAX, 0);
  s.readers.wake(SIZE_MAX, 0);
}

void shut_tls(byte_stream& b) noexcept {
  tls_stream& s = tls_of(b);
  if (s.inner && !std::exchange(s.transport_closed, true)) shut(*s.inner);
  wake_all(s);
}

// Calls may be under way in the transport, which it survives.
void freed(byte_stream& b) noexcept {
  tls_stream& s = tls_of(b);
  if (s.inner) free(*s.inner);
}

void destroy(byte_stream& b) noexcept {
  tls_stream& s = tls_of(b);
  if (s.inner) release(*s.inner);
  // Who agreed to end without messages did not end badly: the session can be resumed.
  if (s.ssl && s.https_compatible && !s.broken) {
    SSL_set_shutdown(s.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
  SSL_free(s.ssl);
  tls_context_release(*s.context);
  base::destroy(&s);
}

constexpr stream_table table = {.receive_some = tls_receive,
                                .send_all = tls_send,
                                .wait_send = tls_wait_send,
                                .close = tls_close,
                                .shut = shut_tls,
                                .freed = freed,
                                .destroy = destroy};

// Whether a close message can and should be sent before the transport is closed.
bool closes_with_message(const tls_stream& s) noexcept {
  if (s.closed || s.broken || s.send_broken || s.https_compatible || s.unwrapping) return false;
  return s.handshake != shaking::under_way && !s.sending && !s.writing;
}

int fits(const tls_wrap& wrap) noexcept {
  const byte_stream& inner = *wrap.inner;
  if (!inner.table->receive_some || !inner.table->send_all) {
    return base::fail(STRUCTIO_EMISUSE, "TLS needs a transport that both receives and sends");
  }
  if (inner.closed) return closed();
  if (inner.receiving || inner.sending) {
    return base::fail(STRUCTIO_EBUSY, "a task is using the transport that TLS is to take over");
  }
  if (!wrap.server_name) return 0;
  const std::size_t length = std::strlen(wrap.server_name);
  // With a dot before it OpenSSL would believe any host below it.
  const bool is_name = length > 0 && length < sizeof tls_stream::server_name;
  if (is_name && *wrap.server_name != '.') return 0;
  return base::fail(STRUCTIO_EINVALID,
                    "the server's name has 1 to 255 characters, and the first is no dot");
}

}  // namespace

int tls_make(runtime& rt, const tls_wrap& wrap, byte_stream*& out) noexcept {
  if (const int code = fits(wrap)) return code;
  if (!wrap.context->server && wrap.context->verifies && !wrap.server_name) {
    return base::fail(STRUCTIO_EINVALID,
                      "TLS: the server's name is needed to verify its certificate");
  }
  auto* s = base::make<tls_stream>();
  if (!s || !enroll(rt, *s, table)) {
    base::destroy(s);
    return base::fail(STRUCTIO_ENOMEM, "no memory for a stream");
  }
  s->context = wrap.context;
  tls_context_keep(*s->context);
  s->inner = wrap.inner;
  ++s->inner->references;
  s->https_compatible = wrap.https_compatible;
  if (wrap.server_name) std::strncpy(s->server_name, wrap.server_name, sizeof s->server_name - 1);
  out = s;
  return 0;
}

tls_stream* as_tls(byte_stream& s) noexcept {
  return s.table == &table ? &tls_of(s) : nullptr;
}

int send_close_message(runtime& rt, tls_stream& s) noexcept {
  if (!(SSL_get_shutdown(s.ssl) & SSL_SENT_SHUTDOWN)) {
    if (const int code = finish_message(rt, s)) return code;
    ERR_clear_error();
    SSL_shutdown(s.ssl);
    ERR_clear_error();
  }
  return write_out(rt, s);
}

int tls_close(runtime& rt, byte_stream& b) noexcept {
  tls_stream& s = tls_of(b);
  int code = 0;
  if (!std::exchange(s.closing, true) && closes_with_message(s)) {
    code = cancel_check(rt);
    if (code == 0) code = ensure_handshake(rt, s);
    if (code == 0) code = begin_writing(rt, s);
    if (code == 0) {
      code = send_close_message(rt, s);
      end_writing(s);
    }
    // A peer that does not listen any more is no failure of who closes.
    if (code != STRUCTIO_ECANCELLED && code != STRUCTIO_EINTERRUPTED) code = 0;
  }
  if (s.inner && !std::exchange(s.transport_closed, true)) {
    const int of_transport = close(rt, *s.inner);
    if (code == 0) code = of_transport;
  }
  return code;
}

int tls_set_context(tls_stream& s, tls_context& c) noexcept {
  if (s.closed) return closed();
  if (s.handshake != shaking::not_yet || s.broken) {
    return base::fail(STRUCTIO_EMISUSE, "the context of TLS is chosen before its handshake");
  }
  if (c.server != s.context->server) {
    return base::fail(STRUCTIO_EMISUSE, "the context is of the other side of TLS");
  }
  if (!c.server && c.verifies && !s.server_name[0]) {
    return base::fail(STRUCTIO_EINVALID,
                      "TLS: the server's name is needed to verify its certificate");
  }
  tls_context_keep(c);
  tls_context_release(*std::exchange(s.context, &c));
  return 0;
}

int tls_transport(tls_stream& s, byte_stream*& out) noexcept {
  if (!s.inner) return base::fail(STRUCTIO_ECLOSED, "the transport was taken back by unwrap");
  out = s.inner;
  return 0;
}

}  // namespace structio::rt::stream
