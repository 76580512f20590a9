// Channels through the face: values that are moved, boxed or plain, handles that are copies, loops,
// batches, and what is thrown.
#include <structio/channel.hpp>
#include <structio/select.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/face.hpp"

using structio::open_channel;
using structio::receiver;
using structio::sender;

namespace {

using ints = std::vector<int>;
using text_pointer = std::unique_ptr<std::string>;

text_pointer text(const char* words) {
  return std::make_unique<std::string>(words);
}

void settle() {
  structio::testing::wait_all_tasks_blocked();
}

// Moving it may throw, and now and then does.
struct moody {
  static inline int living = 0;
  static inline bool throws = false;
  int value;
  explicit moody(int v) : value(v) { ++living; }
  moody(moody&& other) noexcept(false) : value(other.value) {
    if (throws) throw face::value_error("in a mood");
    ++living;
  }
  moody& operator=(moody&& other) noexcept(false) {
    value = other.value;
    return *this;
  }
  ~moody() { --living; }
};

struct alignas(64) wide {
  int value = 0;
};

// No assignment: put back by being made again.
struct fixed {
  const int value;
  std::string words;
};

// Cannot be assigned to, and moving it copies a part: it is offered as a copy.
struct labelled {
  const std::string label;
  std::string text;
};

// Nothing would bring it back.
struct stuck {
  stuck(stuck&&) noexcept(false) {}
};
static_assert(!structio::detail::can_be_offered<stuck>);
static_assert(structio::detail::can_be_offered<labelled>);

// Moving it may throw, whichever way.
struct throwing_assignment {
  explicit throwing_assignment(std::string words) : text(std::move(words)) {}
  throwing_assignment(throwing_assignment&& other) noexcept(false) : text(std::move(other.text)) {}
  throwing_assignment& operator=(throwing_assignment&& other) noexcept(false) {
    text = std::move(other.text);
    return *this;
  }
  std::string text;
};

}  // namespace

TEST_CASE("items are moved from hand to hand") {
  face::run([] {
    auto [tx, rx] = open_channel<text_pointer>(1);
    tx.send(text("one"));
    CHECK(*rx.receive() == "one");
    text_pointer mine = text("two");
    CHECK(tx.try_send(std::move(mine)));
    CHECK(mine == nullptr);
    text_pointer kept = text("three");
    CHECK_FALSE(tx.try_send(std::move(kept)));
    REQUIRE(kept != nullptr);
    CHECK(*kept == "three");
    CHECK(**rx.try_receive() == "two");
    CHECK_FALSE(rx.try_receive());
  });
}

TEST_CASE("a send that fails or is cancelled gives the value back", "[CHAN-23]") {
  face::run([] {
    auto [tx, rx] = open_channel<text_pointer>(0);
    text_pointer mine = text("mine");
    structio::move_on_after(std::chrono::seconds(1), [&, &tx = tx] { tx.send(std::move(mine)); });
    REQUIRE(mine != nullptr);
    rx.close();
    CHECK(face::throws<structio::broken_error>([&, &tx = tx] { tx.send(std::move(mine)); }));
    CHECK(*mine == "mine");
    tx.close();
    CHECK(face::throws<structio::closed_error>(
        [&, &tx = tx] { return tx.try_send(std::move(mine)); }));
    CHECK(*mine == "mine");
    auto other = open_channel<fixed>(0);
    fixed one{7, "words"};
    CHECK_FALSE(other.tx.try_send(std::move(one)));
    CHECK((one.value == 7 && one.words == "words"));
  });
}

TEST_CASE("types that are hard to move travel in boxes") {
  face::run([] {
    {
      auto c = open_channel<moody>(8);
      for (int i = 0; i < 5; ++i) c.tx.send(moody(i));
      CHECK(moody::living == 5);
      CHECK(c.rx.receive().value == 0);
      moody kept(7);
      moody::throws = true;
      CHECK(face::throws<face::value_error>([&] { c.tx.send(std::move(kept)); }));
      CHECK(face::throws<face::value_error>([&] { return c.rx.receive(); }));
      CHECK(face::throws<face::value_error>([&] { return c.rx.receive_batch(2); }));
      moody::throws = false;
      CHECK(c.rx.receive().value == 4);
      CHECK(moody::living == 1);
      c.tx.send(moody(8));
    }
    CHECK(moody::living == 0);
    auto c = open_channel<wide>(2);
    c.tx.send(wide{5});
    const wide got = c.rx.receive();
    CHECK(got.value == 5);
  });
}

