// Closing channels: who is told what, what happens to items, clones, handles that outlive things.
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/channels.hpp"

using namespace channels;

namespace {

// Items that are counted: a move leaves raw memory, a destroy ends one.
struct counted {
  int value;
  int mark;
};

int living = 0;
int moved = 0;

structio_item_type counted_type() {
  structio_item_type type{};
  type.struct_size = sizeof type;
  type.size = sizeof(counted);
  type.move = [](void* to, void* from) {
    auto* source = static_cast<counted*>(from);
    CHECK(source->mark == 0x11fe);
    *static_cast<counted*>(to) = *source;
    source->mark = 0xdead;
    ++moved;
  };
  type.destroy = [](void* item) {
    auto* gone = static_cast<counted*>(item);
    CHECK(gone->mark == 0x11fe);
    gone->mark = 0xdead;
    --living;
  };
  return type;
}

counted make(int value) {
  ++living;
  return {value, 0x11fe};
}

struct counted_channel {
  explicit counted_channel(int64_t capacity) {
    const structio_item_type type = counted_type();
    CHECK(structio_channel_new(&type, capacity, &tx, &rx) == 0);
    living = moved = 0;
  }
  counted_channel(const counted_channel&) = delete;
  counted_channel& operator=(const counted_channel&) = delete;
  ~counted_channel() {
    structio_sender_free(tx);
    structio_receiver_free(rx);
  }
  structio_sender* tx = nullptr;
  structio_receiver* rx = nullptr;
};

}  // namespace

TEST_CASE("a closed receiver receives nothing, and is closed again for nothing", "[CHAN-04]") {
  in_task([] {
    const int_channel c(1);
    try_send(c.tx, 1);
    CHECK(structio_receiver_close(c.rx) == 0);
    CHECK(receive(c.rx) == STRUCTIO_ECLOSED);
    CHECK(says({"channel receive", "closed"}));
    CHECK(try_receive(c.rx) == STRUCTIO_ECLOSED);
    CHECK(batch(c.rx, 1) == ints{STRUCTIO_ECLOSED});
    CHECK(structio_receiver_close(c.rx) == 0);
  });
}

TEST_CASE("a sender that is closed while a task sends on it", "[CHAN-08][CHAN-11]") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(0);
    once sending(c.tx, 1);
    begin(n, sending);
    CHECK(structio_sender_close(c.tx) == 0);
    settle();
    CHECK(sending.result == STRUCTIO_ECLOSED);
    CHECK(send(c.tx, 2) == STRUCTIO_ECLOSED);
    CHECK(says({"channel send", "closed"}));
    CHECK(try_send(c.tx, 2) == STRUCTIO_ECLOSED);
    CHECK(receive(c.rx) == STRUCTIO_EEND);
    CHECK(says({"every sender", "drained"}));
    CHECK(try_receive(c.rx) == STRUCTIO_EEND);
    CHECK(structio_sender_close(c.tx) == 0);
  });
}

TEST_CASE("senders learn that nobody receives any more", "[CHAN-09][CHAN-11]") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(0);
    once sending(c.tx, 1);
    begin(n, sending);
    CHECK(structio_receiver_close(c.rx) == 0);
    settle();
    CHECK(sending.result == STRUCTIO_EBROKEN);
    CHECK(send(c.tx, 2) == STRUCTIO_EBROKEN);
    CHECK(says({"every receiver"}));
    CHECK(try_send(c.tx, 2) == STRUCTIO_EBROKEN);
  });
}

TEST_CASE("a receiver that is closed while a task receives on it", "[CHAN-10][CHAN-11]") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(0);
    once receiving(c.rx);
    begin(n, receiving);
    CHECK(structio_receiver_close(c.rx) == 0);
    settle();
    CHECK(receiving.result == STRUCTIO_ECLOSED);
    CHECK(receive(c.rx) == STRUCTIO_ECLOSED);
  });
}

TEST_CASE("what is buffered is received before the end") {
  in_task([] {
    int_channel c(3);
    for (int i = 0; i < 3; ++i) try_send(c.tx, i);
    structio_sender_free(std::exchange(c.tx, nullptr));
    CHECK(batch(c.rx, 2) == ints{0, 1});
    CHECK(receive(c.rx) == 2);
    CHECK(receive(c.rx) == STRUCTIO_EEND);
    CHECK(batch(c.rx, 2) == ints{STRUCTIO_EEND});
  });
}

