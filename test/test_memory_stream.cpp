// Streams in memory: taken and fed by hand, pumped, in pairs, with hooks.
#include <span>
#include <string>
#include <vector>

#include <structio/structio_testing_stream.h>
#include <structio/testing/memory_stream.hpp>

#include "support/c_blocks.hpp"
#include "support/face.hpp"
#include "support/op_proof.hpp"

using namespace face;
using structio::nursery;
using structio::open_nursery;
using structio::testing::memory_receive_stream;
using structio::testing::memory_send_stream;
using structio::testing::memory_stream;
using structio::testing::memory_stream_one_way_pair;
using structio::testing::memory_stream_pair;
using structio::testing::memory_stream_pump;
using structio::testing::wait_all_tasks_blocked;

namespace {

std::string receive(memory_stream& from, std::size_t most = 1000) {
  std::string data(most, '\0');
  data.resize(from.receive_some(std::as_writable_bytes(std::span<char>(data))));
  return data;
}

void prove_memory() {
  structio_stream* s = nullptr;
  CHECK(structio_memory_send_stream_new(&s) == 0);
  char byte = '?';
  const auto get = [&] { return structio_memory_stream_get_data(s, &byte, 1); };
  structio_stream_send_all(s, "x", 1);
  CHECK(op_proof::cancelled(get) == op_proof::aborted);
  CHECK(byte == '?');
  CHECK(op_proof::halves(get) == 2);
  CHECK(byte == 'x');
  CHECK(op_proof::cancelled([&] { return structio_stream_wait_send_might_not_block(s); }) ==
        op_proof::aborted);
  CHECK(op_proof::halves([&] { structio_stream_wait_send_might_not_block(s); }) == 2);
  CHECK(structio_stream_free(s) == 0);
}

const op_proof::area proof({{"structio_memory_stream_get_data", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_stream_wait_send_might_not_block", 1,
                             STRUCTIO_EFFECT_NOTHING}},
                           prove_memory);

}  // namespace

TEST_CASE("what was sent can be taken, in pieces, at once or waiting", "[TST-09]") {
  face::run([] {
    memory_send_stream s;
    CHECK(throws<structio::would_block>([&] { s.try_get_data(); }));
    s.send_all("1234567890");
    CHECK(s.try_get_data(4) == "1234");
    CHECK(s.get_data() == "567890");
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(s.get_data() == "late"); });
      wait_all_tasks_blocked();
      s.send_all("late");
    });
    s.send_all("rest");
    s.close();
    CHECK(s.get_data() == "rest");
    CHECK(s.get_data().empty());
    CHECK(s.try_get_data().empty());
    CHECK(throws<structio::closed_error>([&] { s.send_all("more"); }));
    CHECK(throws<structio::closed_error>([&] { s.wait_send_might_not_block(); }));
  });
}

TEST_CASE("two tasks that send, or that take, at once: the second is told", "[TST-09][TST-11]") {
  face::run([] {
    memory_send_stream s;
    int busy = 0;
    const auto count_busy = [&](auto call) {
      return [&busy, call] { busy += throws<structio::busy_error>(call); };
    };
    open_nursery([&](nursery& n) {
      for (int i = 0; i < 2; ++i) n.start_soon(count_busy([&] { s.send_all("x"); }));
    });
    CHECK(busy == 1);
    s.try_get_data();
    structio::cancel_scope scope;
    open_nursery([&](nursery& n) {
      n.start_soon([&] { scope.run([&] { s.get_data(); }); });
      wait_all_tasks_blocked();
      CHECK(throws<structio::busy_error>([&] { s.get_data(); }));
      scope.cancel();
    });
    memory_receive_stream r;
    structio::cancel_scope reading;
    open_nursery([&](nursery& n) {
      n.start_soon([&] { reading.run([&] { receive(r); }); });
      wait_all_tasks_blocked();
      CHECK(throws<structio::busy_error>([&] { receive(r); }));
      reading.cancel();
    });
    r.put_data("still good");
    CHECK(receive(r) == "still good");
  });
}

TEST_CASE("who was woken to take is still the only one", "[TST-09]") {
  face::run([] {
    memory_send_stream s;
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(s.get_data() == "abc"); });
      wait_all_tasks_blocked();
      s.send_all("abc");
      s.close();
    });
    memory_send_stream full;
    full.send_all("123456");
    int busy = 0;
    open_nursery([&](nursery& n) {
      for (int i = 0; i < 2; ++i) {
        n.start_soon([&] { busy += throws<structio::busy_error>([&] { full.get_data(3); }); });
      }
    });
    CHECK(busy == 1);
  });
}

