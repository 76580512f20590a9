// What is known once the handshake is done, and the end of TLS before that of its transport.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/wait.hpp"
#include "stream/tls_state.hpp"

namespace structio::rt::stream {
namespace {

int needs_handshake(const tls_stream& s) noexcept {
  if (s.handshake == shaking::done) return 0;
  if (s.broken) return broken_before(s);
  return base::fail(STRUCTIO_EMISUSE, "this needs the handshake: see structio_tls_do_handshake");
}

X509* certificate(const tls_stream& s) noexcept {
  return SSL_get0_peer_certificate(s.ssl);
}

int no_certificate() noexcept {
  return base::fail(STRUCTIO_EABSENT, "the peer has shown no certificate");
}

// Waits for the peer's close message: 0 or a code.
int await_close_message(runtime& rt, tls_stream& s) noexcept {
  while (!(SSL_get_shutdown(s.ssl) & SSL_RECEIVED_SHUTDOWN)) {
    char byte = 0;
    ERR_clear_error();
    const int got = SSL_read(s.ssl, &byte, 1);
    const int error = got > 0 ? 0 : SSL_get_error(s.ssl, got);
    if (got > 0) {
      return break_down(s, base::fail(STRUCTIO_EBROKEN,
                                      "unwrap: the peer still sends: receive to the end first"));
    }
    if (error == SSL_ERROR_ZERO_RETURN) break;
    if (error != SSL_ERROR_WANT_READ) {
      return fail_openly(rt, s, false);
    }
    ERR_clear_error();
    const int more = read_in(rt, s);
    if (more < 0) return more;
    // Without that message nothing tells where TLS ends, whatever the mode.
    if (more == 0) {
      return base::fail(STRUCTIO_EBROKEN, "unwrap: the stream is truncated: the connection ended");
    }
  }
  return 0;
}

int end_tls(runtime& rt, tls_stream& s) noexcept {
  int code = ensure_handshake(rt, s);
  if (code == 0) code = begin_writing(rt, s);
  if (code < 0) return code;
  code = send_close_message(rt, s);
  end_writing(s);
  return code < 0 ? code : await_close_message(rt, s);
}

int hand_back(tls_stream& s, byte_stream*& inner, tls_rest& rest) noexcept {
  rest.size = BIO_ctrl_pending(s.arrived);
  if (rest.size > rest.room) {
    return base::fail(STRUCTIO_ELIMIT,
                      "unwrap: %zu bytes came behind the end: call again with room for them",
                      rest.size);
  }
  if (rest.size > 0) BIO_read(s.arrived, rest.data, static_cast<int>(rest.size));
  inner = std::exchange(s.inner, nullptr);
  release(*inner);
  shut(s);
  return 0;
}

}  // namespace

int tls_ask(tls_stream& s, tls_facts& out) noexcept {
  if (const int code = needs_handshake(s)) return code;
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(s.ssl, &protocol, &size);
  out.version = SSL_get_version(s.ssl);
  out.cipher = SSL_get_cipher_name(s.ssl);
  out.protocol = reinterpret_cast<const char*>(protocol);
  out.protocol_size = size;
  const char* asked = SSL_get_servername(s.ssl, TLSEXT_NAMETYPE_host_name);
  out.server_name = s.context->server && asked ? asked : s.server_name;
  out.resumed = SSL_session_reused(s.ssl) == 1;
  ERR_clear_error();
  return 0;
}

std::int64_t tls_peer_certificate(tls_stream& s, void* der, std::size_t room) noexcept {
  if (const int code = needs_handshake(s)) return code;
  X509* shown = certificate(s);
  if (!shown) return no_certificate();
  const int size = i2d_X509(shown, nullptr);
  if (size > 0 && static_cast<std::size_t>(size) <= room) {
    auto* to = static_cast<unsigned char*>(der);
    i2d_X509(shown, &to);
  }
  ERR_clear_error();
  return size < 0 ? base::fail(STRUCTIO_ENOMEM, "no memory for a certificate") : size;
}

std::int64_t tls_peer_subject(tls_stream& s, char* text, std::size_t room) noexcept {
  if (const int code = needs_handshake(s)) return code;
  X509* shown = certificate(s);
  if (!shown) return no_certificate();
  BIO* line = BIO_new(BIO_s_mem());
  const bool fits =
      line && X509_NAME_print_ex(line, X509_get_subject_name(shown), 0, XN_FLAG_ONELINE) >= 0;
  const char* data = nullptr;
  const auto size = fits ? BIO_get_mem_data(line, &data) : -1;
  if (size >= 0 && room > 0) {
    const std::size_t copied = std::min(static_cast<std::size_t>(size), room - 1);
    if (copied > 0) std::memcpy(text, data, copied);
    text[copied] = 0;
  }
  BIO_free(line);
  ERR_clear_error();
  return size < 0 ? base::fail(STRUCTIO_ENOMEM, "no memory for a name") : size;
}

int tls_unwrap(runtime& rt, tls_stream& s, byte_stream*& inner, tls_rest& rest) noexcept {
  if (const int code = begin_sending(rt, s)) return code;
  if (s.receiving) return busy(rt, "receiving from");
  const under_way sends(s, s.sending);
  const under_way receives(s, s.receiving);
  s.unwrapping = true;
  int code = end_tls(rt, s);
  s.unwrapping = false;
  if (code < 0) code = give_way_failing(rt, code);
  if (code == 0) give_way(rt);
  if (s.closed || s.inner->closed) return closed();
  return code < 0 ? code : hand_back(s, inner, rest);
}

}  // namespace structio::rt::stream