TEST_CASE("a receiving side lives as long as one of its handles", "[CHAN-12]") {
  in_task([] {
    const int_channel c(0);
    structio_receiver* second = nullptr;
    structio_receiver* third = nullptr;
    CHECK(structio_receiver_clone(c.rx, &second) == 0);
    CHECK(structio_receiver_clone(second, &third) == 0);
    structio_receiver_close(c.rx);
    structio_receiver_close(second);
    structio_receiver* none = second;
    CHECK(structio_receiver_clone(c.rx, &none) == STRUCTIO_ECLOSED);
    CHECK(says({"cannot be cloned"}));
    CHECK(none == nullptr);
    CHECK(try_send(c.tx, 1) == STRUCTIO_EWOULDBLOCK);
    structio_receiver_close(third);
    CHECK(try_send(c.tx, 1) == STRUCTIO_EBROKEN);
    CHECK(send(c.tx, 1) == STRUCTIO_EBROKEN);
    structio_receiver_free(second);
    structio_receiver_free(third);
    structio_sender* clone = nullptr;
    structio_sender_close(c.tx);
    CHECK(structio_sender_clone(c.tx, &clone) == STRUCTIO_ECLOSED);
  });
}

TEST_CASE("closing a sender wakes those who wait at it, and nobody else", "[CHAN-13]") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(0);
    structio_sender* second = nullptr;
    CHECK(structio_sender_clone(c.tx, &second) == 0);
    once one(c.tx, 1);
    once two(second, 2);
    once three(c.tx, 3);
    begin(n, one);
    begin(n, two);
    begin(n, three);
    structio_sender_close(c.tx);
    settle();
    CHECK(one.result == STRUCTIO_ECLOSED);
    CHECK(two.result == 1);
    CHECK(three.result == STRUCTIO_ECLOSED);
    CHECK(receive(c.rx) == 2);
    settle();
    CHECK(two.result == 0);
    structio_sender_free(second);
  });
}

TEST_CASE("closing a receiver wakes those who wait at it, and nobody else", "[CHAN-14]") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(0);
    structio_receiver* second = nullptr;
    CHECK(structio_receiver_clone(c.rx, &second) == 0);
    once one(c.rx);
    once two(second);
    begin(n, one);
    begin(n, two);
    structio_receiver_close(c.rx);
    settle();
    CHECK(one.result == STRUCTIO_ECLOSED);
    CHECK(two.result == 1);
    CHECK(send(c.tx, 2) == 0);
    settle();
    CHECK(two.result == 2);
    structio_receiver_free(second);
  });
}

TEST_CASE("items that nobody can receive are destroyed, and their senders not told", "[CHAN-22]") {
  in_task([] {
    const counted_channel c(5);
    for (int i = 0; i < 5; ++i) {
      counted item = make(i);
      CHECK(structio_sender_send(c.tx, &item) == 0);
      CHECK(item.mark == 0xdead);
    }
    counted got{};
    CHECK(structio_receiver_receive(c.rx, &got) == 0);
    CHECK(got.value == 0);
    CHECK(living == 5);
    CHECK(structio_receiver_close(c.rx) == 0);
    CHECK(living == 1);
    counted item = make(7);
    CHECK(structio_sender_send(c.tx, &item) == STRUCTIO_EBROKEN);
    CHECK(item.mark == 0x11fe);
  });
}

TEST_CASE("without a buffer an item moves once, from the one frame to the other") {
  in_nursery([](structio_nursery&) {
    const counted_channel c(0);
    auto take = [&] {
      counted got{};
      CHECK(structio_receiver_receive(c.rx, &got) == 0);
      CHECK(got.value == 1);
      return 0;
    };
    nursery_block([&](structio_nursery& inner) {
      spawn(inner, "receiver", take);
      settle();
      counted item = make(1);
      CHECK(structio_sender_send(c.tx, &item) == 0);
      return 0;
    });
    CHECK(moved == 1);
  });
}

TEST_CASE("a send that fails leaves the item with its sender", "[CHAN-23]") {
  in_nursery([](structio_nursery&) {
    const counted_channel c(0);
    counted item = make(1);
    structio_scope scope;
    auto sending = [&] {
      return scope_block(scope, [&] { return structio_sender_send(c.tx, &item); });
    };
    nursery_block([&](structio_nursery& inner) {
      spawn(inner, "sender", sending);
      settle();
      structio_scope_cancel(&scope, nullptr);
      return 0;
    });
    CHECK(item.mark == 0x11fe);
    CHECK(structio_sender_try_send(c.tx, &item) == STRUCTIO_EWOULDBLOCK);
    structio_receiver_close(c.rx);
    CHECK(structio_sender_try_send(c.tx, &item) == STRUCTIO_EBROKEN);
    CHECK(item.mark == 0x11fe);
    CHECK(moved == 0);
  });
}

