// Names to addresses and back: numeric ones at once, names by worker threads or by a resolver of
// one's own; failing, late and cancelled.
#include <structio/structio_thread.h>
#include <structio/resolve.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "support/net.hpp"
#include "support/op_proof.hpp"

using namespace net_test;
using structio::address_family;
using structio::name_query;
using structio::resolve;
using structio::scoped_resolver;
using structio::tcp_address;

namespace {

int code_of_resolve(const char* host, std::uint8_t family = 0, const char* service = nullptr) {
  structio_resolve_options options{};
  options.struct_size = sizeof options;
  options.host = host;
  options.family = family;
  options.service = service;
  structio_addresses* found = nullptr;
  const int code = structio_resolve(&options, &found);
  structio_addresses_free(found);
  return code;
}

bool has(const std::vector<tcp_address>& all, const std::string& host, std::uint16_t port) {
  return std::any_of(all.begin(), all.end(),
                     [&](const tcp_address& a) { return a.host == host && a.port == port; });
}

std::int64_t borrowed() {
  structio_limiter_statistics all{};
  all.struct_size = sizeof all;
  CHECK(structio_limiter_get_statistics(structio_resolver_limiter(), &all) == 0);
  return all.borrowed;
}

}  // namespace

TEST_CASE("a numeric address is its own answer, without a thread", "[SOCK-02]") {
  run([] {
    const auto v4 = resolve("192.0.2.7", 80);
    REQUIRE(v4.size() == 1);
    CHECK(v4[0].host == "192.0.2.7");
    CHECK(v4[0].port == 80);
    const auto v6 = resolve("2001:db8::7", 443);
    REQUIRE(v6.size() == 1);
    CHECK(v6[0].host == "2001:db8::7");
    CHECK(code_of_resolve("192.0.2.7", STRUCTIO_FAMILY_V6) == STRUCTIO_EINVALID);
    CHECK(code_of_resolve("2001:db8::7", STRUCTIO_FAMILY_V4) == STRUCTIO_EINVALID);
    CHECK(code_of_resolve("2001:db8::7", STRUCTIO_FAMILY_V6) == 0);
  });
}

TEST_CASE("names are looked up by threads, and their errors come out", "[SOCK-02][SOCK-18]") {
  run([] {
    CHECK(has(resolve({.host = "localhost", .port = 80, .family = address_family::v4}), "127.0.0.1",
              80));
    CHECK(code_of_resolve("no such name.invalid") < 0);
    CHECK(std::string(structio_last_message()).find("no such name.invalid") != std::string::npos);
    CHECK(borrowed() == 0);
  });
}

TEST_CASE("services become ports; no host is this machine", "[SOCK-14]") {
  run([] {
    CHECK(has(resolve({.host = "127.0.0.1", .service = "8080"}), "127.0.0.1", 8080));
    CHECK(code_of_resolve("127.0.0.1", 0, "no-such-service") < 0);
    const auto own = resolve({.port = 7, .family = address_family::v4});
    CHECK(has(own, "127.0.0.1", 7));
    const auto all = resolve({.port = 7, .family = address_family::v4, .listening = true});
    CHECK(has(all, "0.0.0.0", 7));
  });
}

TEST_CASE("the name of an address", "[SOCK-03]") {
  run([] {
    CHECK_FALSE(structio::resolve_name("127.0.0.1").empty());
    CHECK(throws<std::invalid_argument>([] { structio::resolve_name("localhost"); }));
    char service[32];
    CHECK(structio_resolve_name("127.0.0.1", 1, nullptr, 0, service, sizeof service) == 0);
    CHECK(structio_resolve_name(nullptr, 1, nullptr, 0, nullptr, 0) == STRUCTIO_EINVALID);
  });
}

TEST_CASE("a resolver of one's own answers, fails and is late", "[SOCK-02]") {
  face::run([] {
    const scoped_resolver own([](const name_query& query) -> std::vector<tcp_address> {
      if (query.host == "down.test") throw structio::error(STRUCTIO_EBROKEN, "no server answers");
      structio::sleep(2s);
      if (query.host == "nobody.test") return {};
      return {{"192.0.2.1", 0}, {"2001:db8::1", 99}};
    });
    const auto before = structio::clock::now();
    const auto all = resolve("some.test", 80);
    CHECK(structio::clock::now() - before == 2s);
    CHECK(has(all, "192.0.2.1", 80));
    CHECK(has(all, "2001:db8::1", 99));
    CHECK(throws<structio::error>([] { resolve("down.test", 80); }));
    CHECK(code_of_resolve("nobody.test") == STRUCTIO_EABSENT);
    CHECK_FALSE(structio::move_on_after(1s, [] { resolve("slow.test", 80); }));
    CHECK(resolve("192.0.2.9", 1)[0].host == "192.0.2.9");  // not asked for
  });
}