TEST_CASE("hooks run when they should", "[TST-10][TST-11]") {
  face::run([] {
    trace seen;
    memory_send_stream s;
    s.set_hooks({.after_send = [&] { seen.push_back("sent " + s.try_get_data()); },
                 .might_not_block = [&] { seen.emplace_back("may send"); },
                 .on_close = [&] { seen.emplace_back("closed"); }});
    s.send_all("abc");
    s.wait_send_might_not_block();
    s.close();
    s.close();
    CHECK(seen == trace{"sent abc", "may send", "closed", "closed"});

    memory_receive_stream r;
    seen.clear();
    r.set_hooks({.before_receive = [&] { r.put_data("fresh"); }});
    CHECK(receive(r) == "fresh");
    r.set_hooks({.before_receive = [] { throw key_error("hook"); }});
    CHECK(throws<key_error>([&] { receive(r); }));
    r.set_hooks({});
    r.put_data("more");
    CHECK(receive(r) == "more");
  });
}

TEST_CASE("the end stays, and nothing is put behind it", "[TST-11][TST-12]") {
  face::run([] {
    memory_receive_stream r;
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(receive(r) == "woken"); });
      wait_all_tasks_blocked();
      r.put_data("woken");
    });
    r.put_data("a");
    r.put_eof();
    CHECK(throws<structio::closed_error>([&] { r.put_data("b"); }));
    CHECK(receive(r) == "a");
    CHECK(receive(r).empty());
    CHECK(receive(r).empty());

    memory_receive_stream closed;
    closed.put_data("lost");
    closed.close();
    closed.close();
    CHECK(throws<structio::closed_error>([&] { receive(closed); }));
    CHECK(throws<structio::closed_error>([&] { closed.put_data("x"); }));
    CHECK(throws<structio::closed_error>([&] { closed.put_eof(); }));
  });
}

TEST_CASE("a pump moves what it may, and the end", "[TST-13]") {
  face::run([] {
    memory_send_stream from;
    memory_receive_stream to;
    CHECK_FALSE(memory_stream_pump(from, to));
    from.send_all("12345");
    CHECK(memory_stream_pump(from, to, 2));
    CHECK(receive(to) == "12");
    CHECK(memory_stream_pump(from, to, 0));
    CHECK(memory_stream_pump(from, to));
    CHECK(receive(to) == "345");
    from.send_all("6");
    from.close();
    CHECK(memory_stream_pump(from, to));
    CHECK_FALSE(memory_stream_pump(from, to));
    CHECK(receive(to) == "6");
    CHECK(receive(to).empty());

    memory_send_stream more;
    memory_receive_stream gone;
    gone.close();
    more.send_all("x");
    CHECK(throws<structio::broken_error>([&] { memory_stream_pump(more, gone); }));
  });
}

TEST_CASE("a pair pumps by itself, unless it is told not to", "[TST-14]") {
  face::run([] {
    auto pair_of_a = memory_stream_one_way_pair();
    auto& a = pair_of_a.first;
    auto& b = pair_of_a.second;
    open_nursery([&](nursery& n) {
      n.start_soon([&, &reader = b] { CHECK(receive(reader) == "123"); });
      wait_all_tasks_blocked();
      a.send_all("123");
    });
    a.set_pumping(false);
    a.send_all("456");
    a.send_all("789");
    a.set_pumping(true);
    CHECK(receive(b) == "456789");
    open_nursery([&](nursery& n) {
      n.start_soon([&, &reader = b] { CHECK(receive(reader).empty()); });
      wait_all_tasks_blocked();
      a.close();
    });
    CHECK(throws<structio::usage_error>([&] { a.set_pumping(true); }));
  });
}

TEST_CASE("an end that was put by hand breaks the sender's direction", "[TST-13][TST-14]") {
  face::run([] {
    auto pair_of_a = memory_stream_pair();
    auto& a = pair_of_a.first;
    auto& b = pair_of_a.second;
    b.put_eof();
    b.put_eof();
    CHECK(throws<structio::broken_error>([&] { a.send_all("x"); }));
    CHECK(throws<structio::would_block>([&] { a.try_get_data(); }));  // none of it was sent
    CHECK_FALSE(memory_stream_pump(a, b));
    a.set_pumping(false);
    a.send_all("y");
    CHECK(throws<structio::broken_error>([&] { memory_stream_pump(a, b); }));
    CHECK(a.try_get_data() == "y");
    CHECK(receive(b).empty());
  });
}

TEST_CASE("what waits while nothing is pumped arrives with its end", "[TST-14]") {
  face::run([] {
    auto pair_of_a = memory_stream_pair();
    pair_of_a.first.set_pumping(false);
    pair_of_a.first.send_all("xyz");
    pair_of_a.first.send_eof();
    pair_of_a.first.set_pumping(true);
    CHECK(receive(pair_of_a.second) == "xyz");
    CHECK(receive(pair_of_a.second).empty());
  });
}

