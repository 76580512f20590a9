// Streams of one's own as one type, stapled streams, sending in pieces, copying and proxying.
#include <structio/copy.hpp>
#include <structio/custom_stream.hpp>
#include <structio/testing/check_stream.hpp>
#include <structio/testing/memory_stream.hpp>
#include <structio/unix.hpp>

#include <string>
#include <utility>
#include <vector>

#include "support/faulty_stream.hpp"
#include "support/net.hpp"
#include "support/op_proof.hpp"

using namespace net_test;
using structio::any_stream;
using structio::make_any_stream;
using structio::staple;
using structio::testing::check_half_closeable_stream;
using structio::testing::check_one_way_stream;
using structio::testing::check_two_way_stream;
using structio::testing::lockstep_stream_one_way_pair;
using structio::testing::lockstep_stream_pair;
using structio::testing::memory_stream_pair;

namespace {

/// A stream that counts what happens to it, over another one.
struct watched {
  any_stream under;
  int* closes;
  int* ends;

  watched(any_stream s, int& closed, int& ended)
      : under(std::move(s)), closes(&closed), ends(&ended) {}
  watched(watched&& other) noexcept
      : under(std::move(other.under)),
        closes(other.closes),
        ends(std::exchange(other.ends, nullptr)) {}
  ~watched() {
    if (ends) ++*ends;
  }
  std::size_t receive_some(std::span<std::byte> buffer) { return under.receive_some(buffer); }
  void send_all(std::span<const std::byte> data) { under.send_all(data); }
  void wait_send_might_not_block() { under.wait_send_might_not_block(); }
  void send_eof() { under.send_eof(); }
  void close() {
    ++*closes;
    under.close();
  }
};

auto custom_pair() {
  auto [a, b] = lockstep_stream_pair();
  static int closes, ends;
  return std::pair(make_any_stream(watched(std::move(a), closes, ends)),
                   make_any_stream(watched(std::move(b), closes, ends)));
}

auto stapled_pair() {
  auto there = lockstep_stream_one_way_pair();
  auto back = lockstep_stream_one_way_pair();
  return std::pair(staple(std::move(there.first), std::move(back.second)),
                   staple(std::move(back.first), std::move(there.second)));
}

/// Throws what no stream of the library throws.
struct throwing {
  std::size_t receive_some(std::span<std::byte>) { throw std::logic_error("received nonsense"); }
  void close() { throw std::logic_error("closed badly"); }
};

}  // namespace

TEST_CASE("a stream of one's own passes the suites as any_stream") {
  face::run([] { check_half_closeable_stream(custom_pair, custom_pair); });
}

TEST_CASE("two streams stapled as one pass the suite", "[SSTR-10]") {
  face::run([] { check_two_way_stream(stapled_pair, stapled_pair); });
}

TEST_CASE("what a stream of one's own throws comes out as it was", "[CONF-03]") {
  face::run([] {
    any_stream s = make_any_stream(throwing{});
    CHECK(throws<std::logic_error>([&] { receive(s); }));
    CHECK(throws<structio::usage_error>([&] { s.send_all("x"); }));
    CHECK(throws<std::logic_error>([&] { s.close(); }));
    s.close();  // once is enough, and it is closed
    CHECK(throws<structio::closed_error>([&] { receive(s); }));
  });
}

TEST_CASE("closing ends the wait of a stream of one's own, and closes it once") {
  face::run([] {
    int closes = 0, ends = 0;
    {
      auto [a, b] = memory_stream_pair();
      any_stream s = make_any_stream(watched(std::move(a), closes, ends));
      open_nursery([&](nursery& n) {
        n.start_soon([&] { CHECK(throws<structio::closed_error>([&] { receive(s); })); });
        settle();
        CHECK(throws<structio::busy_error>([&] { receive(s); }));
        s.close();
      });
      s.close();
      CHECK(closes == 1);
      CHECK(ends == 0);
    }
    CHECK(ends == 1);
    {
      auto [a, b] = memory_stream_pair();
      any_stream s = make_any_stream(watched(std::move(a), closes, ends));
      open_nursery([&](nursery& n) {
        n.start_soon([&] { CHECK_FALSE(structio::move_on_after(1s, [&] { receive(s); })); });
      });
    }
    CHECK(closes == 1);  // forcefully: nobody was asked
    CHECK(ends == 2);
  });
}

