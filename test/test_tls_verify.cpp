// Whom TLS believes: certificates that have expired, are for somebody else, or that nobody whom we
// trust has signed are refused with a reason; clients may have to show one as well.
#include <cstdio>
#include <fstream>

#include "support/tls.hpp"

using namespace tls_test;
using certificates::authority;
using structio::tls_client_certificates;
using structio::tls_version;
using structio::testing::memory_stream_pair;

namespace {

/// What either end says of a handshake between the two contexts; empty: nothing is wrong.
struct verdict {
  std::string client;
  std::string server;
};

verdict try_handshake(const tls_context_options& client, const tls_context_options& server,
                      const std::string& name = "localhost") {
  verdict result;
  const tls_context ours(client);
  const tls_context theirs(server);
  run([&] {
    auto [a, b] = memory_stream_pair();
    auto c = tls_client(std::move(a), ours, {.server_name = name});
    auto s = tls_server(std::move(b), theirs);
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        result.client = failure_of([&] {
          c.send_all("ping");
          const std::string answer = receive(c);
          CHECK(answer == "pong");
        });
      });
      n.start_soon([&] {
        result.server = failure_of([&] {
          const std::string question = receive(s);
          CHECK(question == "ping");
          s.send_all("pong");
        });
      });
    });
  });
  return result;
}

tls_context_options serving(const certificates::pem& with) {
  tls_context_options o;
  o.server = true;
  o.certificates = with.certificate;
  o.key = with.key;
  return o;
}

std::string refusal(const certificates::pem& with, const std::string& name = "localhost") {
  const auto result = try_handshake(client_options(), serving(with), name);
  CHECK_FALSE(result.server.empty());
  return result.client;
}

std::string message_of_context(const tls_context_options& options) {
  return failure_of<std::invalid_argument>([&] { tls_context one(options); });
}

}  // namespace

TEST_CASE("a certificate that is good for the name or the address is believed", "[TLS-01]") {
  for (const char* name : {"localhost", "127.0.0.1"}) {
    const auto result = try_handshake(client_options(), server_options(), name);
    CHECK(result.client.empty());
    CHECK(result.server.empty());
  }
  const auto wild = trusted().sign({.names = "DNS:*.example.org,IP:::1"});
  CHECK(try_handshake(client_options(), serving(wild), "www.example.org").client.empty());
  CHECK(try_handshake(client_options(), serving(wild), "::1").client.empty());
  CHECK(contains(refusal(wild, "a.b.example.org"), "hostname mismatch"));
}

TEST_CASE("a certificate is refused with the reason, and the peer is told", "[TLS-01][TLS-25]") {
  CHECK(contains(refusal(trusted().sign({.from_now = -3600})), "expired"));
  CHECK(contains(refusal(trusted().sign({.names = "DNS:example.org"})), "hostname mismatch"));
  CHECK(contains(refusal(trusted().sign({.names = "IP:10.0.0.1"}), "127.0.0.1"),
                 "IP address mismatch"));
  CHECK(contains(refusal(authority::self_signed()), "self-signed"));
  CHECK(contains(refusal(authority("another").sign()), "unable to get local issuer"));
  const auto told = try_handshake(client_options(), serving(authority::self_signed()));
  CHECK(contains(told.client, "the certificate of localhost was refused"));
  CHECK(contains(told.server, "alert"));
}

TEST_CASE("by default a client trusts the system's authorities, not ours", "[TLS-25]") {
  CHECK(contains(try_handshake({}, server_options()).client, "refused"));
}

TEST_CASE("verification can be turned off, by an option that says what it does") {
  tls_context_options trusting_all;
  trusting_all.dangerously_skip_verification = true;
  const auto result = try_handshake(trusting_all, serving(authority::self_signed()), "whoever");
  CHECK(result.client.empty());
}

TEST_CASE("a server may ask for the client's certificate, or insist on it", "[TLS-23]") {
  const auto mine = trusted().sign({.subject = "a client", .names = ""});
  auto with = client_options();
  with.certificates = mine.certificate + mine.key;  // the key behind it
  auto stranger = client_options();
  const auto unknown = authority("another").sign({.subject = "a stranger", .names = ""});
  stranger.certificates = unknown.certificate;
  stranger.key = unknown.key;
  for (const auto newest : {tls_version::v1_2, tls_version::v1_3}) {
    auto server = server_options();
    server.trusted = trusted().self();
    server.newest = newest;
    server.client_certificates = tls_client_certificates::request;
    CHECK(try_handshake(client_options(), server).server.empty());
    CHECK(try_handshake(with, server).server.empty());
    CHECK(contains(try_handshake(stranger, server).server, "refused"));
    server.client_certificates = tls_client_certificates::require;
    CHECK(try_handshake(with, server).server.empty());
    const auto without = try_handshake(client_options(), server);
    CHECK(contains(without.server, "peer did not return a certificate"));
    CHECK_FALSE(without.client.empty());
  }
}

