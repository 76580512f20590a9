// Channels through the C ABI: capacity, order, hand-over, batches, statistics, what a cancelled
// call leaves behind. Closing has a file of its own.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "support/channels.hpp"
#include "support/op_proof.hpp"

using namespace channels;

TEST_CASE("a capacity is 0, a number or unlimited, never negative", "[CHAN-01]") {
  in_task([] {
    const structio_item_type type = int_type();
    structio_sender* tx = nullptr;
    structio_receiver* rx = nullptr;
    CHECK(structio_channel_new(&type, -1, &tx, &rx) == STRUCTIO_EINVALID);
    CHECK(says({"structio_channel_new", "negative", "STRUCTIO_UNLIMITED"}));
    CHECK((tx == nullptr && rx == nullptr));
    const int_channel none(0);
    const int_channel all(STRUCTIO_UNLIMITED);
    CHECK(line(statistics(all.tx)) == "0/" + std::to_string(INT64_MAX) + " 1+1 0+0 0");
  });
}

TEST_CASE("a buffer takes as many as it may hold, and gives them in order", "[CHAN-02]") {
  in_task([] {
    const int_channel c(2);
    CHECK(op_proof::halves([&] { CHECK(send(c.tx, 1) == 0); }) == 2);
    CHECK(try_send(c.tx, 2) == 0);
    CHECK(try_send(c.tx, 3) == STRUCTIO_EWOULDBLOCK);
    CHECK(says({"full"}));
    CHECK(op_proof::halves([&] { CHECK(receive(c.rx) == 1); }) == 2);
    CHECK(try_receive(c.rx) == 2);
    CHECK(try_receive(c.rx) == STRUCTIO_EWOULDBLOCK);
    CHECK(says({"empty"}));
  });
}

TEST_CASE("a receiver that has gone gets nothing", "[CHAN-05]") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(1);
    once impatient(c.rx);
    begin(n, impatient);
    structio_scope_cancel(&impatient.scope, nullptr);
    settle();
    CHECK(impatient.result == STRUCTIO_ECANCELLED);
    CHECK(send(c.tx, 7) == 0);
    CHECK(receive(c.rx) == 7);
  });
}

TEST_CASE("every producer's values come, and the loop ends by itself", "[CHAN-06]") {
  in_nursery([](structio_nursery& n) {
    int_channel c(0);
    struct producer {
      structio_sender* tx = nullptr;
      int number = 0;
      int operator()() {
        for (int i = 0; i < 3; ++i) CHECK(send(tx, number * 3 + i) == 0);
        return structio_sender_free(tx);
      }
    };
    std::array<producer, 10> all;
    for (int i = 0; i < 10; ++i) {
      producer& p = all[static_cast<std::size_t>(i)];
      p.number = i;
      CHECK(structio_sender_clone(c.tx, &p.tx) == 0);
      spawn(n, "producer", p);
    }
    CHECK(structio_sender_free(std::exchange(c.tx, nullptr)) == 0);
    ints seen(30);
    int item = 0;
    while ((item = receive(c.rx)) >= 0) ++seen[static_cast<std::size_t>(item)];
    CHECK(item == STRUCTIO_EEND);
    CHECK(seen == ints(30, 1));
  });
}

TEST_CASE("consumers share what comes", "[CHAN-07]") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(1);
    struct consumer {
      structio_receiver* rx = nullptr;
      ints got{};
      int operator()() {
        int item = 0;
        while ((item = receive(rx)) >= 0) got.push_back(item);
        return 0;
      }
    };
    std::array<consumer, 5> all;
    nursery_block([&](structio_nursery& inner) {
      for (consumer& one : all) {
        one.rx = c.rx;
        spawn(inner, "consumer", one);
      }
      for (int i = 0; i < 10; ++i) CHECK(send(c.tx, i) == 0);
      structio_sender_close(c.tx);
      return 0;
    });
    ints seen(10);
    for (const consumer& one : all) {
      CHECK_FALSE(one.got.empty());
      for (const int item : one.got) ++seen[static_cast<std::size_t>(item)];
    }
    CHECK(seen == ints(10, 1));
    static_cast<void>(n);
  });
}

