// Moving bytes: plain text between the caller and OpenSSL, ciphertext between OpenSSL's memory and
// the transport.
#include <algorithm>
#include <cstdio>

#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/wait.hpp"
#include "stream/tls_state.hpp"

namespace structio::rt::stream {
namespace {

bool anything_to_send(const tls_stream& s) noexcept {
  return s.to_send && BIO_ctrl_pending(s.to_send) > 0;
}

// Answers that may wait until another task has sent what it sends: who asks for more and reads
// nothing is not asked in.
constexpr std::size_t most_answers = 4096;

void remember_why(tls_stream& s) noexcept {
  std::snprintf(s.why, sizeof s.why, "%s", base::last_message());
}

// What OpenSSL answers beyond data.
std::int64_t receive_failed(runtime& rt, tls_stream& s, int error) noexcept {
  if (error == SSL_ERROR_ZERO_RETURN) {
    give_way(rt);
    return 0;
  }
  return fail_openly(rt, s, false);
}

int encrypt(tls_stream& s, const char* data, std::size_t size) noexcept {
  ERR_clear_error();
  const int written = SSL_write(s.ssl, data, static_cast<int>(size));
  if (written > 0) return written;
  SSL_get_error(s.ssl, written);
  return break_sending(s, base::fail(STRUCTIO_EBROKEN, "TLS cannot send: %s", take_reason()));
}

int send_pieces(runtime& rt, tls_stream& s, const char* data, std::size_t size) noexcept {
  while (size > 0) {
    if (s.closed) return closed();
    if (s.broken || s.send_broken) return broken_before(s);
    if (const int code = finish_message(rt, s)) return code;
    const int taken = encrypt(s, data, std::min(size, record_size));
    if (taken < 0) return taken;
    data += taken;
    size -= static_cast<std::size_t>(taken);
    if (const int code = write_out(rt, s)) return code;
  }
  return 0;
}

}  // namespace

int break_down(tls_stream& s, int code) noexcept {
  if (!s.broken) {
    remember_why(s);
    s.broken = code;
  }
  return code;
}

int break_sending(tls_stream& s, int code) noexcept {
  if (!s.broken && !s.send_broken) {
    remember_why(s);
    s.send_broken = code;
  }
  return code;
}

int fail_openly(runtime& rt, tls_stream& s, bool has_turn) noexcept {
  char reason[200];
  std::snprintf(reason, sizeof reason, "TLS is broken: %s", take_reason());
  int told = 0;
  if (!s.broken && !s.send_broken) told = has_turn ? write_out(rt, s) : flush(rt, s);
  const int code = break_down(s, base::fail(STRUCTIO_EBROKEN, "%s", reason));
  // That would be lost; the reason is what comes next.
  return told == STRUCTIO_ECANCELLED || told == STRUCTIO_EINTERRUPTED ? told : code;
}

int broken_before(const tls_stream& s) noexcept {
  const int first = s.broken ? s.broken : s.send_broken;
  if (first == STRUCTIO_ECANCELLED || first == STRUCTIO_EINTERRUPTED) {
    return base::fail(STRUCTIO_EBROKEN, "TLS is broken: its %s was cancelled",
                      s.broken ? "handshake" : "sending");
  }
  return base::fail(STRUCTIO_EBROKEN, "TLS is broken since: %s", s.why);
}

int truncated(const tls_stream& s) noexcept {
  if (s.https_compatible) return 0;
  return base::fail(STRUCTIO_EBROKEN,
                    "the stream is truncated: the connection ended without TLS's close message");
}

int begin_writing(runtime& rt, tls_stream& s) noexcept {
  while (s.writing && !s.closed) {
    place p;
    const auto code = wait_in(rt, s.writers, p, "send");
    if (code < 0) return static_cast<int>(code);
  }
  if (!s.closed && !s.broken && !s.send_broken) {
    s.writing = true;
    return 0;
  }
  s.writers.wake(1, 0);  // the turn that was ours is the next one's, who will find the same
  return s.closed ? closed() : broken_before(s);
}

void end_writing(tls_stream& s) noexcept {
  s.writing = false;
  s.writers.wake(1, 0);
}

int write_out(runtime& rt, tls_stream& s) noexcept {
  while (anything_to_send(s)) {
    if (s.closed) return closed();
    const int size = BIO_read(s.to_send, s.out, sizeof s.out);
    if (size <= 0) break;
    const int code = send_all(rt, *s.inner, s.out, static_cast<std::size_t>(size));
    if (code < 0) return break_sending(s, code);
  }
  return 0;
}

int flush(runtime& rt, tls_stream& s) noexcept {
  if (!anything_to_send(s) || (s.writing && BIO_ctrl_pending(s.to_send) < most_answers)) return 0;
  if (const int code = begin_writing(rt, s)) return code;
  const int code = write_out(rt, s);
  end_writing(s);
  return code;
}

int read_in(runtime& rt, tls_stream& s) noexcept {
  if (s.inner_ended) return 0;
  if (s.reading) {
    place p;
    const auto code = wait_in(rt, s.readers, p, "receive");
    if (code < 0) return static_cast<int>(code);
    return s.closed ? closed() : 1;
  }
  s.reading = true;
  const std::int64_t got = receive_some(rt, *s.inner, s.in, sizeof s.in);
  s.reading = false;
  s.readers.wake(SIZE_MAX, 0);  // to look again, and one of them may go on receiving
  if (s.closed) return closed();
  if (got < 0) return static_cast<int>(got);
  if (got == 0) {
    s.inner_ended = true;
    return 0;
  }
  if (BIO_write(s.arrived, s.in, static_cast<int>(got)) == got) return 1;
  ERR_clear_error();
  return break_down(s, base::fail(STRUCTIO_ENOMEM, "no memory for what TLS has received"));
}

int finish_message(runtime& rt, tls_stream& s) noexcept {
  while (SSL_in_init(s.ssl)) {
    ERR_clear_error();
    const int result = SSL_do_handshake(s.ssl);
    if (result != 1 && SSL_get_error(s.ssl, result) != SSL_ERROR_WANT_READ) {
      return fail_openly(rt, s, true);
    }
    ERR_clear_error();
    if (result == 1) break;
    if (const int code = write_out(rt, s)) return code;
    const int more = read_in(rt, s);
    if (s.closed) return closed();
    if (s.broken || s.send_broken) return broken_before(s);
    if (more < 0) return break_sending(s, more);
    if (more == 0) {
      return break_sending(s, base::fail(STRUCTIO_EBROKEN, "TLS cannot send: the peer has gone"));
    }
  }
  return 0;
}

std::int64_t tls_receive(runtime& rt, byte_stream& b, void* buffer, std::size_t size) noexcept {
  tls_stream& s = tls_of(b);
  bool waited = s.handshake != shaking::done && !s.broken;
  if (const int code = ensure_handshake(rt, s)) return waited ? code : give_way_failing(rt, code);
  const int most = static_cast<int>(std::min(size, std::size_t{1} << 30));
  for (;;) {
    if (s.closed) return closed();
    if (s.broken) return waited ? broken_before(s) : give_way_failing(rt, broken_before(s));
    ERR_clear_error();
    const std::size_t before = BIO_ctrl_pending(s.to_send);
    const int got = SSL_read(s.ssl, buffer, most);
    const int error = got > 0 ? 0 : SSL_get_error(s.ssl, got);
    if (got <= 0 && error != SSL_ERROR_WANT_READ) return receive_failed(rt, s, error);
    ERR_clear_error();
    // An answer of TLS's own, such as the refusal to negotiate anew. What has been received is the
    // caller's whatever becomes of it.
    const bool answers = BIO_ctrl_pending(s.to_send) > before && !s.send_broken;
    if (got > 0) {
      if (answers) flush(rt, s);
      if (!waited) give_way(rt);
      return got;
    }
    const int code = answers ? flush(rt, s) : 0;
    if (code == STRUCTIO_ECANCELLED || code == STRUCTIO_EINTERRUPTED) return code;
    const int more = read_in(rt, s);
    if (more < 0) return more;
    if (more == 0) {
      if (!waited) give_way(rt);
      return truncated(s);
    }
    waited = true;
  }
}

int tls_send(runtime& rt, byte_stream& b, const void* data, std::size_t size) noexcept {
  tls_stream& s = tls_of(b);
  int code = ensure_handshake(rt, s);
  if (code == 0) code = begin_writing(rt, s);
  if (code < 0) return give_way_failing(rt, code);
  code = send_pieces(rt, s, static_cast<const char*>(data), size);
  end_writing(s);
  if (s.closed && code < 0) return closed();
  if (size == 0) give_way(rt);
  return code;
}

int tls_wait_send(runtime& rt, byte_stream& b) noexcept {
  tls_stream& s = tls_of(b);
  int code = ensure_handshake(rt, s);
  if (code == 0) code = begin_writing(rt, s);
  if (code < 0) return give_way_failing(rt, code);
  code = wait_send(rt, *s.inner);
  end_writing(s);
  return s.closed ? closed() : code;
}

}  // namespace structio::rt::stream
