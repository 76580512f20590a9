// Streams made of two.
#include <span>
#include <string>
#include <utility>

#include <structio/stream.hpp>
#include <structio/testing/memory_stream.hpp>

#include "support/face.hpp"

using namespace face;
using structio::stapled_stream;
using structio::testing::lockstep_stream_one_way_pair;
using structio::testing::memory_receive_stream;
using structio::testing::memory_send_stream;
using structio::testing::memory_stream;
using structio::testing::memory_stream_one_way_pair;
using structio::testing::memory_stream_pair;

namespace {

template <class Receiver>
std::string receive(Receiver& from) {
  char data[16];
  return std::string(data, from.receive_some(std::span<char>(data)));
}

/// A half that fails when it is closed.
struct fails_to_close {
  memory_send_stream to;

  void send_all(std::span<const std::byte> data) { to.send_all(data); }
  void wait_send_might_not_block() { to.wait_send_might_not_block(); }
  void close() { throw key_error("close"); }
};

}  // namespace

TEST_CASE("a stapled stream hands each call to the half it is for", "[SSTR-10]") {
  face::run([] {
    trace seen;
    memory_send_stream out;
    memory_receive_stream in;
    out.set_hooks({.might_not_block = [&] { seen.emplace_back("may send"); }});
    stapled_stream both(std::move(out), std::move(in));
    both.wait_send_might_not_block();
    CHECK(seen == trace{"may send"});
    both.send_all("abc");
    CHECK(both.send_half().try_get_data() == "abc");
    both.receive_half().put_data("def");
    CHECK(receive(both) == "def");
    both.close();
    CHECK(throws<structio::closed_error>([&] { both.send_half().send_all("x"); }));
    CHECK(throws<structio::closed_error>([&] { receive(both.receive_half()); }));
  });
}

TEST_CASE("ending a stapled stream ends the sending half, or closes it", "[SSTR-10]") {
  face::run([] {
    auto there = memory_stream_pair();
    auto back = memory_stream_one_way_pair();
    stapled_stream ends(std::move(there.first), std::move(back.second));
    ends.send_eof();
    CHECK(receive(there.second).empty());
    there.second.send_all("still open");
    CHECK(receive(ends.send_half()) == "still open");

    auto one_way = memory_stream_one_way_pair();
    auto other_way = memory_stream_one_way_pair();
    stapled_stream closes(std::move(one_way.first), std::move(other_way.second));
    closes.send_eof();
    closes.send_eof();
    CHECK(receive(one_way.second).empty());
    other_way.first.send_all("goes on");
    CHECK(receive(closes) == "goes on");

    auto lockstep = lockstep_stream_one_way_pair();
    stapled_stream without_room(std::move(lockstep.first), memory_receive_stream());
    without_room.send_eof();
    CHECK(receive(lockstep.second).empty());
  });
}

TEST_CASE("a half that fails to close does not keep the other one open", "[SSTR-11]") {
  face::run([] {
    stapled_stream both(fails_to_close{}, memory_receive_stream());
    CHECK(throws<key_error>([&] { both.close(); }));
    CHECK(throws<structio::closed_error>([&] { receive(both.receive_half()); }));
  });
}
