// TLS over any stream: contexts, clients, servers.
//
//     structio::tls_context trust({});  // a client's, which verifies
//     auto stream = structio::connect_tls("192.0.2.7", 443, trust, {.server_name = "example.org"});
//
//     structio::tls_context own({.server = true, .certificates_file = "chain.pem",
//                                .key_file = "key.pem"});
//     structio::serve_tls(listener, own, [](structio::tls_stream conn) { ... });
//
// In a build without OpenSSL everything here throws error (STRUCTIO_EUNSUPPORTED).
#pragma once

#include <structio/structio_tls.h>
#include <structio/error.hpp>
#include <structio/net.hpp>
#include <structio/stream.hpp>
#include <structio/time.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {

enum class tls_version : std::uint32_t {
  standard = STRUCTIO_TLS_VERSION_DEFAULT,
  v1_2 = STRUCTIO_TLS_VERSION_1_2,
  v1_3 = STRUCTIO_TLS_VERSION_1_3
};

enum class tls_client_certificates : std::uint32_t {
  none = STRUCTIO_TLS_CLIENT_CERTIFICATES_NONE,
  request = STRUCTIO_TLS_CLIENT_CERTIFICATES_REQUEST,
  require = STRUCTIO_TLS_CLIENT_CERTIFICATES_REQUIRE
};

/// Texts are PEM; a text is preferred to its file. Empty: not given.
struct tls_context_options {
  bool server = false;
  std::string certificates = {};  ///< one's own, then those up to the authority
  std::string certificates_file = {};
  std::string key = {};  ///< not given: looked for behind the certificates
  std::string key_file = {};
  std::string trusted = {};  ///< authorities beside the system's; of a server: for its clients
  std::string trusted_file = {};
  bool without_system_roots = false;
  tls_client_certificates client_certificates = tls_client_certificates::none;
  std::string protocols = {};                  ///< of ALPN, the most wanted first: "h2,http/1.1"
  tls_version oldest = tls_version::standard;  ///< 1.2
  tls_version newest = tls_version::standard;
  bool without_resumption = false;
  bool dangerously_skip_verification = false;  ///< ANYBODY may be at the other end
};

/// What connections have in common. Never changes; may be shared by threads.
class tls_context {
 public:
  /// Throws std::invalid_argument (a text or file cannot be used: what() says which and why).
  explicit tls_context(const tls_context_options& options) {
    structio_tls_context_options raw{};
    raw.struct_size = sizeof raw;
    raw.server = options.server ? 1 : 0;
    raw.client_certificates = static_cast<std::uint32_t>(options.client_certificates);
    raw.oldest_version = static_cast<std::uint32_t>(options.oldest);
    raw.newest_version = static_cast<std::uint32_t>(options.newest);
    give(options.trusted, options.trusted_file, raw.trusted_pem, raw.trusted_pem_size,
         raw.trusted_file);
    give(options.certificates, options.certificates_file, raw.certificates_pem,
         raw.certificates_pem_size, raw.certificates_file);
    give(options.key, options.key_file, raw.key_pem, raw.key_pem_size, raw.key_file);
    raw.protocols = options.protocols.empty() ? nullptr : c_text(options.protocols);
    raw.without_system_roots = options.without_system_roots ? 1 : 0;
    raw.without_resumption = options.without_resumption ? 1 : 0;
    raw.dangerously_skip_verification = options.dangerously_skip_verification ? 1 : 0;
    detail::check(structio_tls_context_new(&raw, &raw_));
  }
  tls_context(tls_context&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  tls_context& operator=(tls_context&& other) noexcept {
    tls_context taken(std::move(other));
    std::swap(raw_, taken.raw_);
    return *this;
  }
  /// Streams go on using it.
  ~tls_context() { structio_tls_context_free(raw_); }

  structio_tls_context* native() const noexcept { return raw_; }

 private:
  static void give(const std::string& text, const std::string& file, const void*& data,
                   std::size_t& size, const char*& name) {
    data = text.empty() ? nullptr : text.data();
    size = text.size();
    name = file.empty() ? nullptr : c_text(file);
  }

  static const char* c_text(const std::string& text) {
    return detail::without_zeros(text, "a name in the options of TLS").c_str();
  }

  structio_tls_context* raw_ = nullptr;
};

/// What a handshake has agreed on.
struct tls_info {
  std::string version;  ///< "TLSv1.3"
  std::string cipher;
  std::string protocol;     ///< of ALPN; empty: none
  std::string server_name;  ///< that the client asked for; empty: none
  bool resumed = false;
};

/// A stream of TLS. One direction cannot be ended alone.
class tls_stream : public any_stream {
 public:
  explicit tls_stream(structio_stream* raw) noexcept : any_stream(raw) {}

  /// Performs the handshake, which else the first use does; nothing when it is done. Checkpoint.
  /// Cancelled: the stream is good for nothing but closing, unless another task performs it. Throws
  /// `cancelled`, broken_error (what() says why a certificate was refused), closed_error.
  void do_handshake() {
    detail::blocking([this] { return structio_tls_do_handshake(native()); });
  }

  /// Before the handshake. Throws usage_error, closed_error.
  void set_context(const tls_context& context) {
    detail::check(structio_tls_set_context(native(), context.native()));
  }

  /// Throws usage_error (before the handshake), broken_error (it failed).
  tls_info info() const {
    structio_tls_info raw{};
    raw.struct_size = sizeof raw;
    detail::check(structio_tls_get_info(native(), &raw));
    return {raw.version, raw.cipher, raw.protocol, raw.server_name, raw.resumed != 0};
  }