TEST_CASE("the client's certificate is known to the server", "[TLS-23]") {
  const auto mine = trusted().sign({.subject = "a client", .names = ""});
  auto options = client_options();
  options.certificates = mine.certificate;
  options.key = mine.key;
  auto asking = server_options();
  asking.trusted = trusted().self();
  asking.client_certificates = tls_client_certificates::require;
  const tls_context client(options);
  const tls_context server(asking);
  run([&] {
    auto [a, b] = memory_stream_pair();
    auto p = shaken(wrap(std::move(a), std::move(b), client, server));
    CHECK(p.server.peer_subject() == "CN = a client");
    char text[5];
    CHECK(structio_tls_peer_subject(p.server.native(), text, sizeof text) == 13);
    CHECK(std::string(text) == "CN =");
    char der[4];
    CHECK(structio_tls_peer_certificate(p.server.native(), der, sizeof der) > 100);
    CHECK(structio_tls_peer_certificate(p.server.native(), nullptr, 4) == STRUCTIO_EINVALID);
  });
}

TEST_CASE("versions and protocols that do not meet are refused") {
  auto old = client_options();
  old.newest = tls_version::v1_2;
  auto modern = server_options();
  modern.oldest = tls_version::v1_3;
  CHECK(contains(try_handshake(old, modern).client, "protocol version"));
  auto client = client_options();
  client.protocols = "h2";
  auto server = server_options();
  server.protocols = "http/1.1";
  CHECK(contains(try_handshake(client, server).client, "no application protocol"));
}

TEST_CASE("files serve as well as texts") {
  char folder[] = "/tmp/structio-XXXXXX";
  REQUIRE(mkdtemp(folder));
  const std::string chain = std::string(folder) + "/chain.pem";
  const std::string key = std::string(folder) + "/key.pem";
  const std::string roots = std::string(folder) + "/roots.pem";
  std::ofstream(chain) << localhost().certificate;
  std::ofstream(key) << localhost().key;
  std::ofstream(roots) << trusted().self();
  tls_context_options server;
  server.server = true;
  server.certificates_file = chain;
  server.key_file = key;
  tls_context_options client;
  client.trusted_file = roots;
  CHECK(try_handshake(client, server).client.empty());
  server.key_file = folder + std::string("/none");
  CHECK(contains(message_of_context(server), "/none: "));
  CHECK(contains(message_of_context(server), "No such file"));
  for (const auto& name : {chain, key, roots}) std::remove(name.c_str());
  std::remove(folder);
}

TEST_CASE("contexts that cannot be are refused with the reason") {
  auto options = server_options();
  options.key = trusted().sign().key;
  CHECK(contains(message_of_context(options), "key values mismatch"));
  options = server_options();
  options.certificates = "no certificate";
  CHECK(contains(message_of_context(options), "certificate"));
  options = server_options();
  options.certificates.clear();
  CHECK(contains(message_of_context(options), "no certificate"));
  // One that is spoilt is not left out in silence.
  const std::string spoilt = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  options = server_options();
  options.certificates += spoilt;
  CHECK(contains(message_of_context(options), "cannot use the certificate"));
  options = client_options();
  options.trusted += spoilt;
  CHECK(contains(message_of_context(options), "cannot use the trusted certificates"));
  options = client_options();
  options.trusted = "nothing";
  CHECK(contains(message_of_context(options), "trusted"));
  for (const char* bad : {",", "h2,", ",h2", "a,,b"}) {
    options = client_options();
    options.protocols = bad;
    CHECK(contains(message_of_context(options), "protocols"));
  }
  options = client_options();
  options.protocols = std::string(256, 'p');
  CHECK(contains(message_of_context(options), "protocols"));
  structio_tls_context_options raw{};
  structio_tls_context* out = nullptr;
  CHECK(structio_tls_context_new(&raw, &out) == STRUCTIO_EINVALID);
  raw.struct_size = sizeof raw;
  CHECK(structio_tls_context_new(&raw, nullptr) == STRUCTIO_EINVALID);
  raw.client_certificates = 3;
  CHECK(structio_tls_context_new(&raw, &out) == STRUCTIO_EINVALID);
  raw.client_certificates = 0;
  raw.oldest_version = 0x0302;
  CHECK(structio_tls_context_new(&raw, &out) == STRUCTIO_EINVALID);
  CHECK(out == nullptr);
  CHECK(structio_tls_context_free(nullptr) == 0);
}

TEST_CASE("a context outlives its handle as long as a stream needs it") {
  run([] {
    auto [a, b] = memory_stream_pair();
    auto p = [&, &one = a, &other = b] {
      const tls_context client(client_options());
      const tls_context server(server_options());
      return wrap(std::move(one), std::move(other), client, server);
    }();
    shake(p.client, p.server);
    p.client.send_all("x");
    CHECK(receive(p.server) == "x");
  });
}
