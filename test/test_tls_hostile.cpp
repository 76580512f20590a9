// TLS with peers that misuse it, and with use that the rest of the suite would not think of: names
// that match too much, messages in pieces, streams that are broken, transports that fail.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <deque>

#include "support/tls.hpp"

using namespace tls_test;
using certificates::authority;
using structio::testing::lockstep_stream_pair;
using structio::testing::memory_stream_pair;

namespace {

/// OpenSSL as the server at the other end of a stream; what it says is passed on record by record.
class raw_server {
 public:
  raw_server(any_stream& on, bool big_tickets)
      : on_(on), context_(SSL_CTX_new(TLS_server_method())) {
    const certificates::bio_ptr text(BIO_new_mem_buf(
        localhost().certificate.data(), static_cast<int>(localhost().certificate.size())));
    const certificates::bio_ptr secret(
        BIO_new_mem_buf(localhost().key.data(), static_cast<int>(localhost().key.size())));
    const certificates::x509_ptr own(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
    const certificates::key_ptr key(
        PEM_read_bio_PrivateKey(secret.get(), nullptr, nullptr, nullptr));
    REQUIRE(SSL_CTX_use_certificate(context_, own.get()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(context_, key.get()) == 1);
    if (big_tickets) {
      const auto fill = [](SSL* ssl, void*) {
        const std::string much(2000, 't');
        return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), much.data(), much.size());
      };
      const auto ignore = [](SSL*, SSL_SESSION*, const unsigned char*, std::size_t,
                             SSL_TICKET_STATUS,
                             void*) -> SSL_TICKET_RETURN { return SSL_TICKET_RETURN_IGNORE; };
      SSL_CTX_set_session_ticket_cb(context_, fill, ignore, nullptr);
      SSL_CTX_set_max_send_fragment(context_, 512);
    }
    SSL_CTX_set_num_tickets(context_, big_tickets ? 1 : 0);
    ssl_ = SSL_new(context_);
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in_, -1);
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_accept_state(ssl_);
  }
  raw_server(const raw_server&) = delete;
  raw_server& operator=(const raw_server&) = delete;
  ~raw_server() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }

  SSL* ssl() { return ssl_; }

  /// What its last step wrote waits in records().
  void shake() {
    for (;;) {
      const int result = SSL_do_handshake(ssl_);
      collect();
      if (result == 1 && SSL_version(ssl_) >= TLS1_3_VERSION) return;
      send_all();
      if (result == 1) return;
      take_in();
    }
  }
  void collect() {
    for (;;) {
      unsigned char head[5];
      if (BIO_read(out_, head, sizeof head) != sizeof head) break;
      std::string one(reinterpret_cast<char*>(head), sizeof head);
      one.resize(sizeof head + std::size_t{head[3]} * 256 + head[4]);
      BIO_read(out_, one.data() + sizeof head, static_cast<int>(one.size() - sizeof head));
      records_.push_back(std::move(one));
    }
    ERR_clear_error();
  }
  std::deque<std::string>& records() { return records_; }
  void send_one() {
    on_.send_all(records_.front());
    records_.pop_front();
  }
  void send_all() {
    while (!records_.empty()) send_one();
  }
  void take_in() {
    const std::string piece = receive(on_);
    BIO_write(in_, piece.data(), static_cast<int>(piece.size()));
  }
  std::string read(std::size_t size) {
    std::string all;
    while (all.size() < size) {
      char bytes[200];
      const int got = SSL_read(ssl_, bytes, sizeof bytes);
      if (got > 0) {
        all.append(bytes, static_cast<std::size_t>(got));
      } else {
        ERR_clear_error();
        take_in();
      }
    }
    return all;
  }

 private:
  any_stream& on_;
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  std::deque<std::string> records_;
};

void shake(tls_stream& client, raw_server& server) {
  open_nursery([&](nursery& n) {
    n.start_soon([&] { client.do_handshake(); });
    n.start_soon([&] { server.shake(); });
  });
}