TEST_CASE("both ends tell the same of the channel", "[CHAN-16]") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(2);
    const auto is = [&](const char* expected) {
      CHECK(line(statistics(c.tx)) == expected);
      CHECK(line(statistics(c.rx)) == expected);
    };
    is("0/2 1+1 0+0 0");
    try_send(c.tx, 1);
    is("1/2 1+1 0+0 1");
    structio_sender* tx = nullptr;
    structio_receiver* rx = nullptr;
    structio_sender_clone(c.tx, &tx);
    structio_receiver_clone(c.rx, &rx);
    is("1/2 2+2 0+0 1");
    structio_sender_free(tx);
    structio_receiver_close(rx);
    is("1/2 1+1 0+0 1");
    CHECK(line(statistics(rx)) == "1/2 1+1 0+0 1");
    structio_receiver_free(rx);
    try_send(c.tx, 2);
    once sending(c.tx, 3);
    begin(n, sending);
    is("2/2 1+1 1+0 2");
    for (int i = 1; i <= 3; ++i) CHECK(try_receive(c.rx) == i);
    once receiving(c.rx);
    begin(n, receiving);
    is("0/2 1+1 0+1 2");
    try_send(c.tx, 4);
    is("0/2 1+1 0+0 2");
    structio_channel_statistics part{};
    part.struct_size = offsetof(structio_channel_statistics, capacity);
    part.capacity = -7;
    CHECK(structio_sender_get_statistics(c.tx, &part) == 0);
    CHECK(part.capacity == -7);
    settle();
  });
}

TEST_CASE("the peak is the buffer's, and never falls", "[CHAN-17]") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(10);
    for (int i = 0; i < 3; ++i) try_send(c.tx, i);
    CHECK(statistics(c.rx).peak_buffer_used == 3);
    for (int i = 0; i < 3; ++i) CHECK(try_receive(c.rx) == i);
    CHECK(statistics(c.rx).peak_buffer_used == 3);
    std::vector<std::unique_ptr<once>> waiting;
    for (int i = 0; i < 5; ++i) begin(n, *waiting.emplace_back(std::make_unique<once>(c.rx)));
    for (int i = 0; i < 5; ++i) CHECK(try_send(c.tx, i) == 0);
    CHECK(statistics(c.rx).peak_buffer_used == 3);
    settle();
  });
}

TEST_CASE("who is cancelled waits no more, and nothing has moved", "[CHAN-18][CHAN-23]") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(0);
    once sending(c.tx, 5);
    begin(n, sending);
    CHECK(statistics(c.tx).waiting_senders == 1);
    structio_scope_cancel(&sending.scope, nullptr);
    CHECK(statistics(c.tx).waiting_senders == 0);
    settle();
    CHECK(sending.result == STRUCTIO_ECANCELLED);
    CHECK(try_receive(c.rx) == STRUCTIO_EWOULDBLOCK);

    once receiving(c.rx);
    begin(n, receiving);
    CHECK(statistics(c.tx).waiting_receivers == 1);
    structio_scope_cancel(&receiving.scope, nullptr);
    CHECK(statistics(c.tx).waiting_receivers == 0);
    settle();
    CHECK(receiving.result == STRUCTIO_ECANCELLED);
    CHECK(try_send(c.tx, 5) == STRUCTIO_EWOULDBLOCK);
  });
}

TEST_CASE("what was handed over is not lost to a cancellation that comes later", "[CHAN-23]") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(0);
    once receiving(c.rx);
    begin(n, receiving);
    CHECK(try_send(c.tx, 5) == 0);
    structio_scope_cancel(&receiving.scope, nullptr);
    settle();
    CHECK(receiving.result == 5);

    once sending(c.tx, 6);
    begin(n, sending);
    CHECK(try_receive(c.rx) == 6);
    structio_scope_cancel(&sending.scope, nullptr);
    settle();
    CHECK(sending.result == 0);
  });
}

