// Connecting by name: the race of the attempts, on a virtual clock with connections that take as
// long, and end, as each case says; and real sockets at the end.
#include <structio/resolve.hpp>
#include <structio/testing/memory_stream.hpp>

#include <map>
#include <string>
#include <vector>

#include "support/few_descriptors.hpp"
#include "support/net.hpp"
#include "support/op_proof.hpp"

using namespace net_test;
using structio::any_stream;
using structio::connect_tcp;
using structio::name_query;
using structio::scoped_connector;
using structio::scoped_resolver;
using structio::tcp_address;

namespace {

constexpr auto never = std::chrono::nanoseconds::max();

/// What becomes of an attempt, and when.
struct outcome {
  std::chrono::nanoseconds after = 0ns;
  int code = 0;  ///< 0: connected
};

/// A network of which every address has its outcome, and which remembers who tried when.
class network {
 public:
  explicit network(std::vector<std::pair<std::string, outcome>> hosts) : hosts_(std::move(hosts)) {}

  std::map<std::string, std::chrono::nanoseconds> begun;
  int open = 0;  ///< attempts under way, and connections that have not been closed

  /// Connects under this network: when it was done, since the beginning.
  std::chrono::nanoseconds connect(const structio::tcp_connect_options& options) {
    const scoped_resolver names([this](const name_query&) {
      std::vector<tcp_address> all;
      for (const auto& host : hosts_) all.push_back({host.first, 0});
      return all;
    });
    const scoped_connector sockets([this](const tcp_address& to) { return attempt(to); });
    start_ = structio::clock::now();
    structio::tcp_stream s = connect_tcp(options);
    winner = receive(s);
    return structio::clock::now() - start_;
  }

  std::string winner;

 private:
  any_stream attempt(const tcp_address& to) {
    begun[to.host] = structio::clock::now() - start_;
    for (const auto& [host, result] : hosts_) {
      if (host != to.host) continue;
      ++open;
      struct count {
        int& open;
        ~count() { --open; }
      } const counted{open};
      if (result.after == never) structio::sleep_forever();
      structio::sleep(result.after);
      if (result.code != 0) throw structio::error(result.code, "no answer from " + to.host);
      auto [near, far] = structio::testing::memory_stream_pair();
      far.send_all(to.host);
      far.send_eof();
      return std::move(near);
    }
    throw structio::error(-ENETUNREACH, "no such host");
  }

  std::vector<std::pair<std::string, outcome>> hosts_;
  structio::clock::time_point start_;
};

constexpr outcome refused_after(std::chrono::nanoseconds time) {
  return {time, -ECONNREFUSED};
}

constexpr structio::tcp_connect_options example{.host = "example.test", .port = 80};

}  // namespace