TEST_CASE("a value that may throw when moved comes back all the same", "[CHAN-23]") {
  face::run([] {
    const std::string words(100, 'w');
    auto fixed_ones = open_channel<labelled>(0);
    labelled one{words, words};
    CHECK_FALSE(fixed_ones.tx.try_send(std::move(one)));
    CHECK((one.label == words && one.text == words));
    CHECK_FALSE(structio::try_select(structio::on_send(fixed_ones.tx, std::move(one))));
    CHECK((one.label == words && one.text == words));
    auto moving = open_channel<throwing_assignment>(0);
    throwing_assignment two{words};
    CHECK_FALSE(moving.tx.try_send(std::move(two)));
    CHECK(two.text == words);
    structio::move_on_after(std::chrono::seconds(1), [&] { moving.tx.send(std::move(two)); });
    CHECK(two.text == words);
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] { CHECK(fixed_ones.rx.receive().label == words); });
      n.start_soon([&] { CHECK(moving.rx.receive().text == words); });
      fixed_ones.tx.send(std::move(one));
      moving.tx.send(std::move(two));
    });
  });
}

TEST_CASE("a copy of a handle is an end of its own", "[CHAN-06][CHAN-12]") {
  face::run([] {
    std::optional<sender<int>> tx;
    std::optional<receiver<int>> rx;
    {
      auto c = open_channel<int>(4);
      tx.emplace(c.tx);
      rx.emplace(c.rx.clone());
      CHECK(c.tx.statistics().open_senders == 2);
      CHECK(c.tx.statistics().open_receivers == 2);
    }
    CHECK(rx->statistics().open_senders == 1);
    tx->send(1);
    sender<int> moved = *std::move(tx);
    CHECK(moved.statistics().open_senders == 1);
    CHECK(face::throws<std::invalid_argument>([&] { tx->send(2); }));
    moved = *std::exchange(tx, std::nullopt);  // an empty handle: closes
    CHECK(rx->receive() == 1);
    CHECK(face::throws<structio::end_of_channel>([&] { return rx->receive(); }));
    rx->close();
    CHECK(face::throws<structio::closed_error>([&] { return receiver<int>(*rx); }));
  });
}

TEST_CASE("the loop over a receiver ends with the last sender", "[CHAN-06]") {
  face::run([] {
    auto c = open_channel<std::string>(0);
    std::vector<std::string> seen;
    structio::open_nursery([&](structio::nursery& n) {
      for (const char* name : {"a", "b", "c"}) {
        n.start_soon([name, tx = c.tx]() mutable {
          for (int i = 0; i < 3; ++i) tx.send(name + std::to_string(i));
        });
      }
      { const sender<std::string> gone = std::move(c.tx); }
      for (std::string& word : c.rx) seen.push_back(std::move(word));
    });
    std::sort(seen.begin(), seen.end());
    CHECK(seen == std::vector<std::string>{"a0", "a1", "a2", "b0", "b1", "b2", "c0", "c1", "c2"});
    CHECK_FALSE(c.rx.receive_next());
  });
}

TEST_CASE("consumers share one receiver", "[CHAN-07]") {
  face::run([] {
    auto c = open_channel<int>(1);
    std::vector<ints> got(5);
    structio::open_nursery([&](structio::nursery& n) {
      for (ints& mine : got) {
        n.start_soon([&c, &mine] {
          for (const int item : c.rx) mine.push_back(item);
        });
      }
      for (int i = 0; i < 10; ++i) c.tx.send(i);
      c.tx.close();
    });
    ints all;
    for (const ints& mine : got) {
      CHECK_FALSE(mine.empty());
      all.insert(all.end(), mine.begin(), mine.end());
    }
    std::sort(all.begin(), all.end());
    CHECK(all == ints{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  });
}

TEST_CASE("a batch is of any length", "[UQ-01][UQ-02]") {
  face::run([] {
    auto c = open_channel<text_pointer>(structio::unlimited);
    CHECK(c.rx.try_receive_batch().empty());
    CHECK(face::throws<std::invalid_argument>([&] { return c.rx.receive_batch(0); }));
    for (int i = 0; i < 1000; ++i) c.tx.send(text("x"));
    CHECK(c.rx.receive_batch(3).size() == 3);
    CHECK(c.rx.receive_batch(500).size() == 500);
    CHECK(c.rx.receive_batch().size() == 497);
    std::vector<text_pointer> got;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] { got = c.rx.receive_batch(); });
      settle();
      for (int i = 0; i < 700; ++i) CHECK(c.tx.try_send(text("y")));
    });
    CHECK(got.size() == 700);
    c.tx.close();
    CHECK(face::throws<structio::end_of_channel>([&] { return c.rx.receive_batch(); }));
    CHECK(face::throws<structio::end_of_channel>([&] { return c.rx.try_receive_batch(); }));
  });
}