TEST_CASE("an item sent to a waiting receiver belongs to it", "[CHAN-19]") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(1);
    once receiving(c.rx);
    begin(n, receiving);
    CHECK(try_send(c.tx, 1) == 0);
    CHECK(try_receive(c.rx) == STRUCTIO_EWOULDBLOCK);
    settle();
    CHECK(receiving.result == 1);
  });
}

TEST_CASE("room that appears belongs to the sender that waits", "[CHAN-20]") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(1);
    CHECK(try_send(c.tx, 1) == 0);
    once sending(c.tx, 2);
    begin(n, sending);
    CHECK(try_receive(c.rx) == 1);
    CHECK(try_send(c.tx, 3) == STRUCTIO_EWOULDBLOCK);
    settle();
    CHECK(sending.result == 0);
    CHECK(try_receive(c.rx) == 2);
  });
}

TEST_CASE("without a buffer items go from hand to hand", "[CHAN-21]") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(0);
    CHECK(try_receive(c.rx) == STRUCTIO_EWOULDBLOCK);
    CHECK(try_send(c.tx, 1) == STRUCTIO_EWOULDBLOCK);
    once sending(c.tx, 2);
    begin(n, sending);
    CHECK(op_proof::halves([&] { CHECK(receive(c.rx) == 2); }) == 2);
    settle();
    CHECK(sending.result == 0);
    once receiving(c.rx);
    begin(n, receiving);
    CHECK(op_proof::halves([&] { CHECK(send(c.tx, 3) == 0); }) == 2);
    settle();
    CHECK(receiving.result == 3);
    CHECK(statistics(c.tx).peak_buffer_used == 0);
  });
}

TEST_CASE("whoever waits longest is served first, at both ends") {
  const auto in_turn = [](structio_nursery& n) {
    const int_channel c(0);
    std::vector<std::unique_ptr<once>> tasks;
    for (int i = 0; i < 3; ++i) begin(n, *tasks.emplace_back(std::make_unique<once>(c.tx, i)));
    for (int i = 0; i < 3; ++i) CHECK(try_receive(c.rx) == i);
    for (int i = 3; i < 6; ++i) begin(n, *tasks.emplace_back(std::make_unique<once>(c.rx)));
    for (int i = 3; i < 6; ++i) CHECK(try_send(c.tx, i) == 0);
    settle();
    for (int i = 3; i < 6; ++i) CHECK(tasks[static_cast<std::size_t>(i)]->result == i);
  };
  in_nursery(in_turn);
}

TEST_CASE("a batch is all that is there", "[UQ-01]") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(STRUCTIO_UNLIMITED);
    CHECK(try_batch(c.rx, 10) == ints{STRUCTIO_EWOULDBLOCK});
    for (int i = 0; i < 5; ++i) try_send(c.tx, i);
    CHECK(statistics(c.rx).buffer_used == 5);
    CHECK(op_proof::halves([&] { CHECK(batch(c.rx, 10) == ints{0, 1, 2, 3, 4}); }) == 2);
    CHECK(statistics(c.rx).buffer_used == 0);
    for (int i = 0; i < 5; ++i) try_send(c.tx, i);
    CHECK(try_batch(c.rx, 3) == ints{0, 1, 2});
    CHECK(try_batch(c.rx, 3) == ints{3, 4});
    static_cast<void>(n);
  });
}

