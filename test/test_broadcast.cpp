// Broadcasts: everybody gets everything, what happens to who is slow, closing. Mostly through the
// face; what only the C ABI shows through that.
#include <structio/broadcast.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/channels.hpp"
#include "support/face.hpp"
#include "support/op_proof.hpp"

using structio::broadcast;
using structio::lag;
using structio::subscription;

namespace {

using ints = std::vector<int>;

template <class T>
std::vector<T> drain(subscription<T>& sub) {
  std::vector<T> all;
  while (auto item = sub.try_receive()) all.push_back(*std::move(item));
  return all;
}

// What is counted: how many there are, how often one was copied.
struct counted {
  static inline int living = 0;
  static inline int copies = 0;
  int value;
  explicit counted(int v) : value(v) { ++living; }
  counted(const counted& other) : value(other.value) {
    ++living;
    ++copies;
  }
  counted(counted&& other) noexcept : value(std::exchange(other.value, -1)) { ++living; }
  counted& operator=(const counted&) = default;
  counted& operator=(counted&&) = default;
  ~counted() { --living; }
};

// What cannot always be copied.
struct reluctant {
  static inline bool refuses = false;
  int value;
  explicit reluctant(int v) : value(v) {}
  reluctant(const reluctant& other) : value(other.value) {
    if (refuses) throw face::value_error("not now");
  }
  reluctant(reluctant&&) noexcept = default;
  reluctant& operator=(const reluctant&) = default;
  reluctant& operator=(reluctant&&) = default;
  ~reluctant() = default;
};

// Moving it may throw, so that it is boxed.
struct heavy {
  std::string text;
  explicit heavy(std::string t) : text(std::move(t)) {}
  heavy(const heavy&) = default;
  heavy(heavy&& other) noexcept(false) : text(std::move(other.text)) {}
  heavy& operator=(const heavy&) = default;
  heavy& operator=(heavy&&) = default;
  ~heavy() = default;
};

}  // namespace

TEST_CASE("every subscriber gets every item that is sent after it subscribed") {
  face::run([] {
    broadcast<std::string> b(8);
    b.send("nobody hears this");
    auto one = b.subscribe();
    b.send("first");
    auto two = b.subscribe();
    b.send("second");
    CHECK(drain(one) == std::vector<std::string>{"first", "second"});
    CHECK(drain(two) == std::vector<std::string>{"second"});
    CHECK_FALSE(one.try_receive());
    CHECK(one.missed() == 0);
  });
}

TEST_CASE("the loop over a subscription ends when the broadcast is closed") {
  face::run([] {
    std::vector<ints> got(3);
    structio::open_nursery([&](structio::nursery& n) {
      broadcast<int> b(2);
      for (ints& mine : got) {
        n.start_soon([&mine, sub = b.subscribe()]() mutable {
          for (const int item : sub) mine.push_back(item);
        });
      }
      for (int i = 0; i < 10; ++i) b.send(i);
    });
    for (const ints& mine : got) CHECK(mine == ints{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  });
}

TEST_CASE("an item lies in the ring once, and the last subscriber gets it itself") {
  face::run([] {
    broadcast<counted> b(4);
    auto one = b.subscribe();
    auto two = b.subscribe();
    auto three = b.subscribe();
    counted::copies = 0;
    b.send(counted(7));
    CHECK(counted::living == 1);
    CHECK(one.receive().value == 7);
    CHECK(two.receive().value == 7);
    CHECK(counted::copies == 2);
    CHECK(three.receive().value == 7);
    CHECK(counted::copies == 2);
    CHECK(counted::living == 0);
    b.send(counted(8));
    one.close();
    two.close();
    CHECK(counted::living == 1);
    three.close();
    CHECK(counted::living == 0);
    b.send(counted(9));
    CHECK(counted::living == 0);
  });
}

TEST_CASE("a patient sender waits for the slowest") {
  face::run([] {
    broadcast<int> b(2);
    auto quick = b.subscribe();
    auto slow = b.subscribe();
    b.send(1);
    b.send(2);
    CHECK(drain(quick) == ints{1, 2});
    int three = 3;
    CHECK_FALSE(b.try_send(three));
    bool sent = false;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        b.send(3);
        sent = true;
      });
      structio::testing::wait_all_tasks_blocked();
      CHECK_FALSE(sent);
      CHECK(b.statistics().waiting_senders == 1);
      CHECK(slow.receive() == 1);
      CHECK(b.statistics().waiting_senders == 0);
      CHECK_FALSE(b.try_send(4));
    });
    CHECK(sent);
    CHECK(drain(quick) == ints{3});
    CHECK(drain(slow) == ints{2, 3});
    CHECK(b.statistics().dropped == 0);
  });
}