TEST_CASE("a channel that has let go of much memory begins anew", "[UQ-01]") {
  face::run([] {
    auto c = open_channel<std::int64_t>(structio::unlimited);
    const auto pass = [&](std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i) c.tx.send(i);
      for (std::int64_t i = 0; i < count; ++i) REQUIRE(c.rx.receive() == i);
      CHECK_FALSE(c.rx.try_receive());  // whoever finds it empty has it let go
    };
    pass(10000);
    pass(1000);
    pass(12000);
    CHECK(c.rx.statistics().peak_buffer_used == 12000);
  });
}

TEST_CASE("what is left in a channel is destroyed with it", "[CHAN-22]") {
  const auto held = std::make_shared<int>(1);
  face::run([&] {
    auto c = open_channel<std::shared_ptr<int>>(structio::unlimited);
    for (int i = 0; i < 100; ++i) c.tx.send(held);
    CHECK(held.use_count() == 101);
    c.rx.close();
    CHECK(held.use_count() == 1);
    CHECK(face::throws<structio::broken_error>([&] { c.tx.send(held); }));
    CHECK(held.use_count() == 1);
  });
}

TEST_CASE("a destructor may send and receive while the task is cancelled") {
  face::run([] {
    auto c = open_channel<int>(0);
    struct last_words {
      sender<int>& tx;
      ~last_words() { tx.send(99); }
    };
    int got = 0;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon(
          [&] { structio::shielded(std::chrono::seconds(10), [&] { got = c.rx.receive(); }); });
      settle();
      n.cancel_scope().cancel();
      const last_words words{c.tx};
      structio::checkpoint();
    });
    CHECK(got == 99);
  });
}

namespace {

// Three ways to make a lock of a channel: the token is received, the room is taken by sending, the
// lock is handed over without a buffer.
struct channel_lock {
  explicit channel_lock(int kind_of_lock)
      : kind(kind_of_lock), c(open_channel<char>(kind_of_lock == 3 ? 0 : 1)) {
    if (kind == 1) CHECK(c.tx.try_send('x'));
  }

  void lock() {
    if (kind == 1) {
      c.rx.receive();
    } else if (kind == 2 || std::exchange(held, true)) {
      c.tx.send('x');
    } else {
      structio::checkpoint();
    }
  }
  bool try_lock() {
    if (kind == 1) return c.rx.try_receive().has_value();
    return kind == 2 ? c.tx.try_send('x') : !std::exchange(held, true);
  }
  void unlock() {
    if (kind == 1) {
      CHECK(c.tx.try_send('x'));
    } else if (!c.rx.try_receive()) {
      held = false;
    }
  }

  int kind;
  bool held = false;
  structio::channel<char> c;
};

}  // namespace

TEST_CASE("a lock made of a channel lets one in at a time", "[LOCK-04]") {
  face::run([] {
    for (const int kind : {1, 2, 3}) {
      channel_lock lock(kind);
      int inside = 0;
      int times = 0;
      structio::open_nursery([&](structio::nursery& n) {
        for (int i = 0; i < 5; ++i) {
          n.start_soon([&] {
            for (int j = 0; j < 10; ++j) {
              lock.lock();
              CHECK(inside++ == 0);
              structio::checkpoint();
              structio::checkpoint();
              CHECK(inside-- == 1);
              ++times;
              lock.unlock();
            }
          });
        }
      });
      CHECK(times == 50);
    }
  });
}

TEST_CASE("nobody overtakes at a lock made of a channel", "[LOCK-05]") {
  face::run([] {
    for (const int kind : {1, 2, 3}) {
      channel_lock lock(kind);
      std::vector<int> order;
      structio::open_nursery([&](structio::nursery& n) {
        for (int i = 0; i < 3; ++i) {
          n.start_soon([&, i] {
            for (int j = 0; j < 5; ++j) {
              lock.lock();
              order.push_back(i);
              lock.unlock();
            }
          });
        }
      });
      REQUIRE(order.size() == 15);
      if (support::seed() != 0) continue;  // who asks first is then anybody's guess
      for (std::size_t i = 6; i < 15; ++i) CHECK(order[i] == order[i - 3]);
    }
  });
}

TEST_CASE("a lock made of a channel that was tried makes others wait", "[LOCK-06]") {
  face::run([] {
    for (const int kind : {1, 2, 3}) {
      channel_lock lock(kind);
      CHECK(lock.try_lock());
      bool acquired = false;
      structio::open_nursery([&](structio::nursery& n) {
        n.start_soon([&] {
          lock.lock();
          acquired = true;
        });
        settle();
        CHECK_FALSE(acquired);
        lock.unlock();
      });
      CHECK(acquired);
    }
  });
}