TEST_CASE("a handle that is freed while tasks wait at it ends their waits") {
  in_nursery([](structio_nursery& n) {
    int_channel c(0);
    once sending(c.tx, 1);
    begin(n, sending);
    CHECK(structio_sender_free(std::exchange(c.tx, nullptr)) == 0);
    CHECK(structio_receiver_free(std::exchange(c.rx, nullptr)) == 0);
    settle();
    CHECK(sending.result == STRUCTIO_ECLOSED);

    int_channel d(0);
    once receiving(d.rx);
    begin(n, receiving);
    CHECK(structio_receiver_free(std::exchange(d.rx, nullptr)) == 0);
    settle();
    CHECK(receiving.result == STRUCTIO_ECLOSED);
  });
}

TEST_CASE("a batch whose receiver is closed keeps what it has") {
  in_nursery([](structio_nursery&) {
    const int_channel c(4);
    structio_receiver* second = nullptr;
    structio_receiver_clone(c.rx, &second);
    ints got;
    auto take = [&] {
      got = batch(second, 10);
      return 0;
    };
    nursery_block([&](structio_nursery& inner) {
      spawn(inner, "batch", take);
      settle();
      try_send(c.tx, 1);
      structio_receiver_free(second);
      try_send(c.tx, 2);
      return 0;
    });
    CHECK(got == ints{1});
    CHECK(try_receive(c.rx) == 2);
  });
}

TEST_CASE("channels travel through channels, and go with them") {
  in_task([] {
    structio_item_type type = int_type();
    type.size = sizeof(structio_receiver*);
    type.destroy = [](void* item) {
      structio_receiver_free(*static_cast<structio_receiver**>(item));
    };
    structio_sender* tx = nullptr;
    structio_receiver* rx = nullptr;
    CHECK(structio_channel_new(&type, 4, &tx, &rx) == 0);
    int_channel inner(0);
    CHECK(structio_sender_try_send(tx, &inner.rx) == 0);
    inner.rx = nullptr;
    CHECK(try_send(inner.tx, 1) == STRUCTIO_EWOULDBLOCK);
    // The outer channel holds its own last receiver beside it, which must not end in a loop.
    structio_receiver* clone = nullptr;
    structio_receiver_clone(rx, &clone);
    CHECK(structio_sender_try_send(tx, &clone) == 0);
    structio_receiver_close(clone);
    CHECK(structio_receiver_free(rx) == 0);
    CHECK(try_send(inner.tx, 1) == STRUCTIO_EBROKEN);
    CHECK(structio_sender_free(tx) == 0);
  });
}

TEST_CASE("handles that outlive their run are good for nothing but freeing") {
  counted_channel* c = nullptr;
  in_task([&] {
    c = new counted_channel(2);
    counted item = make(1);
    CHECK(structio_sender_try_send(c->tx, &item) == 0);
  });
  CHECK(living == 1);
  in_task([&] {
    counted item = make(2);
    CHECK(structio_sender_send(c->tx, &item) == STRUCTIO_ECLOSED);
    CHECK(says({"structio_sender_send", "run", "ended"}));
    CHECK(structio_receiver_try_receive(c->rx, &item) == STRUCTIO_ECLOSED);
    CHECK(structio_receiver_close(c->rx) == STRUCTIO_ECLOSED);
    structio_sender* clone = nullptr;
    CHECK(structio_sender_clone(c->tx, &clone) == STRUCTIO_ECLOSED);
    --living;
  });
  std::thread([&] { delete c; }).join();
  CHECK(living == 0);
}

TEST_CASE("a clone that is closed by itself while many others wait") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(0);
    std::vector<structio_sender*> ends(50);
    std::vector<std::unique_ptr<once>> tasks;
    for (int i = 0; i < 50; ++i) {
      structio_sender*& end = ends[static_cast<std::size_t>(i)];
      structio_sender_clone(c.tx, &end);
      spawn(n, "sender", *tasks.emplace_back(std::make_unique<once>(end, i)));
    }
    settle();
    for (std::size_t i = 0; i < 50; i += 2) structio_sender_free(ends[i]);
    CHECK(statistics(c.rx).waiting_senders == 25);
    ints seen;
    for (int i = 0; i < 25; ++i) seen.push_back(receive(c.rx));
    settle();
    for (std::size_t i = 0; i < 50; ++i) {
      CHECK(tasks[i]->result == (i % 2 == 0 ? STRUCTIO_ECLOSED : 0));
    }
    for (std::size_t i = 1; i < 50; i += 2) structio_sender_free(ends[i]);
    structio_sender_close(c.tx);
    CHECK(receive(c.rx) == STRUCTIO_EEND);
  });
}
