// Channels and broadcasts held wrong: each refusal has its code and its words, and does nothing.
#include <structio/structio_channel.h>

#include <cstdint>
#include <limits>
#include <thread>

#include "support/channels.hpp"
#include "support/leaks.hpp"
#include "support/refusals.hpp"

using namespace channels;

namespace {

struct int_broadcast {
  int_broadcast() {
    const structio_item_type type = int_type();
    CHECK(structio_broadcast_new(&type, 2, STRUCTIO_LAG_WAIT, &raw) == 0);
    CHECK(structio_broadcast_subscribe(raw, &sub) == 0);
  }
  int_broadcast(const int_broadcast&) = delete;
  int_broadcast& operator=(const int_broadcast&) = delete;
  ~int_broadcast() {
    structio_subscription_free(sub);
    structio_broadcast_free(raw);
  }
  structio_broadcast* raw = nullptr;
  structio_subscription* sub = nullptr;
};

// Every function, called as it should be, with the objects of `c` and `b`.
std::vector<guarded_call> every_call(const int_channel& c, const int_broadcast& b) {
  static int item = 0;
  static structio_sender* tx = nullptr;
  static structio_receiver* rx = nullptr;
  static structio_subscription* sub = nullptr;
  static structio_channel_statistics channel{sizeof channel, 0, 0, 0, 0, 0, 0, 0};
  static structio_broadcast_statistics cast{sizeof cast, 0, 0, 0, 0, 0, 0, 0, 0};
  static structio_subscription_statistics behind{sizeof behind, 0, 0};
  return {
      {"structio_sender_send", [&] { return structio_sender_send(c.tx, &item); }},
      {"structio_receiver_receive", [&] { return structio_receiver_receive(c.rx, &item); }},
      {"structio_receiver_receive_batch",
       [&] { return structio_receiver_receive_batch(c.rx, &item, 1); }},
      {"structio_broadcast_send", [&] { return structio_broadcast_send(b.raw, &item); }},
      {"structio_subscription_receive",
       [&] { return structio_subscription_receive(b.sub, &item, nullptr); }},
      {"structio_sender_try_send", [&] { return structio_sender_try_send(c.tx, &item); }},
      {"structio_receiver_try_receive", [&] { return structio_receiver_try_receive(c.rx, &item); }},
      {"structio_receiver_try_receive_batch",
       [&] { return structio_receiver_try_receive_batch(c.rx, &item, 1); }},
      {"structio_sender_clone", [&] { return structio_sender_clone(c.tx, &tx); }},
      {"structio_receiver_clone", [&] { return structio_receiver_clone(c.rx, &rx); }},
      {"structio_sender_close", [&] { return structio_sender_close(c.tx); }},
      {"structio_receiver_close", [&] { return structio_receiver_close(c.rx); }},
      {"structio_sender_get_statistics",
       [&] { return structio_sender_get_statistics(c.tx, &channel); }},
      {"structio_receiver_get_statistics",
       [&] { return structio_receiver_get_statistics(c.rx, &channel); }},
      {"structio_broadcast_try_send", [&] { return structio_broadcast_try_send(b.raw, &item); }},
      {"structio_broadcast_subscribe", [&] { return structio_broadcast_subscribe(b.raw, &sub); }},
      {"structio_broadcast_close", [&] { return structio_broadcast_close(b.raw); }},
      {"structio_broadcast_get_statistics",
       [&] { return structio_broadcast_get_statistics(b.raw, &cast); }},
      {"structio_subscription_try_receive",
       [&] { return structio_subscription_try_receive(b.sub, &item, nullptr); }},
      {"structio_subscription_close", [&] { return structio_subscription_close(b.sub); }},
      {"structio_subscription_get_statistics",
       [&] { return structio_subscription_get_statistics(b.sub, &behind); }},
  };
}

constexpr std::size_t blocking_calls = 5;  // the first of them

}  // namespace