TEST_CASE("one address: done when it is", "[HE-07][HE-08]") {
  face::run([] {
    for (const auto time : {123'000'000ns, 100'000'000'000ns}) {
      network quick({{"10.0.0.1", {time}}});
      CHECK(quick.connect(example) == time);
      network bad({{"10.0.0.1", refused_after(time)}});
      const auto before = structio::clock::now();
      CHECK(throws<structio::error>([&] { bad.connect(example); }));
      CHECK(structio::clock::now() - before == time);
    }
  });
}

TEST_CASE("attempts begin one delay after the other, and the first to succeed wins", "[HE-10]") {
  face::run([] {
    network n({{"10.0.0.1", {1s}}, {"10.0.0.2", {1s}}, {"10.0.0.3", {200ms}}});
    CHECK(n.connect(example) == 700ms);
    CHECK(n.winner == "10.0.0.3");
    CHECK(n.begun["10.0.0.1"] == 0ms);
    CHECK(n.begun["10.0.0.2"] == 250ms);
    CHECK(n.begun["10.0.0.3"] == 500ms);
    CHECK(n.open == 0);
  });
}

TEST_CASE("who wins early keeps others from being tried", "[HE-11]") {
  face::run([] {
    network n({{"10.0.0.1", {1s}}, {"10.0.0.2", {100ms}}, {"10.0.0.3", {200ms}}});
    CHECK(n.connect(example) == 350ms);
    CHECK(n.winner == "10.0.0.2");
    CHECK(n.begun.count("10.0.0.3") == 0);
  });
}

TEST_CASE("a delay of one's own, and one without end", "[HE-13]") {
  face::run([] {
    auto options = example;
    options.attempt_delay = 450ms;
    network slow({{"10.0.0.1", {1s}}, {"10.0.0.2", {1s}}, {"10.0.0.3", {200ms}}});
    CHECK(slow.connect(options) == 1s);
    CHECK(slow.begun["10.0.0.3"] == 900ms);
    options.attempt_delay = 0ms;  // the default
    network usual({{"10.0.0.1", {1s}}, {"10.0.0.2", {1s}}, {"10.0.0.3", {200ms}}});
    CHECK(usual.connect(options) == 700ms);
    options.attempt_delay = structio::forever;
    network patient({{"10.0.0.1", refused_after(5s)}, {"10.0.0.2", {1s}}});
    CHECK(patient.connect(options) == 6s);
    options.attempt_delay = -1ns;
    CHECK(throws<std::invalid_argument>([&] { patient.connect(options); }));
  });
}

TEST_CASE("a failure begins the next attempt at once", "[HE-14]") {
  face::run([] {
    network n({{"10.0.0.1", refused_after(100ms)},
               {"10.0.0.2", refused_after(200ms)},
               {"10.0.0.3", {10s}},
               {"10.0.0.4", {250ms}}});
    CHECK(n.connect(example) == 800ms);
    CHECK(n.begun["10.0.0.2"] == 100ms);
    CHECK(n.begun["10.0.0.3"] == 300ms);
    CHECK(n.begun["10.0.0.4"] == 550ms);
    CHECK(n.winner == "10.0.0.4");
  });
}

TEST_CASE("when all have failed the error names each", "[HE-15][HE-03]") {
  face::run([] {
    network n({{"10.0.0.1", refused_after(100ms)},
               {"10.0.0.2", {200ms, -ENETUNREACH}},
               {"10.0.0.3", refused_after(10s)},
               {"fe80::4", refused_after(300ms)}});
    const auto before = structio::clock::now();
    std::string text;
    int code = 0;
    try {
      n.connect(example);
    } catch (const structio::error& e) {
      text = e.what();
      code = e.code();
    }
    // The order is 10.0.0.1, fe80::4, 10.0.0.2, 10.0.0.3.
    CHECK(structio::clock::now() - before == 10'550ms);
    CHECK(code == -ECONNREFUSED);
    for (const char* word : {"example.test", "port 80", "all 4 attempts", "10.0.0.1", "10.0.0.2",
                             "10.0.0.3", "fe80::4"}) {
      CHECK(text.find(word) != std::string::npos);
    }
  });
}

TEST_CASE("the failures of all attempts are the cause of the one that is thrown", "[HE-15]") {
  face::run([] {
    network bad({{"10.0.0.1", refused_after(1s)}, {"10.0.0.2", refused_after(1s)}});
    try {
      bad.connect(example);
    } catch (const structio::error& e) {
      CHECK(e.cause().size() == 2);
      CHECK(e.cause()[1].code() == -ECONNREFUSED);
      return;
    }
    FAIL("it connected");
  });
}

TEST_CASE("of several that finish at the same moment one is taken, the others closed", "[HE-16]") {
  face::run([] {
    network n({{"10.0.0.1", {500ms}}, {"10.0.0.2", {250ms}}, {"10.0.0.3", {0ms}}});
    CHECK(n.connect(example) == 500ms);
    CHECK(n.open == 0);
  });
}

TEST_CASE("the first address of the second family is tried second", "[HE-02][HE-17]") {
  face::run([] {
    network n({{"10.0.0.1", {10s}}, {"10.0.0.2", {10s}}, {"fe80::3", {1250ms}}});
    CHECK(n.connect(example) == 1500ms);
    CHECK(n.begun["fe80::3"] == 250ms);
    CHECK(n.begun["10.0.0.2"] == 500ms);
    CHECK(n.winner == "fe80::3");
    network kept({{"10.0.0.1", {10s}}, {"fe80::2", {10s}}, {"fe80::3", {10s}}, {"10.0.0.4", {1s}}});
    CHECK(kept.connect(example) == 1750ms);
    CHECK(kept.begun["fe80::3"] == 500ms);
    network one({{"10.0.0.1", {10s}}, {"10.0.0.2", {10s}}, {"10.0.0.3", {1s}}});
    CHECK(one.connect(example) == 1500ms);
    CHECK(one.begun["10.0.0.2"] == 250ms);
  });
}

TEST_CASE("a family that the system is without costs no delay", "[HE-18]") {
  face::run([] {
    network n({{"fe80::1", {0ms, -EAFNOSUPPORT}},
               {"10.0.0.2", {10s}},
               {"fe80::3", {0ms, -EAFNOSUPPORT}},
               {"10.0.0.4", {100ms}}});
    CHECK(n.connect(example) == 350ms);
    CHECK(n.begun["10.0.0.2"] == 0ms);
    CHECK(n.begun["fe80::3"] == 250ms);
    CHECK(n.begun["10.0.0.4"] == 250ms);
  });
}

TEST_CASE("a name without addresses is told so", "[HE-19]") {
  face::run([] {
    const scoped_resolver nothing([](const name_query&) { return std::vector<tcp_address>(); });
    structio_tcp_connect_options options{};
    options.struct_size = sizeof options;
    options.host = "example.test";
    structio_stream* s = nullptr;
    CHECK(structio_tcp_connect(&options, &s) == STRUCTIO_EABSENT);
    CHECK(std::string(structio_last_message()).find("example.test") != std::string::npos);
  });
}

TEST_CASE("a cancelled scope asks no connector", "[SOCK-23]") {
  face::run([] {
    int asked = 0;
    const scoped_connector sockets([&](const tcp_address&) -> any_stream {
      ++asked;
      return structio::testing::memory_stream_pair().first;
    });
    CHECK(op_proof::halves([] { connect_tcp({.port = 1}); }) == 2);
    CHECK(asked == 1);
    structio_stream* made = nullptr;
    const auto connect = [&] { return structio_tcp_connect(nullptr, &made); };
    CHECK(op_proof::cancelled(connect) == op_proof::aborted);
    CHECK(asked == 1);
  });
}

TEST_CASE("cancelled with attempts in flight: all are given up", "[HE-20][SOCK-23]") {
  face::run([] {
    network n({{"10.0.0.1", {never}},
               {"10.0.0.2", {never}},
               {"10.0.0.3", {never}},
               {"10.0.0.4", {never}}});
    const auto before = structio::clock::now();
    CHECK_FALSE(structio::move_on_after(5s, [&] { n.connect(example); }));
    CHECK(structio::clock::now() - before == 5s);
    CHECK(n.begun.size() == 4);
    CHECK(n.open == 0);
  });
}

TEST_CASE("Ctrl-C while the losers of a race go is told after the connection", "[HE-16][KI-03]") {
  bool interrupted = false;
  face::run([&] {
    const scoped_resolver names([](const name_query&) {
      return std::vector<tcp_address>{{"192.0.2.1", 0}, {"192.0.2.2", 0}};
    });
    const scoped_connector sockets([&](const tcp_address& to) -> any_stream {
      if (to.host == "192.0.2.1") {
        try {
          structio::sleep_forever();
        } catch (const structio::cancelled&) {
          structio::shielded(60s, [] {
            structio_inject_interrupt();
            structio::sleep(5s);
          });
          throw;
        }
      }
      return structio::testing::memory_stream_pair().first;
    });
    const auto winner = connect_tcp(example);
    interrupted = throws<structio::interrupted>([] { structio::checkpoint(); });
  });
  CHECK(interrupted);
}

TEST_CASE("what a connector of one's own throws that is no error of the network comes out bare",
          "[HE-09]") {
  face::run([] {
    const scoped_resolver two([](const name_query&) {
      return std::vector<tcp_address>{{"10.0.0.1", 0}, {"10.0.0.2", 0}};
    });
    const scoped_connector bad(
        [](const tcp_address&) -> any_stream { throw std::logic_error("not of the network"); });
    CHECK(throws<std::logic_error>([] { connect_tcp(example); }));
  });
}

TEST_CASE("a delay of the resolver counts, and can be cancelled", "[SOCK-23]") {
  face::run([] {
    const scoped_resolver slow([](const name_query&) {
      structio::sleep(3s);
      return std::vector<tcp_address>{{"127.0.0.1", 0}};
    });
    const auto before = structio::clock::now();
    CHECK_FALSE(structio::move_on_after(1s, [&] { connect_tcp(example); }));
    CHECK(structio::clock::now() - before == 1s);
  });
}

TEST_CASE("the former resolver and connector come back", "[SOCK-29]") {
  face::run([] {
    const scoped_resolver outer([](const name_query&) {
      return std::vector<tcp_address>{{"10.0.0.1", 0}};
    });
    {
      const scoped_resolver inner([](const name_query&) {
        return std::vector<tcp_address>{{"10.0.0.2", 0}};
      });
      CHECK(structio::resolve("x", 1)[0].host == "10.0.0.2");
    }
    CHECK(structio::resolve("x", 1)[0].host == "10.0.0.1");
    CHECK(structio::resolve("x", 1)[0].port == 1);
  });
}

TEST_CASE("a real listener is reached by name", "[HE-04][SOCK-18]") {
  run([] {
    auto listener = listen();
    tcp_stream a = connect_tcp("localhost", listener.port());
    tcp_stream b = listener.accept();
    a.send_all("by name");
    CHECK(receive(b) == "by name");
  });
}

TEST_CASE("a local address is bound, and one of the other family fails", "[HE-06]") {
  run([] {
    auto listener = listen();
    auto options = structio::tcp_connect_options{.host = "127.0.0.1", .port = listener.port()};
    options.local_host = "127.0.0.2";
    tcp_stream from_elsewhere = connect_tcp(options);
    CHECK(from_elsewhere.local_address().host == "127.0.0.2");
    options.local_host = "0.0.0.0";
    connect_tcp(options);
    options.local_host = "::";
    CHECK(throws<structio::error>([&] { connect_tcp(options); }));
    options.local_host = "nonsense";
    CHECK(throws<std::invalid_argument>([&] { connect_tcp(options); }));
  });
}

TEST_CASE("a refusal names the address", "[SOCK-24]") {
  run([] {
    std::uint16_t port = 0;
    { port = listen().port(); }
    std::string text;
    try {
      connect_tcp("127.0.0.1", port);
    } catch (const structio::error& e) {
      text = e.what();
    }
    CHECK(text.find("127.0.0.1 port " + std::to_string(port)) != std::string::npos);
  });
}

TEST_CASE("connecting by name is cancelled at each instant, and leaves nothing open",
          "[SOCK-22][SOCK-23]") {
  run(
      [] {
        connected();  // a loop keeps a descriptor in hand from its first stream on
        auto listener = listen();
        const scoped_resolver two([](const name_query&) {
          structio::checkpoint();
          return std::vector<tcp_address>{{"127.0.0.1", 0}, {"127.0.0.2", 0}, {"127.0.0.3", 0}};
        });
        const int before = open_descriptors();
        for (int delay = 0; delay < 24; ++delay) {
          structio::cancel_scope scope;
          open_nursery([&](nursery& n) {
            n.start_soon([&] {
              pause(delay);
              scope.cancel();
            });
            scope.run(
                [&] { connect_tcp({.host = "x", .port = listener.port(), .attempt_delay = 1ns}); });
          });
          while (structio::move_on_after(1ms, [&] { listener.accept(); })) {
          }
        }
        pause(3);
        CHECK(open_descriptors() == before);
      },
      1);
}

TEST_CASE("attempts for which there are no descriptors fail and leave nothing") {
  run([] {
    connected();
    auto listener = listen();
    const scoped_resolver two([](const name_query&) {
      return std::vector<tcp_address>{{"127.0.0.1", 0}, {"127.0.0.2", 0}};
    });
    const int before = open_descriptors();
    {
      const support::few_descriptors few;
      CHECK(throws<structio::error>([&] { connect_tcp("x", listener.port()); }));
    }
    CHECK(open_descriptors() == before);
    connect_tcp("x", listener.port());
  });
}
