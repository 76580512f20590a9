// TLS in a build without OpenSSL: there, and refused.
#include "base/message.hpp"
#include "base/status.hpp"
#include "stream/tls.hpp"

namespace structio::rt::stream {
namespace {
int unsupported() noexcept {
  return base::fail(STRUCTIO_EUNSUPPORTED, "TLS: structio was built without OpenSSL");
}
}  // namespace

int tls_supported(const char* call) noexcept {
  return base::fail(STRUCTIO_EUNSUPPORTED, "%s: structio was built without OpenSSL", call);
}
int tls_context_make(const tls_settings&, tls_context*&) noexcept {
  return unsupported();
}
void* tls_context_handle(const tls_context&) noexcept {
  return nullptr;
}
bool tls_context_serves(const tls_context&) noexcept {
  return false;
}
void tls_context_keep(tls_context&) noexcept {}
void tls_context_release(tls_context&) noexcept {}
int tls_make(runtime&, const tls_wrap&, byte_stream*&) noexcept {
  return unsupported();
}
tls_stream* as_tls(byte_stream&) noexcept {
  return nullptr;
}
int tls_do_handshake(runtime&, tls_stream&) noexcept {
  return unsupported();
}
int tls_set_context(tls_stream&, tls_context&) noexcept {
  return unsupported();
}
int tls_transport(tls_stream&, byte_stream*&) noexcept {
  return unsupported();
}
int tls_ask(tls_stream&, tls_facts&) noexcept {
  return unsupported();
}
std::int64_t tls_peer_certificate(tls_stream&, void*, std::size_t) noexcept {
  return unsupported();
}
std::int64_t tls_peer_subject(tls_stream&, char*, std::size_t) noexcept {
  return unsupported();
}
int tls_unwrap(runtime&, tls_stream&, byte_stream*&, tls_rest&) noexcept {
  return unsupported();
}

}  // namespace structio::rt::stream