TEST_CASE("without a run there is nothing to do but free") {
  const structio_item_type type = int_type();
  structio_sender* tx = nullptr;
  structio_receiver* rx = nullptr;
  structio_broadcast* b = nullptr;
  CHECK(structio_channel_new(&type, 0, &tx, &rx) == STRUCTIO_ENOTASK);
  CHECK(structio_broadcast_new(&type, 1, 0, &b) == STRUCTIO_ENOTASK);
  in_task([] {
    const int_channel c(1);
    const int_broadcast held;
    std::vector<std::string> wrong;
    std::thread([&] { wrong = not_refused(every_call(c, held), "run"); }).join();
    CHECK(wrong == std::vector<std::string>{});
  });
}

TEST_CASE("what waits is refused outside of tasks") {
  in_task([] {
    const int_channel c(1);
    const int_broadcast held;
    struct shared {
      std::vector<guarded_call> calls;
      std::vector<std::string> wrong;
      bool done = false;
    } s{every_call(c, held), {}};
    s.calls.resize(blocking_calls);
    structio_portal* portal = nullptr;
    structio_portal_new(&portal);
    structio_portal_post(
        portal,
        [](void* arg) {
          auto& given = *static_cast<shared*>(arg);
          given.wrong = not_refused(given.calls, "outside of tasks");
          given.done = true;
          return 0;
        },
        &s);
    while (!s.done) structio_checkpoint();
    CHECK(s.wrong == std::vector<std::string>{});
    structio_portal_free(portal);
  });
}

TEST_CASE("another run's channel is refused, with the way to reach it") {
  in_task([] {
    const int_channel c(1);
    const int_broadcast held;
    const std::vector<guarded_call> calls = every_call(c, held);
    std::thread([&] {
      in_task([&] {
        for (const guarded_call& one : calls) {
          INFO(one.name);
          CHECK(refused(one.call(), STRUCTIO_EMISUSE, {one.name, "another run", "portal"}));
        }
        CHECK(refused(structio_sender_free(c.tx), STRUCTIO_EMISUSE, {"portal"}));
        CHECK(refused(structio_receiver_free(c.rx), STRUCTIO_EMISUSE, {"portal"}));
        CHECK(refused(structio_broadcast_free(held.raw), STRUCTIO_EMISUSE, {"portal"}));
        CHECK(refused(structio_subscription_free(held.sub), STRUCTIO_EMISUSE, {"portal"}));
      });
    }).join();
    CHECK(line(statistics(c.tx)) == "0/1 1+1 0+0 0");
  });
}

TEST_CASE("NULL for anything") {
  in_task([] {
    const int_channel c(1);
    const int_broadcast b;
    const structio_item_type type = int_type();
    structio_sender* tx = nullptr;
    structio_receiver* rx = nullptr;
    structio_broadcast* cast = nullptr;
    const auto null = [](int64_t status, const char* what) {
      return refused(status, STRUCTIO_EINVALID, {what, "NULL"});
    };
    CHECK(null(structio_channel_new(nullptr, 0, &tx, &rx), "type"));
    CHECK(null(structio_channel_new(&type, 0, nullptr, &rx), "tx"));
    CHECK(null(structio_channel_new(&type, 0, &tx, nullptr), "rx"));
    CHECK(null(structio_sender_send(nullptr, &tx), "handle"));
    CHECK(null(structio_sender_send(c.tx, nullptr), "item"));
    CHECK(null(structio_sender_try_send(c.tx, nullptr), "item"));
    CHECK(null(structio_receiver_receive(nullptr, &tx), "handle"));
    CHECK(null(structio_receiver_receive(c.rx, nullptr), "slot"));
    CHECK(null(structio_receiver_try_receive(c.rx, nullptr), "slot"));
    CHECK(null(structio_receiver_receive_batch(c.rx, nullptr, 1), "slots"));
    CHECK(null(structio_receiver_try_receive_batch(c.rx, nullptr, 1), "slots"));
    CHECK(null(structio_sender_clone(c.tx, nullptr), "out"));
    CHECK(null(structio_receiver_clone(c.rx, nullptr), "out"));
    CHECK(null(structio_sender_clone(nullptr, &tx), "handle"));
    CHECK(null(structio_sender_close(nullptr), "handle"));
    CHECK(null(structio_sender_get_statistics(c.tx, nullptr), "out"));
    CHECK(null(structio_broadcast_new(nullptr, 1, 0, &cast), "type"));
    CHECK(null(structio_broadcast_new(&type, 1, 0, nullptr), "out"));
    CHECK(null(structio_broadcast_send(b.raw, nullptr), "item"));
    CHECK(null(structio_broadcast_try_send(b.raw, nullptr), "item"));
    CHECK(null(structio_broadcast_subscribe(b.raw, nullptr), "out"));
    CHECK(null(structio_broadcast_get_statistics(b.raw, nullptr), "out"));
    CHECK(null(structio_subscription_receive(b.sub, nullptr, nullptr), "slot"));
    CHECK(null(structio_subscription_try_receive(b.sub, nullptr, nullptr), "slot"));
    CHECK(null(structio_subscription_get_statistics(b.sub, nullptr), "out"));
    CHECK(structio_sender_free(nullptr) == 0);
    CHECK(structio_receiver_free(nullptr) == 0);
    CHECK(structio_broadcast_free(nullptr) == 0);
    CHECK(structio_subscription_free(nullptr) == 0);
  });
}