std::string why_not(const std::string& name, const certificates::pem& with) {
  tls_context_options serving;
  serving.server = true;
  serving.certificates = with.certificate;
  serving.key = with.key;
  const tls_context theirs(serving);
  std::string said;
  run([&] {
    try {
      auto [a, b] = memory_stream_pair();
      auto c = tls_client(std::move(a), client_context(), {.server_name = name});
      auto s = tls_server(std::move(b), theirs);
      open_nursery([&](nursery& n) {
        n.start_soon([&] { said = failure_of([&] { c.do_handshake(); }); });
        n.start_soon([&] { failure_of([&] { s.do_handshake(); }); });
      });
    } catch (const std::invalid_argument& e) {
      said = e.what();
    }
  });
  return said;
}

}  // namespace

TEST_CASE("a name with a dot before it is no name: it would match all that end so",
          "[TLS-01][TLS-25]") {
  const auto other = trusted().sign({.names = "DNS:evil.example.org"});
  CHECK(contains(why_not(".example.org", other), "name"));
  CHECK(contains(why_not(".", other), "name"));
  CHECK(contains(why_not("example.org", other), "hostname mismatch"));
  CHECK(why_not("evil.example.org", other).empty());
}

TEST_CASE("a name that C would read otherwise is refused", "[TLS-01]") {
  run([] {
    using namespace std::string_literals;
    auto [a, b] = memory_stream_pair();
    CHECK(throws<std::invalid_argument>([&, &in = a] {
      tls_client(std::move(in), client_context(), {.server_name = "localhost\0.example.org"s});
    }));
    CHECK(throws<std::invalid_argument>(
        [&, &in = b] { tls_client(std::move(in), client_context(), {.server_name = ""}); }));
  });
}

TEST_CASE("a certificate is for the names that it has, and no others", "[TLS-01]") {
  // The subject, which is localhost, counts for nothing.
  CHECK(contains(why_not("localhost", trusted().sign({.names = "DNS:example.org"})), "mismatch"));
  CHECK(contains(why_not("localhost", trusted().sign({.names = ""})), "mismatch"));
  CHECK(contains(why_not("a.b.example.org", trusted().sign({.names = "DNS:*.example.org"})),
                 "mismatch"));
  CHECK(contains(why_not("foo.example.org", trusted().sign({.names = "DNS:f*.example.org"})),
                 "mismatch"));
  CHECK(contains(why_not("example.org", trusted().sign({.names = "DNS:*.org"})), "mismatch"));
  CHECK(contains(why_not("127.0.0.1", trusted().sign({.names = "DNS:127.0.0.1"})), "mismatch"));
}

TEST_CASE("a stream of TLS that is broken lets others have their turn", "[TLS-08]") {
  run([] {
    auto [a, b] = memory_stream_pair();
    auto client = tls_client(std::move(a), client_context(), {.server_name = "localhost"});
    b.close();
    CHECK(throws<structio::broken_error>([&] { client.do_handshake(); }));
    bool other = false;
    open_nursery([&](nursery& n) {
      n.start_soon([&] { other = true; });
      for (int i = 0; i < 10000 && !other; ++i) failure_of([&] { receive(client); });
      CHECK(other);
      other = false;
      n.start_soon([&] { other = true; });
      for (int i = 0; i < 10000 && !other; ++i) failure_of([&] { client.send_all("x"); });
      CHECK(other);
      other = false;
      n.start_soon([&] { other = true; });
      for (int i = 0; i < 10000 && !other; ++i) failure_of([&] { client.do_handshake(); });
      CHECK(other);
    });
    auto p = shaken(memory_pair());
    structio_stream* raw = p.server.transport();
    CHECK(structio_stream_send_all(raw, "garbage", 7) == 0);
    failure_of([&] { receive(p.client); });
    open_nursery([&](nursery& n) {
      other = false;
      n.start_soon([&] { other = true; });
      for (int i = 0; i < 10000 && !other; ++i) failure_of([&] { receive(p.client); });
      CHECK(other);
    });
  });
}

