// TLS over any byte stream. Only tls_*.cpp name OpenSSL; in a build without it tls_none.cpp stands
// in for them, and every function answers STRUCTIO_EUNSUPPORTED.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stream/stream.hpp"

namespace structio::rt::stream {

/// What connections have in common: certificates, whom to trust, sessions. Never changes once it is
/// made, may be used by several runs at once, lives as long as a handle or a stream needs it.
struct tls_context;
struct tls_stream;

struct pem_text {
  const void* data = nullptr;
  std::size_t size = 0;
  const char* file = nullptr;
  bool given() const noexcept { return data || file; }
};

enum class ask_client : std::uint8_t { no, request, require };

struct tls_settings {
  bool server = false;
  bool system_roots = true;
  bool skip_verification = false;
  bool resumption = true;
  ask_client client_certificates = ask_client::no;
  std::uint32_t oldest = 0;  ///< version, as on the wire; 0: TLS 1.2
  std::uint32_t newest = 0;  ///< 0: the newest there is
  pem_text trusted;
  pem_text certificates;
  pem_text key;
  const char* protocols = nullptr;  ///< of ALPN, with commas in between
};

/// 0, or refused with a message in a build without TLS.
int tls_supported(const char* call) noexcept;

/// With a handle. 0 or a code with a message.
int tls_context_make(const tls_settings& settings, tls_context*& out) noexcept;
void* tls_context_handle(const tls_context& c) noexcept;
bool tls_context_serves(const tls_context& c) noexcept;
void tls_context_keep(tls_context& c) noexcept;
void tls_context_release(tls_context& c) noexcept;

/// A stream over `inner`, which is the new stream's when this returns 0.
struct tls_wrap {
  tls_context* context;
  byte_stream* inner;
  const char* server_name;  ///< null: none
  bool https_compatible;
};
int tls_make(runtime& rt, const tls_wrap& wrap, byte_stream*& out) noexcept;

/// The same object when it is one of TLS, else null.
tls_stream* as_tls(byte_stream& s) noexcept;

/// Each as its function in structio_tls.h; the handle has been looked up and the run checked.
int tls_do_handshake(runtime& rt, tls_stream& s) noexcept;
int tls_set_context(tls_stream& s, tls_context& c) noexcept;
int tls_transport(tls_stream& s, byte_stream*& out) noexcept;

/// What has been agreed on. The texts are the stream's or static.
struct tls_facts {
  const char* version;
  const char* cipher;
  const char* protocol;
  std::size_t protocol_size;
  const char* server_name;
  bool resumed;
};
int tls_ask(tls_stream& s, tls_facts& out) noexcept;

/// The peer's certificate as DER; returns its size, also where that is more than `room`.
std::int64_t tls_peer_certificate(tls_stream& s, void* der, std::size_t room) noexcept;
/// Its subject in one line, as snprintf.
std::int64_t tls_peer_subject(tls_stream& s, char* text, std::size_t room) noexcept;

/// `rest` of `room` bytes takes what came behind the end of TLS; `size` tells how much that is.
struct tls_rest {
  void* data;
  std::size_t room;
  std::size_t size;
};
int tls_unwrap(runtime& rt, tls_stream& s, byte_stream*& inner, tls_rest& rest) noexcept;

}  // namespace structio::rt::stream
