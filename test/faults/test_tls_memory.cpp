// Out of memory in TLS: at an allocation of a context, of a stream, in the handshake, and while
// bytes move. Each call says so, or that the stream is broken; the other end comes to an end too.
#include <structio/structio.h>
#include <structio/structio_testing_stream.h>

#include <cstdlib>
#include <string>

#include "faults/debris.hpp"
#include "support/c_tasks.hpp"
#include "support/certificates.hpp"

namespace {

struct world {
  std::string root;
  std::string own;
  structio_tls_context* client = nullptr;
  structio_tls_context* server = nullptr;
  structio_stream* ends[2] = {nullptr, nullptr};
  int talked = 0;
  int refused = 0;
  int strange = 0;
  const char* where = "";

  bool note(std::int64_t code, const char* what, int also = 0) {
    if (code >= 0) return true;
    ++refused;
    const bool expected = code == STRUCTIO_ENOMEM || code == STRUCTIO_EBROKEN || code == also;
    if (!expected && strange == 0) {
      strange = static_cast<int>(code);
      where = what;
    }
    return false;
  }
};

world* w = nullptr;

void make_contexts() {
  structio_tls_context_options client{};
  client.struct_size = sizeof client;
  client.trusted_pem = w->root.data();
  client.trusted_pem_size = w->root.size();
  client.without_system_roots = 1;
  client.protocols = "h2,http/1.1";
  // OpenSSL does not always say why it cannot read a certificate.
  w->note(structio_tls_context_new(&client, &w->client), "client context", STRUCTIO_EINVALID);
  structio_tls_context_options server{};
  server.struct_size = sizeof server;
  server.server = 1;
  server.certificates_pem = w->own.data();
  server.certificates_pem_size = w->own.size();
  server.protocols = "http/1.1";
  w->note(structio_tls_context_new(&server, &w->server), "server context", STRUCTIO_EINVALID);
}

void make_streams() {
  structio_stream* plain[2] = {nullptr, nullptr};
  if (!w->note(structio_memory_stream_pair(&plain[0], &plain[1]), "pair")) return;
  structio_tls_stream_options named{};
  named.struct_size = sizeof named;
  named.server_name = "localhost";
  if (!w->note(structio_tls_client(w->client, plain[0], &named, &w->ends[0]), "client")) {
    structio_stream_free(plain[0]);
  }
  if (!w->note(structio_tls_server(w->server, plain[1], nullptr, &w->ends[1]), "server")) {
    structio_stream_free(plain[1]);
  }
}

// One end says something and hears the same.
int ask(void*) {
  structio_stream* s = w->ends[0];
  char bytes[8] = {};
  if (w->note(structio_tls_do_handshake(s), "handshake") &&
      w->note(structio_stream_send_all(s, "question", 8), "send") &&
      w->note(structio_stream_receive_some(s, bytes, sizeof bytes), "receive")) {
    ++w->talked;
    w->note(structio_stream_close(s), "close");
  }
  return structio_stream_free(s);
}

int answer(void*) {
  structio_stream* s = w->ends[1];
  char bytes[8] = {};
  while (true) {
    const std::int64_t got = structio_stream_receive_some(s, bytes, sizeof bytes);
    if (!w->note(got, "receive as server") || got == 0) break;
    if (!w->note(structio_stream_send_all(s, bytes, static_cast<std::size_t>(got)), "answer")) {
      break;
    }
  }
  return structio_stream_free(s);
}

void start(structio_nursery& n, int (*task)(void*), structio_stream*& end) {
  if (!w->note(structio_nursery_start_soon(&n, task, nullptr), "start")) {
    structio_stream_free(end);
  }
}

void talk() {
  w->talked = 0;
  make_contexts();
  if (w->client && w->server) make_streams();
  structio_nursery n;
  if (w->ends[0] && w->ends[1] && w->note(structio_nursery_open(&n), "nursery")) {
    start(n, ask, w->ends[0]);
    start(n, answer, w->ends[1]);
    w->note(structio_nursery_close(&n, 0, nullptr), "nursery's end");
  } else {
    structio_stream_free(w->ends[0]);
    structio_stream_free(w->ends[1]);
  }
  w->ends[0] = w->ends[1] = nullptr;
  structio_tls_context_free(std::exchange(w->client, nullptr));
  structio_tls_context_free(std::exchange(w->server, nullptr));
}

}  // namespace

TEST_CASE("TLS where memory runs out at one moment or another") {
  setenv("STRUCTIO_LOG", "off", 1);
  const certificates::authority trusted;
  const certificates::pem own = trusted.sign();
  world all;
  all.root = trusted.self();
  all.own = own.certificate + own.key;
  w = &all;
  auto main = [] {
    talk();
    talk();
    CHECK(w->talked == 1);
    CHECK(w->refused == 0);
    const debris before = debris::now();
    // All of the first, then fewer: a handshake allocates thousands of times.
    bool reached = true;
    std::int64_t rounds = 0;
    for (std::int64_t i = 1; reached && i < 100000; i += 1 + i / 60) {
      {
        const failing_malloc::window window(i);
        talk();
        reached = window.reached();
      }
      ++rounds;
      INFO("allocation " << i);
      CHECK(debris::now().descriptors == before.descriptors);
      CHECK(debris::now().handles == before.handles);
    }
    INFO(w->where);
    CHECK(w->strange == 0);
    CHECK_FALSE(reached);
    CHECK((rounds > 100 || !failing_malloc::in_charge()));
    w->refused = 0;
    talk();
    CHECK(w->talked == 1);
    CHECK(w->refused == 0);
    return 0;
  };
  CHECK(c_tasks::run(main) == 0);
}