  /// As DER; empty when the peer has shown none. Throws as info.
  std::vector<std::byte> peer_certificate() const {
    std::vector<std::byte> der(4096);
    for (;;) {
      const auto size = structio_tls_peer_certificate(native(), der.data(), der.size());
      if (size == STRUCTIO_EABSENT) return {};
      const auto needed = static_cast<std::size_t>(detail::check(size));
      const bool fits = needed <= der.size();
      der.resize(needed);
      if (fits) return der;
    }
  }

  /// In one line; empty when the peer has shown none. Throws as info.
  std::string peer_subject() const {
    std::string text(1024, '\0');
    for (;;) {
      const auto length = structio_tls_peer_subject(native(), text.data(), text.size());
      if (length == STRUCTIO_EABSENT) return {};
      const auto needed = static_cast<std::size_t>(detail::check(length));
      const bool fits = needed < text.size();
      text.resize(fits ? needed : needed + 1);
      if (fits) return text;
    }
  }

  /// The stream underneath: to be asked, not to be used. Throws closed_error.
  structio_stream* transport() const {
    structio_stream* raw = nullptr;
    detail::check(structio_tls_transport(native(), &raw));
    return raw;
  }

  /// The plain stream, and what came behind the end of TLS.
  struct unwrapped {
    any_stream transport;
    std::string rest;
  };

  /// Ends TLS, not the transport; this stream is closed then. Receive to the end first, or let the
  /// peer begin. Checkpoint. Throws `cancelled`, broken_error, busy_error, closed_error.
  unwrapped unwrap() {
    std::string rest;
    std::size_t size = 0;
    structio_stream* raw = nullptr;
    const auto attempt = [&] {
      return structio_tls_unwrap(native(), &raw, rest.data(), rest.size(), &size);
    };
    detail::blocking([&] {
      int code = attempt();
      while (code == STRUCTIO_ELIMIT && size > rest.size()) {
        rest.resize(size);
        code = attempt();
      }
      return code;
    });
    rest.resize(size);
    return {any_stream(raw), std::move(rest)};
  }
};

struct tls_client_options {
  std::string server_name = {};   ///< the certificate has to be for it; a name or an address
  bool https_compatible = false;  ///< ends without close messages
};

/// A client's stream over a transport. Throws usage_error, busy_error, closed_error,
/// std::invalid_argument (no server's name).
inline tls_stream tls_client(any_stream transport, const tls_context& context,
                             const tls_client_options& options) {
  structio_tls_stream_options raw{};
  raw.struct_size = sizeof raw;
  raw.server_name = options.server_name.empty()
                        ? nullptr
                        : detail::without_zeros(options.server_name, "the server's name").c_str();
  raw.https_compatible = options.https_compatible ? 1 : 0;
  structio_stream* made = nullptr;
  detail::check(structio_tls_client(context.native(), transport.native(), &raw, &made));
  static_cast<void>(transport.release());
  return tls_stream(made);
}

/// A server's stream over a transport. Throws usage_error, busy_error, closed_error.
inline tls_stream tls_server(any_stream transport, const tls_context& context,
                             bool https_compatible = false) {
  structio_tls_stream_options raw{};
  raw.struct_size = sizeof raw;
  raw.https_compatible = https_compatible ? 1 : 0;
  structio_stream* made = nullptr;
  detail::check(structio_tls_server(context.native(), transport.native(), &raw, &made));
  static_cast<void>(transport.release());
  return tls_stream(made);
}

/// Connects by TCP to a name or an address and performs the handshake. The certificate has to be
/// for the server's name, or else for the host. Checkpoint. Cancelled: the connection is closed.
/// Throws `cancelled`, error, broken_error.
inline tls_stream connect_tls(const std::string& host, std::uint16_t port,
                              const tls_context& context, tls_client_options options = {}) {
  if (options.server_name.empty()) options.server_name = host;
  auto stream = tls_client(connect_tcp(host, port), context, options);
  stream.do_handshake();
  return stream;
}

struct tls_serve_options {
  duration handshake_timeout = std::chrono::seconds(30);
  bool https_compatible = false;
  /// As for TCP. A connection counts from its acceptance on; a handshake that fails is no failure
  /// of a handler. With handlers in a nursery of yours all of these have to outlive that.
  serve_options serving = {};
};

/// As serve for TCP, with handshakes that are done by the connections' own tasks. Those that fail
/// or take too long are logged (debug) and their connections dropped. A handler that wants its end
/// to be believed closes the stream: the destructor sends no close message.
template <class Handler>
requires std::is_invocable_v<Handler&, tls_stream>
void serve_tls(tcp_listener& listener, const tls_context& context, Handler&& handler,
               const tls_serve_options& options = {}) {
  structio_tls_serve_options raw{};
  raw.struct_size = sizeof raw;
  raw.handshake_timeout = options.handshake_timeout.count();
  raw.https_compatible = options.https_compatible ? 1 : 0;
  const structio_serve_options serving = detail::net_access::raw(options.serving);
  raw.serving = &serving;
  detail::net_access::serve_by<tls_stream>(handler, [&](structio_serve_fn entry, void* arg) {
    return structio_tls_serve(listener.native(), context.native(), entry, arg, &raw);
  });
}

}  // namespace v0
}  // namespace structio