TEST_CASE("a batch takes what senders wait with", "[UQ-01]") {
  const auto in_turn = [](structio_nursery& n) {
    for (const int64_t capacity : {0, 2}) {
      const int_channel c(capacity);
      std::vector<std::unique_ptr<once>> tasks;
      for (int i = 0; i < 5; ++i) begin(n, *tasks.emplace_back(std::make_unique<once>(c.tx, i)));
      CHECK(batch(c.rx, 4) == ints{0, 1, 2, 3});
      CHECK(batch(c.rx, 4) == ints{4});
      settle();
      for (const auto& one : tasks) CHECK(one->result == 0);
      CHECK(line(statistics(c.tx)).substr(4) == "1+1 0+0 " + std::to_string(capacity));
    }
  };
  in_nursery(in_turn);
}

namespace {

struct batch_task {
  structio_receiver* rx = nullptr;
  size_t most = 100;
  std::vector<ints> got{};
  int rounds = 1;
  structio_scope scope{};
  int operator()() {
    return scope_block(scope, [this] {
      for (int i = 0; i < rounds; ++i) {
        got.push_back(batch(rx, most));
        if (got.back().front() < 0) return got.back().front() == STRUCTIO_EEND ? 0 : got.back()[0];
      }
      return 0;
    });
  }
};

}  // namespace

TEST_CASE("who waits for a batch gets what is sent in one go", "[UQ-02][UQ-04]") {
  in_nursery([](structio_nursery& n) {
    for (const int64_t capacity : {int64_t{0}, int64_t{3}, STRUCTIO_UNLIMITED}) {
      const int_channel c(capacity);
      batch_task waiting{c.rx};
      waiting.rounds = 3;
      spawn(n, "batch", waiting);
      settle();
      for (int i = 0; i < 3; ++i) CHECK(try_send(c.tx, i) == 0);
      CHECK(try_batch(c.rx, 1) == ints{STRUCTIO_EWOULDBLOCK});
      settle();
      CHECK(try_send(c.tx, 3) == 0);
      structio_sender_close(c.tx);
      settle();
      CHECK(waiting.got == std::vector<ints>{{0, 1, 2}, {3}, {STRUCTIO_EEND}});
    }
  });
}

TEST_CASE("two who wait for batches take turns", "[UQ-03]") {
  const auto in_turn = [](structio_nursery& n) {
    const int_channel c(STRUCTIO_UNLIMITED);
    batch_task one{c.rx};
    batch_task two{c.rx};
    one.rounds = two.rounds = 10;
    spawn(n, "one", one);
    settle();
    spawn(n, "two", two);
    settle();
    for (int i = 0; i < 10; ++i) {
      try_send(c.tx, i);
      CHECK(try_batch(c.rx, 1) == ints{STRUCTIO_EWOULDBLOCK});
      settle();
    }
    structio_sender_close(c.tx);
    settle();
    CHECK(one.got == std::vector<ints>{{0}, {2}, {4}, {6}, {8}, {STRUCTIO_EEND}});
    CHECK(two.got == std::vector<ints>{{1}, {3}, {5}, {7}, {9}, {STRUCTIO_EEND}});
  };
  in_nursery(in_turn);
}

TEST_CASE("a batch wakes no more than one who waits, until it is full", "[UQ-05]") {
  const auto in_turn = [](structio_nursery& n) {
    const int_channel c(STRUCTIO_UNLIMITED);
    batch_task one{c.rx};
    batch_task two{c.rx};
    one.most = two.most = 10;
    spawn(n, "one", one);
    settle();
    spawn(n, "two", two);
    settle();
    for (int i = 0; i < 10; ++i) try_send(c.tx, i);
    settle();
    CHECK(one.got == std::vector<ints>{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}});
    CHECK(two.got.empty());
    for (int i = 10; i < 23; ++i) try_send(c.tx, i);
    settle();
    CHECK(two.got == std::vector<ints>{{10, 11, 12, 13, 14, 15, 16, 17, 18, 19}});
    CHECK(try_batch(c.rx, 10) == ints{20, 21, 22});
  };
  in_nursery(in_turn);
}