TEST_CASE("what is sent goes out while a message of TLS itself has come by half", "[TLS-04]") {
  for (const bool reads : {true, false}) {
    const tls_context fresh(client_options());  // which has no session yet
    run([&] {
      auto [a, b] = memory_stream_pair();
      auto client = tls_client(std::move(a), fresh, {.server_name = "localhost"});
      raw_server server(b, true);
      shake(client, server);
      REQUIRE(server.records().size() > 2);
      open_nursery([&](nursery& n) {
        structio::cancel_scope patience;
        std::string got;
        n.start_soon([&] { patience.run([&] { got = receive(client); }); });
        server.send_one();
        settle();
        if (!reads) {
          patience.cancel();
          settle();
        }
        bool sent = false;
        n.start_soon([&] {
          const std::string error = failure_of([&] { client.send_all("question"); });
          CHECK(error.empty());
          sent = error.empty();
        });
        settle();
        server.send_all();
        settle();
        REQUIRE(sent);
        CHECK(server.read(8) == "question");
        SSL_write(server.ssl(), "answer", 6);
        server.collect();
        server.send_all();
        if (!reads) got = receive(client);
        settle();
        CHECK(got == "answer");
      });
    });
  }
}

TEST_CASE("TLS is ended while a message of its own has come by half", "[TLS-11][TLS-13]") {
  for (const bool unwraps : {true, false}) {
    const tls_context fresh(client_options());  // which has no session yet
    run([&] {
      auto [a, b] = memory_stream_pair();
      auto client = tls_client(std::move(a), fresh, {.server_name = "localhost"});
      raw_server server(b, true);
      shake(client, server);
      server.send_one();
      CHECK_FALSE(structio::move_on_after(1ms, [&] { receive(client); }));
      std::string error = "not done";
      open_nursery([&](nursery& n) {
        n.start_soon([&] {
          error = failure_of([&] {
            if (unwraps) {
              client.unwrap();
            } else {
              client.close();
            }
          });
        });
        settle();
        server.send_all();
        server.take_in();
        char byte = 0;
        CHECK(SSL_read(server.ssl(), &byte, 1) == 0);
        CHECK(SSL_get_shutdown(server.ssl()) == SSL_RECEIVED_SHUTDOWN);
        SSL_shutdown(server.ssl());
        server.collect();
        failure_of([&] { server.send_all(); });
      });
      CHECK(error.empty());
    });
  }
}

TEST_CASE("a peer that wants ever new keys and reads nothing is not listened to for ever",
          "[TLS-05]") {
  run([] {
    auto [a, b] = lockstep_stream_pair();
    auto client = tls_client(std::move(a), client_context(), {.server_name = "localhost"});
    raw_server server(b, false);
    shake(client, server);
    open_nursery([&](nursery& n) {
      n.start_soon([&] { failure_of([&] { client.send_all("nobody reads this"); }); });
      n.start_soon([&] { failure_of([&] { receive(client); }); });
      settle();
      int renewed = 0;
      n.start_soon([&] {
        for (; renewed < 5000; ++renewed) {
          SSL_key_update(server.ssl(), SSL_KEY_UPDATE_REQUESTED);
          SSL_do_handshake(server.ssl());
          server.collect();
          server.send_all();
        }
      });
      for (int i = 0; i < 200; ++i) settle();
      INFO("times: " << renewed);
      CHECK(renewed < 5000);
      n.cancel_scope().cancel();
    });
  });
}

TEST_CASE("a transport that was freed under TLS is not handed back", "[TLS-11]") {
  run([] {
    auto [a, b] = memory_stream_pair();
    auto client = tls_client(std::move(a), client_context(), {.server_name = "localhost"});
    raw_server server(b, false);
    shake(client, server);
    SSL_shutdown(server.ssl());
    server.collect();
    server.records().back() += "behind";
    server.send_all();
    structio_stream* raw = nullptr;
    std::size_t size = 0;
    const auto unwrap = [&](char* to, std::size_t room) {
      return structio_tls_unwrap(client.native(), &raw, to, room, &size);
    };
    CHECK(unwrap(nullptr, 0) == STRUCTIO_ELIMIT);
    CHECK(size == 6);
    CHECK(structio_stream_free(client.transport()) == 0);
    char rest[10];
    CHECK(unwrap(rest, sizeof rest) == STRUCTIO_ECLOSED);
    CHECK(raw == nullptr);
  });
}

