// Select through the face: handlers, values that are sent or kept, ends of channels, errors, the
// selector.
#include <structio/select.hpp>
#include <structio/structio.hpp>

#include <memory>
#include <string>
#include <vector>

#include "support/descriptors.hpp"
#include "support/face.hpp"

using namespace std::chrono_literals;
using face::throws;
using structio::event;
using structio::on_deadline;
using structio::on_end;
using structio::on_readable;
using structio::on_receive;
using structio::on_send;
using structio::on_set;
using structio::on_timeout;
using structio::on_writable;
using structio::open_channel;
using structio::open_nursery;
using structio::select;
using structio::try_select;

namespace {

using ints = std::vector<int>;
using text = std::unique_ptr<std::string>;

text make(const char* words) {
  return std::make_unique<std::string>(words);
}

void settle() {
  structio::testing::wait_all_tasks_blocked();
}

// Its move may throw, so that it travels in a box.
struct bulky {
  explicit bulky(int n) : number(n) {}
  bulky(bulky&& other) noexcept(false) : number(std::exchange(other.number, 0)) {}
  bulky& operator=(bulky&& other) noexcept(false) {
    number = std::exchange(other.number, 0);
    return *this;
  }
  int number;
};

}  // namespace

TEST_CASE("the handler of the case that happens is called, and no other") {
  face::run([] {
    auto ends_of_tx = open_channel<text>(0);
    auto& tx = ends_of_tx.tx;
    auto& rx = ends_of_tx.rx;
    event stop;
    face::trace seen;
    const auto once = [&] {
      return select(on_receive(rx, [&](std::optional<text> t) { seen.push_back(t ? **t : "end"); }),
                    on_set(stop, [&] { seen.push_back("stop"); }),
                    on_timeout(1s, [&] { seen.push_back("timeout"); }));
    };
    const auto begin = structio::clock::now();
    CHECK(once() == 2);
    CHECK(face::seconds_since(begin) == 1);
    open_nursery([&](structio::nursery& n) {
      n.start_soon([&] { CHECK(once() == 0); });
      tx.send(make("hello"));
      settle();
      n.start_soon([&] { CHECK(once() == 1); });
      settle();
      stop.set();
    });
    CHECK(seen == face::trace{"timeout", "hello", "stop"});
  });
}

TEST_CASE("a value that was offered and not sent is still its owner's") {
  face::run([] {
    auto ends_of_tx = open_channel<text>(1);
    auto& tx = ends_of_tx.tx;
    auto& rx = ends_of_tx.rx;
    text first = make("first");
    text second = make("second");
    bool told = false;
    CHECK(select(on_send(tx, std::move(first), [&] { told = true; })) == 0);
    CHECK(told);
    CHECK(first == nullptr);
    CHECK(select(on_send(tx, std::move(second)), on_timeout(1s)) == 1);
    REQUIRE(second);
    CHECK(*second == "second");
    CHECK_FALSE(try_select(on_send(tx, std::move(second))));
    CHECK(*second == "second");
    structio::move_on_after(1s, [&] { select(on_send(tx, std::move(second))); });
    CHECK(*second == "second");
    rx.close();
    CHECK(throws<structio::broken_error>([&] { select(on_send(tx, std::move(second))); }));
    CHECK(*second == "second");
  });
}

TEST_CASE("plain, copied and boxed values") {
  face::run([] {
    auto ends_of_tx = open_channel<int>(2);
    auto& tx = ends_of_tx.tx;
    auto& rx = ends_of_tx.rx;
    const int constant = 4;
    CHECK(select(on_send(tx, 3)) == 0);
    CHECK(select(on_send(tx, constant)) == 0);
    int sum = 0;
    const auto add = [&](int value) { sum = sum * 10 + value; };
    CHECK(select(on_receive(rx, add)) == 0);
    CHECK(select(on_receive(rx, add)) == 0);
    CHECK(sum == 34);

    auto ends_of_out = open_channel<bulky>(1);
    auto& out = ends_of_out.tx;
    auto& in = ends_of_out.rx;
    bulky value(7);
    bulky more(8);
    CHECK(select(on_send(out, std::move(value))) == 0);
    CHECK(value.number == 0);
    CHECK(select(on_timeout(0s), on_send(out, std::move(more))) == 0);
    int got = 0;
    CHECK(select(on_receive(in, [&](bulky b) { got = b.number; })) == 0);
    CHECK(got == 7);
  });
}