TEST_CASE("items that are none, sizes beyond all bounds") {
  in_task([] {
    structio_sender* tx = nullptr;
    structio_receiver* rx = nullptr;
    structio_broadcast* cast = nullptr;
    structio_item_type type = int_type();
    type.struct_size = 0;
    CHECK(refused(structio_channel_new(&type, 0, &tx, &rx), STRUCTIO_EINVALID, {"struct_size"}));
    type = int_type();
    type.size = 0;
    CHECK(refused(structio_channel_new(&type, 0, &tx, &rx), STRUCTIO_EINVALID, {"size", "0"}));
    type.size = SIZE_MAX;
    CHECK(refused(structio_channel_new(&type, 0, &tx, &rx), STRUCTIO_EINVALID, {"size"}));
    type = int_type();
    type.destroy = [](void*) {};
    CHECK(refused(structio_broadcast_new(&type, 1, 0, &cast), STRUCTIO_EINVALID, {"copy"}));
    type = int_type();
    CHECK(refused(structio_broadcast_new(&type, 0, 0, &cast), STRUCTIO_EINVALID, {"at least 1"}));
    CHECK(
        refused(structio_broadcast_new(&type, 1, 3, &cast), STRUCTIO_EINVALID, {"STRUCTIO_LAG_"}));
    const int_channel c(INT64_MAX - 1);
    CHECK(refused(structio_receiver_receive_batch(c.rx, &type, 0), STRUCTIO_EINVALID,
                  {"batch", "0"}));
    structio_channel_statistics few{};
    CHECK(refused(structio_sender_get_statistics(c.tx, &few), STRUCTIO_EINVALID, {"struct_size"}));
  });
}

TEST_CASE("an item for which there is no memory is not sent") {
  in_task([] {
    structio_item_type type = int_type();
    type.size = PTRDIFF_MAX / 3;
    structio_sender* tx = nullptr;
    structio_receiver* rx = nullptr;
    CHECK(structio_channel_new(&type, STRUCTIO_UNLIMITED, &tx, &rx) == 0);
    int item = 0;  // never read: there is nowhere to put it
    CHECK(refused(structio_sender_send(tx, &item), STRUCTIO_ENOMEM, {"no memory"}));
    CHECK(statistics(tx).buffer_used == 0);
    structio_sender_free(tx);
    structio_receiver_free(rx);
    structio_broadcast* b = nullptr;
    structio_subscription* sub = nullptr;
    CHECK(structio_broadcast_new(&type, 10, 0, &b) == 0);
    CHECK(structio_broadcast_subscribe(b, &sub) == 0);
    CHECK(refused(structio_broadcast_send(b, &item), STRUCTIO_ENOMEM, {"no memory"}));
    structio_subscription_free(sub);
    structio_broadcast_free(b);
  });
}