TEST_CASE("what a call says of TLS is its own, whatever fails in another task meanwhile") {
  run([] {
    auto [a, b] = memory_stream_pair();
    auto client = tls_client(std::move(a), client_context(), {.server_name = "localhost"});
    b.close();
    CHECK(throws<structio::broken_error>([&] { client.do_handshake(); }));
    auto [c, d] = memory_stream_pair();
    d.close();
    bool over = false;
    open_nursery([&, &other = c](nursery& n) {
      n.start_soon([&] {
        while (!over) {
          failure_of([&] { other.send_all("x"); });
          structio::checkpoint();
        }
      });
      for (int i = 0; i < 3000; ++i) {
        const std::string told[] = {failure_of([&] { client.send_all("x"); }),
                                    failure_of([&] { receive(client); }),
                                    failure_of([&] { client.do_handshake(); }),
                                    failure_of([&] { client.wait_send_might_not_block(); }),
                                    failure_of([&] { client.unwrap(); })};
        for (const std::string& one : told) {
          if (!contains(one, "TLS is broken since")) FAIL(one);
        }
      }
      over = true;
    });
  });
}

TEST_CASE("a server's wish to negotiate anew is refused, and nothing else", "[TLS-05]") {
  auto old = client_options();
  old.newest = structio::tls_version::v1_2;
  const tls_context context(old);
  run([&] {
    auto [a, b] = memory_stream_pair();
    auto client = tls_client(std::move(a), context, {.server_name = "localhost"});
    raw_server server(b, false);
    shake(client, server);
    SSL_renegotiate(server.ssl());
    SSL_do_handshake(server.ssl());
    server.collect();
    CHECK(server.records().size() == 1);
    server.send_all();
    CHECK_FALSE(structio::move_on_after(1ms, [&] { receive(client); }));
    client.send_all("still here");
    // An alert comes before it, that "no renegotiation" is wanted: of 26 bytes more.
    const std::string sent = receive(b);
    CHECK(sent.substr(0, 1) == "\x15");
  });
}

TEST_CASE("versions of which none is left are refused with the context") {
  auto options = client_options();
  options.oldest = structio::tls_version::v1_3;
  options.newest = structio::tls_version::v1_2;
  CHECK(contains(failure_of<std::invalid_argument>([&] { tls_context one(options); }), "newest"));
  options.newest = structio::tls_version::v1_3;
  CHECK(failure_of<std::invalid_argument>([&] { tls_context one(options); }).empty());
}

TEST_CASE("who breaks into a message of TLS is told so by an alert, also when we send",
          "[TLS-04]") {
  const tls_context fresh(client_options());
  run([&] {
    auto [a, b] = memory_stream_pair();
    auto client = tls_client(std::move(a), fresh, {.server_name = "localhost"});
    raw_server server(b, true);
    shake(client, server);
    server.send_one();
    CHECK_FALSE(structio::move_on_after(1ms, [&] { receive(client); }));
    server.send_one();
    server.records().clear();  // the rest of the ticket never comes
    SSL_write(server.ssl(), "text", 4);
    server.collect();
    server.send_all();
    CHECK(contains(failure_of([&] { client.send_all("question"); }), "TLS is broken"));
    server.take_in();
    char byte = 0;
    CHECK(SSL_read(server.ssl(), &byte, 1) <= 0);
    CHECK(ERR_GET_REASON(ERR_peek_error()) > SSL_AD_REASON_OFFSET);  // an alert of the client's
    ERR_clear_error();
    client.close();
  });
}