TEST_CASE("the end of a channel is told or thrown, as the handler likes") {
  face::run([] {
    auto ends_of_tx = open_channel<std::string>(1);
    auto& tx = ends_of_tx.tx;
    auto& rx = ends_of_tx.rx;
    tx.send("last");
    tx.close();
    std::vector<std::optional<std::string>> all;
    const auto keep = [&](std::optional<std::string> s) { all.push_back(std::move(s)); };
    CHECK(select(on_receive(rx, keep)) == 0);
    CHECK(select(on_receive(rx, keep)) == 0);
    REQUIRE(all.size() == 2);
    CHECK(all[0] == "last");
    CHECK_FALSE(all[1]);
    CHECK(throws<structio::end_of_channel>([&] { select(on_receive(rx, [](std::string) {})); }));
    rx.close();
    CHECK(throws<structio::closed_error>([&] { select(on_receive(rx, keep)); }));
    CHECK(all.size() == 2);
  });
}

TEST_CASE("descriptors, deadlines and the ends of tasks") {
  face::run([] {
    descriptors::socket_pair ends;
    CHECK(select(on_readable(ends.a), on_writable(ends.a)) == 1);
    descriptors::say(ends.b);
    int readable = 0;
    CHECK(select(on_readable(ends.a, [&] { ++readable; })) == 0);
    CHECK(readable == 1);
    const auto bad = face::thrown<structio::error>([] { select(on_readable(-1)); });
    REQUIRE(bad);
    CHECK(bad->code() == -EBADF);

    const auto begin = structio::clock::now();
    CHECK(select(on_deadline(begin + 3s), on_deadline(begin + 2s), on_deadline(structio::never),
                 on_timeout(structio::forever)) == 1);
    CHECK(face::seconds_since(begin) == 2);
    open_nursery([&](structio::nursery& n) {
      auto task = n.start_task([] {
        structio::sleep(5s);
        return 42;
      });
      int value = 0;
      CHECK(select(on_timeout(1s), on_end(task)) == 0);
      CHECK(select(on_timeout(9s), on_end(task, [&] { value = task.get(); })) == 1);
      CHECK(value == 42);
    });
  });
}

TEST_CASE("a handler may throw, wait and select again") {
  face::run([] {
    event ready;
    ready.set();
    CHECK(throws<face::key_error>([&] { select(on_set(ready, [] { throw face::key_error(); })); }));
    int depth = 0;
    select(on_set(ready, [&] {
      structio::sleep(1s);
      select(on_set(ready, [&] { depth = 2; }));
    }));
    CHECK(depth == 2);
  });
}

TEST_CASE("cases are switched off by a condition, by an empty handle") {
  face::run([] {
    auto ends_of_tx = open_channel<int>(1);
    auto& tx = ends_of_tx.tx;
    auto& rx = ends_of_tx.rx;
    event ready;
    ready.set();
    CHECK_FALSE(try_select(on_set(ready).when(false), on_receive(rx, [](int) {})));
    CHECK(select(on_set(ready).when(false), on_set(ready).when(true)) == 1);
    auto gone = std::move(rx);
    CHECK_FALSE(try_select(on_receive(rx, [](int) {})));
    CHECK(try_select(on_send(tx, 1)) == 0);
    int value = 0;
    CHECK(try_select(on_receive(gone, [&](int v) { value = v; })) == 0);
    CHECK(value == 1);
    structio::move_on_after(1s, [&] {
      if (face::is_cancelled([] { select(); })) value = 2;
    });
    CHECK(value == 2);
  });
}

TEST_CASE("in order, and misuse") {
  face::run([] {
    event ready;
    ready.set();
    for (int i = 0; i < 20; ++i) {
      CHECK(select({.in_order = true}, on_set(ready), on_set(ready), on_timeout(0s)) == 0);
    }
    CHECK(throws<std::invalid_argument>([] { select(on_timeout(-1s)); }));
  });
  CHECK(throws<structio::usage_error>([] { select(on_timeout(1s)); }));
}

TEST_CASE("a selector takes as many cases as there are, again and again") {
  face::run([] {
    constexpr int count = 5;
    std::vector<structio::channel<int>> channels;
    for (int i = 0; i < count; ++i) channels.push_back(open_channel<int>(0));
    int sum = 0;
    open_nursery([&](structio::nursery& n) {
      for (int i = 0; i < count; ++i) {
        n.start_soon([tx = std::move(channels[static_cast<std::size_t>(i)].tx), i]() mutable {
          for (int round = 0; round < 10; ++round) tx.send(i);
        });
      }
      structio::selector inputs;
      for (auto& c : channels) {
        const std::size_t index = inputs.size();
        CHECK(inputs.add(on_receive(c.rx, [&, index](std::optional<int> v) {
          if (v) {
            sum += *v;
          } else {
            inputs.disable(index);
          }
        })) == index);
      }
      while (inputs.enabled() > 0) inputs.select();
      CHECK_FALSE(inputs.try_select());
    });
    CHECK(sum == 10 * (0 + 1 + 2 + 3 + 4));
  });
}