TEST_CASE("a batch that was begun is not lost to a cancellation", "[CHAN-23]") {
  in_nursery([](structio_nursery& n) {
    const int_channel c(4);
    batch_task waiting{c.rx};
    spawn(n, "batch", waiting);
    settle();
    try_send(c.tx, 1);
    structio_scope_cancel(&waiting.scope, nullptr);
    try_send(c.tx, 2);
    settle();
    CHECK(waiting.got == std::vector<ints>{{1, 2}});
    try_send(c.tx, 3);
    CHECK(try_receive(c.rx) == 3);
  });
}

TEST_CASE("a ring grows, goes round and shrinks without losing the order") {
  in_task([] {
    for (const int64_t capacity : {int64_t{1}, int64_t{5}, int64_t{1000000000}}) {
      const int_channel c(capacity);
      int next_in = 0;
      int next_out = 0;
      for (int round = 1; round < 200; ++round) {
        const int many = capacity > 5 && round % 50 == 0 ? 100000 : round % 37;
        for (int i = 0; i < many; ++i) {
          if (try_send(c.tx, next_in) == 0) ++next_in;
        }
        const int out = round % 50 == 1 ? next_in - next_out : (round * 7) % 31;
        for (int i = 0; i < out && next_out < next_in; ++i) {
          REQUIRE(try_receive(c.rx) == next_out);
          ++next_out;
        }
        REQUIRE(statistics(c.rx).buffer_used == next_in - next_out);
      }
    }
  });
}

TEST_CASE("a hook may send and receive without waiting") {
  in_task([] {
    const int_channel c(0);
    struct shared {
      structio_sender* tx;
      int tried = 1;
      int waited = 0;
    } s{c.tx};
    structio_portal* portal = nullptr;
    structio_portal_new(&portal);
    structio_portal_post(
        portal,
        [](void* arg) {
          auto& held = *static_cast<shared*>(arg);
          held.tried = try_send(held.tx, 42);
          held.waited = send(held.tx, 43);
          return 0;
        },
        &s);
    CHECK(receive(c.rx) == 42);
    CHECK(s.tried == 0);
    CHECK(s.waited == STRUCTIO_ENOTASK);
    structio_portal_free(portal);
  });
}

namespace {

void prove() {
  const int_channel c(1);
  ints slots(2);
  const auto take = [&] { return structio_receiver_receive_batch(c.rx, slots.data(), 2); };
  CHECK(op_proof::cancelled([&] { return send(c.tx, 1); }) == op_proof::aborted);
  CHECK(statistics(c.tx).buffer_used == 0);
  CHECK(op_proof::halves([&] { CHECK(send(c.tx, 1) == 0); }) == 2);
  CHECK(op_proof::cancelled([&] { return receive(c.rx); }) == op_proof::aborted);
  CHECK(op_proof::cancelled(take) == op_proof::aborted);
  CHECK(statistics(c.tx).buffer_used == 1);
  CHECK(op_proof::halves([&] { CHECK(receive(c.rx) == 1); }) == 2);
  CHECK(send(c.tx, 2) == 0);
  CHECK(op_proof::halves([&] { CHECK(take() == 1); }) == 2);
  structio_sender_close(c.tx);
  structio_receiver* other = nullptr;
  structio_receiver_clone(c.rx, &other);
  structio_receiver_close(other);
  CHECK(op_proof::halves([&] { CHECK(send(c.tx, 2) == STRUCTIO_ECLOSED); }) == 2);
  CHECK(op_proof::halves([&] { CHECK(receive(c.rx) == STRUCTIO_EEND); }) == 2);
  CHECK(op_proof::halves([&] { CHECK(receive(other) == STRUCTIO_ECLOSED); }) == 2);
  CHECK(op_proof::halves([&] { CHECK(take() == STRUCTIO_EEND); }) == 2);
  structio_receiver_free(other);
}

const op_proof::area proof({{"structio_receiver_receive", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_receiver_receive_batch", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_sender_send", 1, STRUCTIO_EFFECT_NOTHING}},
                           prove);

}  // namespace