TEST_CASE("a stapled stream closes both halves, whatever the first says", "[SSTR-11]") {
  face::run([] {
    auto [a, a_far] = memory_stream_pair();
    auto [b, b_far] = memory_stream_pair();
    any_stream both = staple(make_any_stream(throwing{}), std::move(b));
    CHECK(throws<std::logic_error>([&] { both.close(); }));
    CHECK(receive(b_far).empty());
    any_stream fine = staple(std::move(a), make_any_stream(throwing{}));
    fine.send_all("sent");
    fine.send_eof();
    CHECK(receive(a_far) == "sent");
    CHECK(receive(a_far).empty());
  });
}

TEST_CASE("pieces are sent as if they were one, by streams that can and others") {
  run([] {
    const std::string large = pattern(300000);
    const auto check = [&](any_stream& from, any_stream& to) {
      std::string got;
      open_nursery([&](nursery& n) {
        n.start_soon([&] {
          from.send_vectored({"", "one", "", "two", large, "three", ""});
          from.send_vectored(std::initializer_list<std::string_view>{});
          from.send_eof();
        });
        for (std::string piece; !(piece = receive(to)).empty();) got += piece;
      });
      CHECK(got == "onetwo" + large + "three");
    };
    auto tcp = connected();
    check(tcp.a, tcp.b);
    auto [a, b] = structio::open_unix_pair();
    check(a, b);
    auto [c, d] = lockstep_stream_pair();
    check(c, d);
    // More pieces than the system takes at once.
    std::vector<std::string> words;
    for (int i = 0; i < 100; ++i) words.push_back(std::to_string(i) + ",");
    std::vector<structio_piece> many;
    std::string expected;
    for (const auto& word : words) {
      many.push_back({word.data(), word.size()});
      expected += word;
    }
    auto again = connected();
    again.a.send_vectored(many);
    CHECK(receive_whole(again.b, expected.size()) == expected);
  });
}

TEST_CASE("pieces are cancelled in the middle, and refused where they must be") {
  run([] {
    auto ends = connected();
    const std::string large = pattern(std::size_t{16} << 20);
    CHECK_FALSE(structio::move_on_after(1ms, [&] { ends.a.send_vectored({large, large, "end"}); }));
    const structio_piece bad[] = {{nullptr, 1}};
    CHECK(structio_stream_send_vectored(ends.a.native(), bad, 1) == STRUCTIO_EINVALID);
    CHECK(structio_stream_send_vectored(ends.a.native(), nullptr, 1) == STRUCTIO_EINVALID);
    ends.b.close();
    CHECK(throws<structio::broken_error>([&] {
      for (int i = 0; i < 10; ++i) ends.a.send_vectored({large, large});
    }));
    ends.a.close();
    CHECK(throws<structio::closed_error>([&] { ends.a.send_vectored({"x"}); }));
  });
}

TEST_CASE("copying until the end, or a limit") {
  face::run([] {
    auto [a, a_far] = memory_stream_pair();
    auto [b, b_far] = memory_stream_pair();
    const std::string data = pattern(200000);
    a_far.send_all(data);
    CHECK(structio::copy(a, b, {.buffer_size = 1000, .limit = 4500}) == 4500);
    a_far.send_eof();
    CHECK(structio::copy(a, b) == data.size() - 4500);
    CHECK(receive_whole(b_far, data.size()) == data);
    CHECK(structio::copy(a, b) == 0);
  });
}

TEST_CASE("a proxy passes both directions and each end") {
  run([] {
    auto client = connected();
    auto server = connected();
    structio::proxied moved;
    open_nursery([&](nursery& n) {
      n.start_soon([&] { moved = structio::proxy(client.b, server.a); });
      client.a.send_all("request");
      client.a.send_eof();
      CHECK(receive_whole(server.b, 100) == "request");  // to its end
      server.b.send_all("the answer");
      server.b.send_eof();
      CHECK(receive_whole(client.a, 100) == "the answer");
    });
    CHECK(moved.a_to_b == 7);
    CHECK(moved.b_to_a == 10);
  });
}

TEST_CASE("the failure of one direction ends the other") {
  run([] {
    auto client = connected();
    auto server = connected();
    std::uint64_t there = 0, back = 0;
    int code = 0;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        code = structio_stream_proxy(client.b.native(), server.a.native(), nullptr, &there, &back);
      });
      client.a.send_all("x");
      CHECK(receive(server.b) == "x");
      server.b.close();
      for (int i = 0; i < 100 && code == 0; ++i) {
        try {
          client.a.send_all(std::string(100000, 'x'));
        } catch (const structio::broken_error&) {
        }
        settle();
        client.b.close();
      }
    });
    CHECK((code == STRUCTIO_EBROKEN || code == STRUCTIO_ECLOSED));
    CHECK(there >= 1);
  });
}

