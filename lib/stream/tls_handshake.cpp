// The handshake: performed by whoever needs it first, awaited by the others.
#include <cstdio>
#include <cstring>

#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/wait.hpp"
#include "stream/tls_state.hpp"

namespace structio::rt::stream {
namespace {

// Whom we expect at the other end.
bool expect_peer(tls_stream& s) noexcept {
  if (s.context->server || !s.server_name[0]) return true;
  X509_VERIFY_PARAM* param = SSL_get0_param(s.ssl);
  const bool address = X509_VERIFY_PARAM_set1_ip_asc(param, s.server_name) == 1;
  ERR_clear_error();
  if (address) return true;  // which is not named in the handshake either
  // As RFC 9525 has it: a subject is no name of a host.
  SSL_set_hostflags(s.ssl,
                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return SSL_set1_host(s.ssl, s.server_name) == 1 &&
         SSL_set_tlsext_host_name(s.ssl, s.server_name) == 1;
}

void resume(tls_stream& s) noexcept {
  if (s.context->server || !s.server_name[0]) return;
  SSL_SESSION* session = s.context->sessions.get(s.server_name);
  if (!session) return;
  SSL_set_session(s.ssl, session);
  SSL_SESSION_free(session);
  ERR_clear_error();  // one that cannot be used is not used
}

int refused(tls_stream& s) noexcept {
  const auto verdict = SSL_get_verify_result(s.ssl);
  const bool ours =
      ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != X509_V_OK;
  const char* reason = take_reason();
  if (!ours) {
    return base::fail(STRUCTIO_EBROKEN, "the TLS handshake failed: %s", reason);
  }
  return base::fail(STRUCTIO_EBROKEN, "the certificate of %s was refused: %s",
                    s.server_name[0] ? s.server_name : "the peer",
                    X509_verify_cert_error_string(verdict));
}

// One step: 1 when it is done, 0 when more has to arrive.
int step(tls_stream& s) noexcept {
  ERR_clear_error();
  const int result = SSL_do_handshake(s.ssl);
  if (result == 1) return 1;
  if (SSL_get_error(s.ssl, result) == SSL_ERROR_WANT_READ) {
    ERR_clear_error();
    return 0;
  }
  return refused(s);
}

// A server's tickets go out with what it sends next: the client has to read for anything to move,
// and one that only sends would never do so.
bool only_tickets_left(const tls_stream& s) noexcept {
  return s.context->server && SSL_version(s.ssl) >= TLS1_3_VERSION;
}

// What the peer is told of why it failed, if that can be told.
void send_alert(runtime& rt, tls_stream& s, int& code) noexcept {
  char reason[256];
  std::snprintf(reason, sizeof reason, "%s", base::last_message());
  const int sent = write_out(rt, s);
  if (sent == STRUCTIO_ECANCELLED || sent == STRUCTIO_EINTERRUPTED) {
    code = sent;  // would be lost
  } else {
    base::fail(code, "%s", reason);
  }
}

int perform(runtime& rt, tls_stream& s) noexcept {
  if (const int code = tls_begin(s)) return code;
  for (;;) {
    int done = step(s);
    if (s.closed) return closed();
    if (done < 0) {
      send_alert(rt, s, done);
      return done;
    }
    if (done == 0 || !only_tickets_left(s)) {
      if (const int code = write_out(rt, s)) return code;
    }
    if (done == 1) return 0;
    const int more = read_in(rt, s);
    if (more < 0) return more;
    if (more == 0) {
      return base::fail(STRUCTIO_EBROKEN,
                        "the TLS handshake failed: the peer closed the connection");
    }
  }
}

}  // namespace

int tls_begin(tls_stream& s) noexcept {
  ERR_clear_error();
  s.ssl = SSL_new(s.context->shared);
  s.arrived = BIO_new(BIO_s_mem());
  s.to_send = BIO_new(BIO_s_mem());
  if (!s.ssl || !s.arrived || !s.to_send) {
    BIO_free(s.arrived);
    BIO_free(s.to_send);
    s.arrived = s.to_send = nullptr;
    ERR_clear_error();
    return base::fail(STRUCTIO_ENOMEM, "no memory for a TLS connection");
  }
  BIO_set_mem_eof_return(s.arrived, -1);  // empty is not the end
  SSL_set_bio(s.ssl, s.arrived, s.to_send);
  SSL_set_app_data(s.ssl, &s);
  if (!expect_peer(s)) {
    return base::fail(STRUCTIO_EINVALID, "%s cannot be the name of a TLS server: %s", s.server_name,
                      take_reason());
  }
  if (s.context->server) {
    SSL_set_accept_state(s.ssl);
  } else {
    SSL_set_connect_state(s.ssl);
    resume(s);
  }
  return 0;
}

int ensure_handshake(runtime& rt, tls_stream& s) noexcept {
  while (s.handshake == shaking::under_way && !s.broken && !s.closed) {
    place p;
    const auto code = wait_in(rt, s.shakers, p, "TLS handshake");
    if (code < 0) return static_cast<int>(code);
  }
  if (s.closed) return closed();
  if (s.broken) return broken_before(s);
  if (s.handshake == shaking::done) return 0;
  s.handshake = shaking::under_way;
  s.writing = true;
  const int code = perform(rt, s);
  end_writing(s);
  s.handshake = code == 0 ? shaking::done : shaking::not_yet;
  if (code < 0) break_down(s, code);
  s.shakers.wake(SIZE_MAX, 0);
  return code;
}

int tls_do_handshake(runtime& rt, tls_stream& s) noexcept {
  if (const int code = cancel_check(rt)) return code;
  if (s.closed) {
    give_way(rt);
    return closed();
  }
  ++s.references;
  const bool done = s.handshake == shaking::done || s.broken;
  int code = ensure_handshake(rt, s);
  if (done && code < 0) code = give_way_failing(rt, code);
  if (done && code == 0) give_way(rt);
  release(s);
  return code;
}

}  // namespace structio::rt::stream
