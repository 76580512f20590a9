// Serving TLS: each connection's handshake is done in the connection's own task.
#pragma once

#include "net/serve.hpp"
#include "stream/tls.hpp"

namespace structio::rt::net {

struct tls_serve_request {
  stream::tls_context* context;
  serve_request serving;  ///< with the handler of streams whose handshake is done
  std::int64_t handshake_timeout;
  bool https_compatible;
};

/// See structio_tls_serve; the context is kept as long as it is needed.
int tls_serve(runtime& rt, tcp_listener& l, const tls_serve_request& request) noexcept;

}  // namespace structio::rt::net
