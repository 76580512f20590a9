// What tests of TLS share: an authority with a server's certificate, contexts, connected pairs.
#pragma once

#include <structio/structio.hpp>
#include <structio/testing/memory_stream.hpp>

#include <string>
#include <utility>

#include "support/certificates.hpp"
#include "support/net.hpp"

namespace tls_test {

using namespace net_test;
using structio::any_stream;
using structio::tls_client;
using structio::tls_context;
using structio::tls_context_options;
using structio::tls_server;
using structio::tls_stream;

/// One for the whole process: keys take time to make.
inline const certificates::authority& trusted() {
  static const certificates::authority one;
  return one;
}
inline const certificates::pem& localhost() {
  static const certificates::pem one = trusted().sign();
  return one;
}

/// Options of a server that is localhost.
inline tls_context_options server_options() {
  tls_context_options o;
  o.server = true;
  o.certificates = localhost().certificate;
  o.key = localhost().key;
  return o;
}

/// Options of a client that trusts the authority, and nobody else.
inline tls_context_options client_options() {
  tls_context_options o;
  o.trusted = trusted().self();
  o.without_system_roots = true;
  return o;
}

inline const tls_context& server_context() {
  static const tls_context one(server_options());
  return one;
}
inline const tls_context& client_context() {
  static const tls_context one(client_options());
  return one;
}

struct pair {
  tls_stream client;
  tls_stream server;
};

/// Two ends over two connected streams; no handshake yet.
inline pair wrap(any_stream a, any_stream b, const tls_context& client = client_context(),
                 const tls_context& server = server_context(), bool https = false) {
  return {tls_client(std::move(a), client, {.server_name = "localhost", .https_compatible = https}),
          tls_server(std::move(b), server, https)};
}

inline pair memory_pair(bool https = false) {
  auto [a, b] = structio::testing::memory_stream_pair();
  return wrap(std::move(a), std::move(b), client_context(), server_context(), https);
}

inline void shake(tls_stream& client, tls_stream& server) {
  open_nursery([&](nursery& n) {
    n.start_soon([&] { client.do_handshake(); });
    n.start_soon([&] { server.do_handshake(); });
  });
}

inline pair shaken(pair p) {
  shake(p.client, p.server);
  return p;
}

/// What a call failed with: its text; empty when it did not fail.
template <class Error = structio::broken_error, class Fn>
std::string failure_of(Fn&& fn) {
  try {
    fn();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace tls_test