TEST_CASE("a patient sender goes on when the slowest leaves") {
  face::run([] {
    broadcast<int> b(1);
    auto quick = b.subscribe();
    auto slow = b.subscribe();
    b.send(1);
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] { b.send(2); });
      n.start_soon([&] { b.send(3); });
      structio::testing::wait_all_tasks_blocked();
      CHECK(quick.receive() == 1);
      slow.close();
      CHECK(b.statistics().waiting_senders == 1);
      quick.close();
      CHECK(b.statistics().waiting_senders == 0);
    });
    CHECK(b.statistics().buffer_used == 0);
  });
}

TEST_CASE("who is slow misses the oldest, and is told how many, once") {
  face::run([] {
    broadcast<counted> b(3, lag::drop_oldest);
    auto slow = b.subscribe();
    auto quick = b.subscribe();
    for (int i = 0; i < 5; ++i) {
      b.send(counted(i));
      CHECK(quick.receive().value == i);
    }
    CHECK(slow.statistics().behind == 3);
    CHECK(slow.statistics().missed == 2);
    CHECK(slow.receive().value == 2);
    CHECK(slow.missed() == 2);
    CHECK(slow.receive().value == 3);
    CHECK(slow.missed() == 0);
    CHECK(slow.receive().value == 4);
    CHECK_FALSE(slow.try_receive());
    CHECK(slow.statistics().missed == 2);
    CHECK(quick.statistics().missed == 0);
    CHECK(b.statistics().dropped == 2);
    CHECK(counted::living == 0);
  });
}

TEST_CASE("what was taken by all is not dropped") {
  face::run([] {
    broadcast<counted> b(2, lag::drop_oldest);
    auto slow = b.subscribe();
    b.send(counted(1));
    auto late = b.subscribe();
    b.send(counted(2));
    slow.close();
    CHECK(late.receive().value == 2);
    for (int i = 3; i < 9; ++i) b.send(counted(i));
    CHECK(late.receive().value == 7);
    CHECK(late.missed() == 4);
    late.close();
    CHECK(counted::living == 0);
  });
}

TEST_CASE("who is too slow is disconnected, and nobody else") {
  face::run([] {
    broadcast<counted> b(2, lag::disconnect);
    auto slow = b.subscribe();
    auto quick = b.subscribe();
    for (int i = 0; i < 3; ++i) {
      b.send(counted(i));
      CHECK(quick.receive().value == i);
    }
    const auto error =
        face::thrown<structio::broken_error>([&] { static_cast<void>(slow.receive()); });
    REQUIRE(error);
    CHECK_THAT(error->what(), ContainsSubstring("too slow"));
    CHECK(face::throws<structio::broken_error>([&] { return slow.try_receive(); }));
    CHECK(b.statistics().subscriptions == 1);
    CHECK(b.statistics().disconnected == 1);
    CHECK(counted::living == 0);
    slow.close();
    CHECK(face::throws<structio::closed_error>([&] { return slow.try_receive(); }));
    b.send(counted(3));
    CHECK(quick.receive().value == 3);
  });
}

TEST_CASE("when everybody is too slow nobody is left") {
  face::run([] {
    broadcast<counted> b(1, lag::disconnect);
    auto one = b.subscribe();
    auto two = b.subscribe();
    b.send(counted(1));
    b.send(counted(2));
    CHECK(b.statistics().subscriptions == 0);
    CHECK(counted::living == 0);
    CHECK(face::throws<structio::broken_error>([&] { return one.try_receive(); }));
  });
}

TEST_CASE("a closed broadcast is drained, and then at its end") {
  face::run([] {
    std::optional<broadcast<int>> b(std::in_place, 4);
    auto sub = b->subscribe();
    b->send(1);
    b->close();
    b->close();
    int item = 2;
    CHECK(face::throws<structio::closed_error>([&] { b->send(item); }));
    CHECK(face::throws<structio::closed_error>([&] { return b->subscribe(); }));
    b.reset();
    CHECK(sub.receive() == 1);
    CHECK(face::throws<structio::end_of_channel>([&] { return sub.receive(); }));
    CHECK_FALSE(sub.receive_next());
  });
}

TEST_CASE("closing wakes those who wait at that very handle") {
  face::run([] {
    broadcast<int> b(1);
    auto one = b.subscribe();
    auto two = b.subscribe();
    std::string log;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        CHECK(face::throws<structio::closed_error>([&] { return one.receive(); }));
        log += "one ";
      });
      n.start_soon([&] {
        CHECK_FALSE(two.receive_next());
        log += "two ";
      });
      structio::testing::wait_all_tasks_blocked();
      CHECK(b.statistics().waiting_receivers == 2);
      one.close();
      structio::testing::wait_all_tasks_blocked();
      CHECK(log == "one ");
      b.close();
    });
    CHECK(log == "one two ");
  });
  face::run([] {
    broadcast<int> b(1);
    auto sub = b.subscribe();
    b.send(1);
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] { CHECK(face::throws<structio::closed_error>([&] { b.send(2); })); });
      structio::testing::wait_all_tasks_blocked();
      b.close();
    });
    CHECK(sub.receive() == 1);
    CHECK_FALSE(sub.receive_next());
  });
}