TEST_CASE("bytes keep their order while the room for them grows and is used again", "[TST-09]") {
  face::run([] {
    memory_send_stream s;
    std::string sent;
    std::string taken;
    for (std::size_t i = 0; i < 500; ++i) {
      const std::string piece(1 + i * 7 % 90, static_cast<char>('a' + i % 26));
      s.send_all(piece);
      sent += piece;
      taken += s.try_get_data(1 + i * 5 % 60);
    }
    s.close();
    while (taken.size() < sent.size()) taken += s.get_data();
    CHECK(taken == sent);
  });
}

TEST_CASE("each direction of a pair ends alone", "[TST-15]") {
  face::run([] {
    auto pair_of_a = memory_stream_pair();
    auto& a = pair_of_a.first;
    auto& b = pair_of_a.second;
    a.send_all("to b");
    b.send_all("to a");
    CHECK(receive(a) == "to a");
    CHECK(receive(b) == "to b");
    a.send_eof();
    a.send_eof();
    CHECK(receive(b).empty());
    CHECK(throws<structio::closed_error>([&] { a.send_all("x"); }));
    b.send_all("still");
    CHECK(receive(a) == "still");
    b.close();
    CHECK(receive(a).empty());
    CHECK(throws<structio::closed_error>([&] { receive(b); }));
    auto pair_of_c = memory_stream_pair();
    auto& c = pair_of_c.first;
    auto& d = pair_of_c.second;
    d.close();
    CHECK(throws<structio::broken_error>([&] { c.send_all("x"); }));
  });
}

TEST_CASE("streams that are left behind go with their run", "[FIB-14]") {
  face::run([] {
    structio_stream* a = nullptr;
    structio_stream* b = nullptr;
    CHECK(structio_memory_stream_pair(&a, &b) == 0);
    CHECK(structio_stream_send_all(a, "x", 1) == 0);
    CHECK(structio_stream_free(a) == 0);
    char data[4];
    CHECK(structio_stream_receive_some(b, data, sizeof data) == 1);
    CHECK(structio_stream_receive_some(b, data, sizeof data) == 0);
    CHECK(structio_stream_free(b) == 0);
    CHECK(structio_stream_free(b) == STRUCTIO_ESTALE);
  });
}

TEST_CASE("misuse of memory streams is told", "[TST-09][CONF-03]") {
  face::run([] {
    structio_stream* s = nullptr;
    structio_stream* r = nullptr;
    structio_stream* l = nullptr;
    structio_stream* m = nullptr;
    char byte = 0;
    CHECK(structio_memory_send_stream_new(nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_memory_send_stream_new(&s) == 0);
    CHECK(structio_memory_receive_stream_new(&r) == 0);
    CHECK(structio_lockstep_stream_pair(&l, &m) == 0);
    structio_stream* first = l;
    CHECK(structio_memory_stream_pair(&l, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_stream_receive_some(s, &byte, 1) == STRUCTIO_EMISUSE);
    CHECK(structio_stream_send_all(r, &byte, 1) == STRUCTIO_EMISUSE);
    CHECK(structio_stream_send_eof(s) == STRUCTIO_EMISUSE);
    CHECK(structio_stream_receive_some(r, &byte, 0) == STRUCTIO_EINVALID);
    CHECK(structio_stream_receive_some(r, nullptr, 1) == STRUCTIO_EINVALID);
    CHECK(structio_memory_stream_get_data(r, &byte, 1) == STRUCTIO_EMISUSE);
    CHECK(structio_memory_stream_get_data(s, &byte, 0) == STRUCTIO_EINVALID);
    CHECK(structio_memory_stream_put_data(s, &byte, 1) == STRUCTIO_EMISUSE);
    CHECK(structio_memory_stream_put_data(r, nullptr, 1) == STRUCTIO_EINVALID);
    CHECK(structio_memory_stream_put_eof(s) == STRUCTIO_EMISUSE);
    CHECK(structio_memory_stream_pump(s, s, 1) == STRUCTIO_EMISUSE);
    CHECK(structio_memory_stream_put_eof(m) == STRUCTIO_EMISUSE);
    CHECK(structio_stream_local_address(m, nullptr, 0, nullptr) == STRUCTIO_EMISUSE);
    CHECK(structio_memory_stream_set_pumping(s, 1) == STRUCTIO_EMISUSE);
    for (structio_stream* each : {s, r, m, first}) CHECK(structio_stream_free(each) == 0);
    CHECK(structio_memory_stream_set_hooks(s, nullptr) == STRUCTIO_ESTALE);
  });
}