TEST_CASE("a handle that was freed, or is of the other kind") {
  in_task([] {
    int_channel c(1);
    structio_sender* tx = std::exchange(c.tx, nullptr);
    CHECK(structio_sender_free(tx) == 0);
    CHECK(refused(structio_sender_free(tx), STRUCTIO_ESTALE, {"structio_sender_free", "freed"}));
    CHECK(refused(send(tx, 1), STRUCTIO_ESTALE, {"structio_sender_send", "freed"}));
    CHECK(structio_sender_close(tx) == STRUCTIO_ESTALE);
    auto* wrong = reinterpret_cast<structio_sender*>(c.rx);
    CHECK(refused(send(wrong, 1), STRUCTIO_ESTALE, {"no handle of this kind"}));
    CHECK(receive(c.rx) == STRUCTIO_EEND);
  });
}

namespace {

// What an item's own functions try, and how each was answered.
struct culprit {
  int_channel* other = nullptr;
  structio_sender* tx = nullptr;
  structio_receiver* rx = nullptr;
  ints codes;
};
culprit guilty;

void move_and_meddle(void* to, void* from) {
  std::memcpy(to, from, sizeof(int));
  int item = 5;
  guilty.codes = {structio_sender_try_send(guilty.tx, &item),
                  structio_receiver_try_receive(guilty.rx, &item),
                  structio_sender_close(guilty.tx),
                  structio_receiver_free(guilty.rx),
                  structio_checkpoint(),
                  structio_sender_send(guilty.other->tx, &item),
                  structio_sender_try_send(guilty.other->tx, &item)};
}

}  // namespace

TEST_CASE("a function of an item neither waits nor uses its channel") {
  in_nursery([](structio_nursery& n) {
    int_channel other(9);
    structio_item_type type = int_type();
    type.move = move_and_meddle;
    guilty.other = &other;
    for (const int64_t capacity : {0, 1}) {
      CHECK(structio_channel_new(&type, capacity, &guilty.tx, &guilty.rx) == 0);
      once receiving(guilty.rx);
      begin(n, receiving);
      CHECK(send(guilty.tx, 1) == 0);
      CHECK(guilty.codes == ints{STRUCTIO_EMISUSE, STRUCTIO_EMISUSE, STRUCTIO_EMISUSE,
                                 STRUCTIO_EMISUSE, STRUCTIO_ENOTASK, STRUCTIO_ENOTASK, 0});
      settle();
      CHECK(receiving.result == 1);
      if (capacity == 1) {
        guilty.codes.clear();
        CHECK(send(guilty.tx, 2) == 0);
        CHECK(guilty.codes.front() == STRUCTIO_EMISUSE);
        guilty.codes.clear();
        CHECK(receive(guilty.rx) == 2);
        CHECK(guilty.codes.front() == STRUCTIO_EMISUSE);
      }
      CHECK(structio_sender_free(guilty.tx) == 0);
      CHECK(structio_receiver_free(guilty.rx) == 0);
    }
  });
}

TEST_CASE("whatever a copy function answers comes out, and the item stays") {
  in_task([] {
    static int answer = 0;
    structio_item_type type = int_type();
    type.copy = [](void* to, const void* from) {
      if (answer == 0) std::memcpy(to, from, sizeof(int));
      return answer;
    };
    structio_broadcast* b = nullptr;
    structio_subscription* one = nullptr;
    structio_subscription* two = nullptr;
    CHECK(structio_broadcast_new(&type, 2, STRUCTIO_LAG_WAIT, &b) == 0);
    CHECK(structio_broadcast_subscribe(b, &one) == 0);
    CHECK(structio_broadcast_subscribe(b, &two) == 0);
    int item = 7;
    CHECK(structio_broadcast_send(b, &item) == 0);
    for (const int code : {-5, static_cast<int>(STRUCTIO_EWOULDBLOCK)}) {
      answer = code;
      CHECK(structio_subscription_receive(one, &item, nullptr) == code);
      CHECK(structio_subscription_try_receive(one, &item, nullptr) == code);
    }
    answer = item = 0;
    CHECK(structio_subscription_receive(one, &item, nullptr) == 0);
    CHECK(item == 7);
    structio_subscription_free(one);
    structio_subscription_free(two);
    structio_broadcast_free(b);
  });
}
