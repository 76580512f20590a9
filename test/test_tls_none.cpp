// A build without OpenSSL: every function of TLS is there, and refuses.
#include <structio/testing/memory_stream.hpp>

#include "support/net.hpp"
#include "support/op_proof.hpp"

using namespace net_test;

namespace {

int never(structio_stream*, void*) {
  return 0;
}

void refuse_all() {
  auto [a, b] = structio::testing::memory_stream_pair();
  auto listener = listen();
  structio_tls_context* context = nullptr;
  structio_stream* out = nullptr;
  structio_tls_info info{};
  info.struct_size = sizeof info;
  char text[8];
  std::size_t size = 0;
  structio_stream* const s = a.native();
  auto* const some = reinterpret_cast<structio_tls_context*>(s);
  const std::int64_t answers[] = {
      structio_tls_context_new(nullptr, &context),
      structio_tls_context_free(some),
      structio_tls_client(some, s, nullptr, &out),
      structio_tls_server(some, s, nullptr, &out),
      structio_tls_do_handshake(s),
      structio_tls_set_context(s, some),
      structio_tls_transport(s, &out),
      structio_tls_get_info(s, &info),
      structio_tls_peer_certificate(s, text, sizeof text),
      structio_tls_peer_subject(s, text, sizeof text),
      structio_tls_unwrap(s, &out, text, sizeof text, &size),
      structio_tls_serve(listener.native(), some, never, nullptr, nullptr),
  };
  for (const std::int64_t answer : answers) CHECK(answer == STRUCTIO_EUNSUPPORTED);
  CHECK(std::string(structio_last_message()).find("OpenSSL") != std::string::npos);
}

// What it would do elsewhere; here each refuses before it could wait.
const op_proof::area proof({{"structio_tls_do_handshake", 1, STRUCTIO_EFFECT_CLOSED},
                            {"structio_tls_serve", 1, STRUCTIO_EFFECT_BODY},
                            {"structio_tls_unwrap", 1, STRUCTIO_EFFECT_PREFIX}},
                           refuse_all);

}  // namespace

TEST_CASE("without OpenSSL every function of TLS refuses") {
  run(refuse_all);
}
