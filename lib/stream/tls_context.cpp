// Contexts: certificates, whom to trust, which protocols. Made once, then only read.
#include <openssl/pem.h>

#include <cstring>

#include "base/handle_table.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "stream/tls_state.hpp"

namespace structio::rt::stream {
namespace {

// Only the queue's first entry says what went wrong; the rest are where.
int refused(const char* what, const pem_text& from) noexcept {
  bool no_memory = false;
  const char* reason = take_reason(&no_memory);
  return base::fail(no_memory ? STRUCTIO_ENOMEM : STRUCTIO_EINVALID,
                    "structio_tls_context_new: cannot use the %s%s%s: %s", what,
                    from.file ? " in " : "", from.file ? from.file : "", reason);
}

BIO* open_pem(const pem_text& from) noexcept {
  if (from.file) return BIO_new_file(from.file, "r");
  if (from.size > std::size_t{1} << 30) return nullptr;
  return BIO_new_mem_buf(from.data, static_cast<int>(from.size));
}

X509* next_certificate(BIO* from) noexcept {
  return PEM_read_bio_X509(from, nullptr, nullptr, nullptr);
}

// Whether there was no further certificate, rather than one that cannot be read.
bool read_to_end() noexcept {
  const unsigned long last = ERR_peek_last_error();
  const bool ended =
      ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  if (ended) ERR_clear_error();
  return ended;
}

// A password would be asked for at the terminal.
int no_password(char*, int, int, void*) noexcept {
  return -1;
}

int trust(SSL_CTX* shared, const pem_text& from) noexcept {
  BIO* text = open_pem(from);
  int count = 0;
  bool fits = text != nullptr;
  while (X509* one = fits ? next_certificate(text) : nullptr) {
    fits = X509_STORE_add_cert(SSL_CTX_get_cert_store(shared), one) == 1 &&
           SSL_CTX_add_client_CA(shared, one) == 1;
    X509_free(one);
    ++count;
  }
  BIO_free(text);
  if (count == 0 || !fits || !read_to_end()) return refused("trusted certificates", from);
  return 0;
}

int use_chain(SSL_CTX* shared, const pem_text& from) noexcept {
  BIO* text = open_pem(from);
  X509* own = text ? next_certificate(text) : nullptr;
  bool fits = own && SSL_CTX_use_certificate(shared, own) == 1;
  X509_free(own);
  while (X509* one = fits ? next_certificate(text) : nullptr) {
    fits = SSL_CTX_add0_chain_cert(shared, one) == 1;
    if (!fits) X509_free(one);
  }
  BIO_free(text);
  return fits && read_to_end() ? 0 : refused("certificate", from);
}

int use_key(SSL_CTX* shared, const pem_text& from) noexcept {
  BIO* text = open_pem(from);
  EVP_PKEY* key = text ? PEM_read_bio_PrivateKey(text, nullptr, no_password, nullptr) : nullptr;
  const bool fits =
      key && SSL_CTX_use_PrivateKey(shared, key) == 1 && SSL_CTX_check_private_key(shared) == 1;
  EVP_PKEY_free(key);
  BIO_free(text);
  return fits ? 0 : refused("key", from);
}

// "h2,http/1.1" as on the wire: each name with its length before it.
int encode_protocols(tls_context& c, const char* names) noexcept {
  const std::size_t size = std::strlen(names) + 1;
  c.protocols = base::make_array<unsigned char>(size);
  if (!c.protocols) return base::fail(STRUCTIO_ENOMEM, "no memory for a TLS context");
  c.protocols_size = static_cast<unsigned>(size);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < size; ++i) {
    if (i + 1 < size && names[i] != ',') {
      c.protocols[i + 1] = static_cast<unsigned char>(names[i]);
      continue;
    }
    const std::size_t length = i - begin;
    if (length == 0 || length > 255 || size > 65535) {
      return base::fail(STRUCTIO_EINVALID,
                        "structio_tls_context_new: the protocols are names of 1 to 255 characters "
                        "with commas in between");
    }
    c.protocols[begin] = static_cast<unsigned char>(length);
    begin = i + 1;
  }
  return 0;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void* arg) noexcept {
  const auto& c = *static_cast<const tls_context*>(arg);
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, size, c.protocols, c.protocols_size, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int keep_session(SSL* ssl, SSL_SESSION* session) noexcept {
  const auto* s = static_cast<const tls_stream*>(SSL_get_app_data(ssl));
  return s && s->server_name[0] && s->context->sessions.put(s->server_name, session) ? 1 : 0;
}

int set_protocols(tls_context& c, const tls_settings& settings) noexcept {
  const auto oldest = settings.oldest ? settings.oldest : std::uint32_t{TLS1_2_VERSION};
  if (SSL_CTX_set_min_proto_version(c.shared, static_cast<int>(oldest)) != 1 ||
      SSL_CTX_set_max_proto_version(c.shared, static_cast<int>(settings.newest)) != 1) {
    ERR_clear_error();
    return base::fail(STRUCTIO_EINVALID, "structio_tls_context_new: no such version of TLS");
  }
  if (!settings.protocols) return 0;
  if (const int code = encode_protocols(c, settings.protocols)) return code;
  if (c.server) {
    SSL_CTX_set_alpn_select_cb(c.shared, choose_protocol, &c);
  } else if (SSL_CTX_set_alpn_protos(c.shared, c.protocols, c.protocols_size) != 0) {
    return base::fail(STRUCTIO_ENOMEM, "no memory for a TLS context");
  }
  return 0;
}

void set_sessions(tls_context& c, const tls_settings& settings) noexcept {
  static constexpr unsigned char own[] = "structio";
  SSL_CTX_set_session_id_context(c.shared, own, sizeof own - 1);
  if (!settings.resumption) {
    SSL_CTX_set_session_cache_mode(c.shared, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(c.shared, SSL_OP_NO_TICKET);
    if (c.server) SSL_CTX_set_num_tickets(c.shared, 0);
  } else if (!c.server) {
    SSL_CTX_set_session_cache_mode(c.shared,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(c.shared, keep_session);
  }
}

int verify_mode(const tls_settings& settings) noexcept {
  if (settings.skip_verification) return SSL_VERIFY_NONE;
  if (!settings.server) return SSL_VERIFY_PEER;
  switch (settings.client_certificates) {
    case ask_client::request: return SSL_VERIFY_PEER;
    case ask_client::require: return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    default: return SSL_VERIFY_NONE;
  }
}

int fill(tls_context& c, const tls_settings& settings) noexcept {
  c.server = settings.server;
  c.verifies = !settings.skip_verification;
  c.shared = SSL_CTX_new(c.server ? TLS_server_method() : TLS_client_method());
  if (!c.shared) {
    return base::fail(STRUCTIO_ENOMEM, "cannot make a TLS context: %s", take_reason());
  }
  SSL_CTX_set_options(c.shared, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(c.shared, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(c.shared, verify_mode(settings), nullptr);
  set_sessions(c, settings);
  if (const int code = set_protocols(c, settings)) return code;
  // A server trusts those whom it names; anybody can have a certificate of a public authority.
  if (!c.server && settings.system_roots && SSL_CTX_set_default_verify_paths(c.shared) != 1) {
    return refused("system's certificates", {});
  }
  if (settings.trusted.given()) {
    if (const int code = trust(c.shared, settings.trusted)) return code;
  }
  if (!settings.certificates.given()) return 0;
  if (const int code = use_chain(c.shared, settings.certificates)) return code;
  return use_key(c.shared, settings.key.given() ? settings.key : settings.certificates);
}

}  // namespace

const char* take_reason(bool* no_memory) noexcept {
  const unsigned long first = ERR_get_error();
  for (unsigned long each = first; no_memory && each; each = ERR_get_error()) {
    if (ERR_GET_REASON(each) == ERR_R_MALLOC_FAILURE) *no_memory = true;
  }
  const char* reason = nullptr;
  if (ERR_SYSTEM_ERROR(first)) {
    reason = std::strerror(ERR_GET_REASON(first));
  } else if (first) {
    reason = ERR_reason_error_string(first);
  }
  ERR_clear_error();
  return reason ? reason : "unknown reason";
}

int tls_supported(const char*) noexcept {
  return 0;
}

int tls_context_make(const tls_settings& settings, tls_context*& out) noexcept {
  ERR_clear_error();
  auto* c = base::make<tls_context>();
  if (!c) return base::fail(STRUCTIO_ENOMEM, "no memory for a TLS context");
  int code = fill(*c, settings);
  if (code == 0) {
    c->handle = base::handle_make(base::handle_kind::tls_context, c);
    if (!c->handle) code = base::fail(STRUCTIO_ENOMEM, "no memory for a TLS context");
  }
  ERR_clear_error();
  if (code) {
    tls_context_release(*c);
    return code;
  }
  out = c;
  return 0;
}

void* tls_context_handle(const tls_context& c) noexcept {
  return c.handle;
}

bool tls_context_serves(const tls_context& c) noexcept {
  return c.server;
}

void tls_context_keep(tls_context& c) noexcept {
  c.references.fetch_add(1, std::memory_order_relaxed);
}

void tls_context_release(tls_context& c) noexcept {
  if (c.references.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  SSL_CTX_free(c.shared);
  base::release(c.protocols);
  base::destroy(&c);
}

}  // namespace structio::rt::stream