TEST_CASE("a resolver that adds nonsense is told so") {
  face::run([] {
    const scoped_resolver own([](const name_query&) {
      return std::vector<tcp_address>{{"not numeric", 0}};
    });
    CHECK(throws<std::invalid_argument>([] { resolve("x", 80); }));
  });
}

TEST_CASE("a look-up that is cancelled returns at once, at each instant", "[SOCK-23]") {
  run(
      [] {
        resolve("localhost", 1);
        const int before = open_descriptors();
        for (int delay = 0; delay < 12; ++delay) {
          structio::cancel_scope scope;
          open_nursery([&](nursery& n) {
            n.start_soon([&] {
              pause(delay);
              scope.cancel();
            });
            scope.run([] { resolve("localhost", 1); });
          });
        }
        CHECK(structio_wait_all_threads_completed() == 0);
        CHECK(open_descriptors() == before);
        CHECK(borrowed() == 0);
      },
      1);
}

TEST_CASE("no more than the limit are looked up at once") {
  run([] {
    structio_limiter* limiter = structio_resolver_limiter();
    REQUIRE(limiter != nullptr);
    structio_limiter_statistics all{};
    all.struct_size = sizeof all;
    CHECK(structio_limiter_get_statistics(limiter, &all) == 0);
    CHECK(all.total == 16);
    CHECK(structio_limiter_set_total(limiter, 1) == 0);
    open_nursery([&](nursery& n) {
      for (int i = 0; i < 20; ++i) n.start_soon([] { resolve("localhost", 1); });
    });
    CHECK(borrowed() == 0);
  });
}

TEST_CASE("addresses and resolvers refuse what is none") {
  CHECK(code_of_resolve("127.0.0.1") == STRUCTIO_ENOTASK);
  CHECK(structio_set_resolver(nullptr, nullptr, nullptr, nullptr) == STRUCTIO_ENOTASK);
  CHECK(structio_set_connector(nullptr, nullptr, nullptr, nullptr) == STRUCTIO_ENOTASK);
  CHECK(structio_resolver_limiter() == nullptr);
  CHECK(structio_addresses_count(nullptr) == STRUCTIO_EINVALID);
  CHECK(structio_addresses_free(nullptr) == 0);
  CHECK(structio_address_sink_add(nullptr, "127.0.0.1", 0) == STRUCTIO_EINVALID);
  run([] {
    structio_addresses* found = nullptr;
    structio_resolve_options options{};
    options.struct_size = sizeof options;
    options.host = "127.0.0.1";
    CHECK(structio_resolve(&options, nullptr) == STRUCTIO_EINVALID);
    CHECK(code_of_resolve("127.0.0.1", 5) == STRUCTIO_EINVALID);
    REQUIRE(structio_resolve(&options, &found) == 0);
    CHECK(structio_addresses_count(found) == 1);
    CHECK(structio_addresses_at(found, 1, nullptr, 0, nullptr, nullptr) == STRUCTIO_EABSENT);
    std::uint32_t family = 0;
    CHECK(structio_addresses_at(found, 0, nullptr, 0, nullptr, &family) == 0);
    CHECK(family == STRUCTIO_FAMILY_V4);
    CHECK(structio_addresses_free(found) == 0);
    CHECK(structio_addresses_free(found) == STRUCTIO_ESTALE);
    CHECK(structio_addresses_count(found) == STRUCTIO_ESTALE);
  });
}

namespace {

void prove() {
  structio_resolve_options numeric{};
  numeric.struct_size = sizeof numeric;
  numeric.host = "127.0.0.1";
  structio_addresses* found = nullptr;
  const auto look_up = [&] { return structio_resolve(&numeric, &found); };
  CHECK(op_proof::cancelled(look_up) == op_proof::aborted);
  CHECK(found == nullptr);
  CHECK(op_proof::halves([&] { CHECK(look_up() == 0); }) == 2);
  structio_addresses_free(found);
  char name[256];
  const auto name_of = [&] {
    return structio_resolve_name("127.0.0.1", 0, name, sizeof name, nullptr, 0);
  };
  CHECK(op_proof::cancelled(name_of) == op_proof::aborted);
  CHECK(op_proof::halves([&] { CHECK(name_of() == 0); }) == 2);
}

const op_proof::area proof({{"structio_resolve", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_resolve_name", 1, STRUCTIO_EFFECT_NOTHING}},
                           prove);

}  // namespace

TEST_CASE("why an address is none is told, whatever fails in another task meanwhile") {
  run(
      [] {
        bool over = false;
        structio::open_nursery([&](structio::nursery& n) {
          n.start_soon([&] {
            while (!over) {
              CHECK(structio_tcp_listen(nullptr, nullptr) == STRUCTIO_EINVALID);
              structio::checkpoint();
            }
          });
          for (int i = 0; i < 10; ++i) {
            CHECK(code_of_resolve("127.0.0.1", 6) == STRUCTIO_EINVALID);
            CHECK_THAT(structio_last_message(), ContainsSubstring("other family"));
          }
          over = true;
        });
      },
      1);
}