TEST_CASE("a subscription is one task's at a time") {
  face::run([] {
    broadcast<int> b(2);
    auto sub = b.subscribe();
    int got = 0;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] { got = sub.receive(); });
      structio::testing::wait_all_tasks_blocked();
      CHECK(face::throws<structio::busy_error>([&] { return sub.receive(); }));
      CHECK(b.try_send(5));
      // Woken but not run yet: the item is his already.
      CHECK(face::throws<structio::busy_error>([&] { return sub.try_receive(); }));
    });
    CHECK(got == 5);
  });
}

TEST_CASE("a cancelled receive has received nothing, a cancelled send sent nothing") {
  face::run([] {
    broadcast<counted> b(1);
    auto sub = b.subscribe();
    CHECK_FALSE(structio::move_on_after(std::chrono::seconds(1), [&] { sub.receive(); }));
    b.send(counted(1));
    counted kept(2);
    CHECK_FALSE(structio::move_on_after(std::chrono::seconds(1), [&] { b.send(std::move(kept)); }));
    CHECK(kept.value == 2);
    CHECK(sub.receive().value == 1);
    CHECK_FALSE(sub.try_receive());
  });
  CHECK(counted::living == 0);
}

TEST_CASE("what copying throws comes out of the receive, and the item stays") {
  face::run([] {
    broadcast<reluctant> b(2);
    auto one = b.subscribe();
    auto two = b.subscribe();
    b.send(reluctant(1));
    reluctant::refuses = true;
    structio::open_nursery([&](structio::nursery& n) {
      for (auto* sub : {&one, &two}) {
        n.start_soon(
            [sub] { CHECK(face::throws<face::value_error>([&] { return sub->receive(); })); });
      }
    });
    CHECK(face::throws<face::value_error>([&] { return one.try_receive(); }));
    reluctant::refuses = false;
    CHECK(one.receive().value == 1);
    reluctant::refuses = true;
    CHECK(two.receive().value == 1);  // the last one needs no copy
    reluctant::refuses = false;
  });
}

TEST_CASE("types whose move may throw travel in boxes") {
  face::run([] {
    broadcast<heavy> b(structio::unlimited);
    auto one = b.subscribe();
    auto two = b.subscribe();
    for (int i = 0; i < 300; ++i) b.send(heavy(std::string(100, 'x') + std::to_string(i)));
    for (int i = 0; i < 300; ++i) {
      REQUIRE(one.receive().text == std::string(100, 'x') + std::to_string(i));
      REQUIRE(two.receive().text == std::string(100, 'x') + std::to_string(i));
    }
    b.send(heavy("left behind"));
  });
}

TEST_CASE("handles of a broadcast that outlive the run") {
  std::optional<broadcast<counted>> b;
  std::optional<subscription<counted>> sub;
  face::run([&] {
    b.emplace(3);
    sub.emplace(b->subscribe());
    b->send(counted(1));
  });
  CHECK(face::throws<structio::usage_error>([&] { return sub->try_receive(); }));
  face::run([&] {
    CHECK(face::throws<structio::closed_error>([&] { return sub->try_receive(); }));
    CHECK(face::throws<structio::closed_error>([&] { b->send(counted(2)); }));
  });
  b.reset();
  CHECK(counted::living == 1);
  sub.reset();
  CHECK(counted::living == 0);
}

namespace {

void prove() {
  const structio_item_type type = channels::int_type();
  structio_broadcast* b = nullptr;
  structio_subscription* sub = nullptr;
  CHECK(structio_broadcast_new(&type, 1, STRUCTIO_LAG_WAIT, &b) == 0);
  CHECK(structio_broadcast_subscribe(b, &sub) == 0);
  int item = 1;
  uint64_t missed = 7;
  const auto send = [&] { return structio_broadcast_send(b, &item); };
  const auto receive = [&] { return structio_subscription_receive(sub, &item, &missed); };
  CHECK(op_proof::cancelled(send) == op_proof::aborted);
  CHECK(structio_subscription_try_receive(sub, &item, nullptr) == STRUCTIO_EWOULDBLOCK);
  CHECK(op_proof::halves([&] { CHECK(send() == 0); }) == 2);
  CHECK(op_proof::cancelled(receive) == op_proof::aborted);
  CHECK(missed == 7);
  CHECK(op_proof::halves([&] { CHECK(receive() == 0); }) == 2);
  CHECK(missed == 0);
  structio_broadcast_close(b);
  CHECK(op_proof::halves([&] { CHECK(send() == STRUCTIO_ECLOSED); }) == 2);
  CHECK(op_proof::halves([&] { CHECK(receive() == STRUCTIO_EEND); }) == 2);
  structio_subscription_free(sub);
  structio_broadcast_free(b);
}

const op_proof::area proof({{"structio_broadcast_send", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_subscription_receive", 1, STRUCTIO_EFFECT_NOTHING}},
                           prove);

}  // namespace