TEST_CASE("a selector sends what its variable has at the time") {
  face::run([] {
    auto ends_of_tx = open_channel<text>(2);
    auto& tx = ends_of_tx.tx;
    auto& rx = ends_of_tx.rx;
    text next = make("a");
    structio::selector s({.in_order = true});
    int timeouts = 0;
    s.add(on_send(tx, std::ref(next), [&] { next = make("b"); }));
    s.add(on_timeout(1s, [&] { ++timeouts; }));
    CHECK(s.select() == 0);
    CHECK(s.select() == 0);
    CHECK(s.select() == 1);
    CHECK(timeouts == 1);
    REQUIRE(next);
    CHECK(*next == "b");
    CHECK(*rx.receive() == "a");
    CHECK(*rx.receive() == "b");
    CHECK(throws<std::out_of_range>([&] { s.disable(2); }));
  });
}

namespace {

// Two channels without buffers, which may be offered the same variable.
template <class T>
struct two_channels {
  structio::channel<T> a = open_channel<T>(0);
  structio::channel<T> b = open_channel<T>(0);
};

// Cases for `value` at both, in one call or in a selector.
template <class T>
std::size_t offer_to_both(two_channels<T>& c, T& value, bool again) {
  if (!again) {
    return select(on_send(c.a.tx, std::move(value)), on_send(c.b.tx, std::move(value)),
                  on_timeout(1s));
  }
  structio::selector s;
  s.add(on_send(c.a.tx, std::ref(value)));
  s.add(on_send(c.b.tx, std::ref(value)));
  s.add(on_timeout(1s));
  return s.select();
}

}  // namespace

TEST_CASE("one variable that is offered to several is sent to one of them, once") {
  face::run([] {
    two_channels<std::string> c;
    for (const bool again : {false, true}) {
      std::string value(100, 'v');
      CHECK(offer_to_both(c, value, again) == 2);
      CHECK(value == std::string(100, 'v'));
      for (std::size_t to : {0U, 1U}) {
        value.assign(100, 'v');
        std::string got;
        open_nursery([&](structio::nursery& n) {
          n.start_soon([&] { got = (to == 0 ? c.a : c.b).rx.receive(); });
          settle();
          CHECK(offer_to_both(c, value, again) == to);
        });
        CHECK(got == std::string(100, 'v'));
        CHECK(value.empty());
      }
    }
  });
}

TEST_CASE("one variable that is offered to several comes back when the call fails") {
  face::run([] {
    two_channels<bulky> c;
    bulky value(7);
    structio::move_on_after(500ms, [&] { offer_to_both(c, value, false); });
    CHECK(value.number == 7);
    CHECK(throws<std::invalid_argument>([&] {
      select(on_send(c.a.tx, std::move(value)), on_send(c.b.tx, std::move(value)), on_timeout(-1s));
    }));
    CHECK(value.number == 7);
    c.b.rx.close();
    CHECK(throws<structio::broken_error>([&] { offer_to_both(c, value, true); }));
    CHECK(value.number == 7);
  });
}

TEST_CASE("a selector is one task's at a time") {
  face::run([] {
    auto c = open_channel<int>(0);
    structio::selector s;
    ints got;
    const auto busy = [&] {
      return throws<structio::busy_error>([&] { s.select(); }) &&
             throws<structio::busy_error>([&] { return s.try_select(); }) &&
             throws<structio::busy_error>([&] { s.add(on_timeout(1s)); });
    };
    s.add(on_receive(c.rx, [&](int v) {
      got.push_back(v);
      if (v == 1) s.select();  // the call is over for the selector when handlers run
    }));
    open_nursery([&](structio::nursery& n) {
      n.start_soon([&] { s.select(); });
      settle();
      CHECK(busy());
      c.tx.send(1);
      settle();
      CHECK(busy());
      c.tx.send(2);
    });
    structio::move_on_after(1s, [&] { s.select(); });
    CHECK_FALSE(s.try_select());
    CHECK(got == ints{1, 2});
  });
}