TEST_CASE("a proxy is cancelled with both directions, at each instant") {
  run(
      [] {
        connected();
        const int before = open_descriptors();
        for (int delay = 0; delay < 12; ++delay) {
          auto client = connected();
          auto server = connected();
          client.a.send_all("x");
          structio::cancel_scope scope;
          open_nursery([&](nursery& n) {
            n.start_soon([&] {
              pause(delay);
              scope.cancel();
            });
            CHECK_FALSE(scope.run([&] { structio::proxy(client.b, server.a); }));
          });
        }
        pause(3);
        CHECK(open_descriptors() == before);
      },
      1);
}

TEST_CASE("streams of one's own, copies and staples refuse what makes no sense") {
  structio_stream* out = nullptr;
  structio_stream_table nothing{};
  nothing.struct_size = sizeof nothing;
  CHECK(structio_stream_new(nullptr, nullptr, &out) == STRUCTIO_EINVALID);
  CHECK(structio_stream_new(&nothing, nullptr, &out) == STRUCTIO_EINVALID);
  CHECK(structio_stream_new(&nothing, nullptr, nullptr) == STRUCTIO_EINVALID);
  nothing.send_all = [](void*, const void*, size_t) { return 0; };
  CHECK(structio_stream_new(&nothing, nullptr, &out) == STRUCTIO_ENOTASK);
  face::run([&] {
    auto [a, b] = memory_stream_pair();
    CHECK(structio_stream_staple(a.native(), a.native(), &out) == STRUCTIO_EINVALID);
    CHECK(structio_stream_staple(a.native(), nullptr, &out) == STRUCTIO_EINVALID);
    CHECK(structio_stream_proxy(a.native(), a.native(), nullptr, nullptr, nullptr) ==
          STRUCTIO_EINVALID);
    CHECK(structio_stream_copy(a.native(), nullptr, nullptr, nullptr) == STRUCTIO_EINVALID);
    structio_stream_table greedy{};
    greedy.struct_size = sizeof greedy;
    greedy.receive_some = [](void*, void*, size_t size) { return static_cast<int64_t>(size) + 1; };
    REQUIRE(structio_stream_new(&greedy, nullptr, &out) == 0);
    char byte;
    CHECK(structio_stream_receive_some(out, &byte, 1) == STRUCTIO_EINVALID);
    structio_stream_free(out);
    // Only sends, and need not be waited for.
    REQUIRE(structio_stream_new(&nothing, nullptr, &out) == 0);
    CHECK(structio_stream_wait_send_might_not_block(out) == 0);
    CHECK(structio_stream_send_eof(out) == STRUCTIO_EMISUSE);
    CHECK(structio_stream_send_all(out, "x", 1) == 0);
    structio_stream_free(out);
  });
}

namespace {

void prove() {
  structio_stream *a = nullptr, *b = nullptr;
  REQUIRE(structio_memory_stream_pair(&a, &b) == 0);
  const structio_piece pieces[] = {{"x", 1}, {"y", 1}};
  const auto send = [&] { return structio_stream_send_vectored(a, pieces, 2); };
  CHECK(op_proof::cancelled(send) == op_proof::aborted);
  CHECK(op_proof::halves([&] { CHECK(send() == 0); }) == 2);
  CHECK(structio_stream_send_eof(a) == 0);
  std::uint64_t moved = 7;
  const auto copy = [&] { return structio_stream_copy(b, b, nullptr, &moved); };
  CHECK(op_proof::cancelled(copy) == op_proof::aborted);
  CHECK(moved == 0);
  CHECK(op_proof::halves([&] { CHECK(copy() == 0); }) == 2);
  CHECK(moved == 2);
  const auto proxy = [&] { return structio_stream_proxy(a, b, nullptr, &moved, nullptr); };
  CHECK(op_proof::cancelled(proxy) == op_proof::aborted);
  structio_stream_free(a);
  structio_stream_free(b);
}

const op_proof::area proof({{"structio_stream_copy", 1, STRUCTIO_EFFECT_PREFIX},
                            {"structio_stream_proxy", 1, STRUCTIO_EFFECT_PREFIX},
                            {"structio_stream_send_vectored", 1, STRUCTIO_EFFECT_PREFIX}},
                           prove);

}  // namespace
