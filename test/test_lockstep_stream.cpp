// Streams without a buffer: a send ends when all of it has been received.
#include <span>
#include <string>

#include <structio/testing/memory_stream.hpp>

#include "support/face.hpp"

using namespace face;
using structio::any_stream;
using structio::nursery;
using structio::open_nursery;
using structio::testing::lockstep_stream_one_way_pair;
using structio::testing::lockstep_stream_pair;
using structio::testing::wait_all_tasks_blocked;

namespace {

std::string receive(any_stream& from, std::size_t most = 1000) {
  std::string data(most, '\0');
  data.resize(from.receive_some(std::span<char>(data)));
  return data;
}

// A fixed sequence, the same for every run with one seed.
class dice {
 public:
  explicit dice(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::size_t below(std::size_t n) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::size_t>(state_ >> 33) % n;
  }

 private:
  std::uint64_t state_;
};

}  // namespace

TEST_CASE("a send waits until all of it was taken", "[CONF-01][CONF-13]") {
  face::run([] {
    auto pair = lockstep_stream_one_way_pair();
    bool sent = false;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        pair.first.send_all("12345");
        sent = true;
      });
      wait_all_tasks_blocked();
      CHECK(receive(pair.second, 2) == "12");
      wait_all_tasks_blocked();
      CHECK_FALSE(sent);
      CHECK(receive(pair.second) == "345");
    });
    CHECK(sent);
    pair.first.close();
    CHECK(receive(pair.second).empty());
  });
}

TEST_CASE("it might not block once somebody receives", "[CONF-05][CONF-13][CONF-15]") {
  face::run([] {
    auto pair = lockstep_stream_pair();
    bool may = false;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        pair.first.wait_send_might_not_block();
        may = true;
        pair.first.send_all("now");
      });
      wait_all_tasks_blocked();
      CHECK_FALSE(may);
      CHECK(receive(pair.second) == "now");
    });
    open_nursery([&](nursery& n) {
      n.start_soon([&] { pair.first.wait_send_might_not_block(); });
      wait_all_tasks_blocked();
      pair.second.close();
    });
    CHECK(throws<structio::broken_error>([&] { pair.first.send_all("x"); }));
  });
}

TEST_CASE("closing ends the waits of both ends", "[CONF-12][CONF-16][CONF-06]") {
  face::run([] {
    auto a = lockstep_stream_pair();
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(throws<structio::closed_error>([&] { receive(a.first); })); });
      n.start_soon([&] { CHECK(receive(a.second).empty()); });
      wait_all_tasks_blocked();
      a.first.close();
    });
    auto b = lockstep_stream_pair();
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(throws<structio::broken_error>([&] { b.first.send_all("x"); })); });
      wait_all_tasks_blocked();
      b.second.close();
    });
    auto c = lockstep_stream_pair();
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(throws<structio::closed_error>([&] { c.first.send_all("x"); })); });
      wait_all_tasks_blocked();
      c.first.close();
    });
    CHECK(receive(c.second).empty());
  });
}

TEST_CASE("who closes while he sends hands nothing over any more", "[CONF-09]") {
  face::run([] {
    auto pair = lockstep_stream_pair();
    open_nursery([&](nursery& n) {
      n.start_soon(
          [&] { CHECK(throws<structio::closed_error>([&] { pair.first.send_all("secret"); })); });
      wait_all_tasks_blocked();
      CHECK(structio_stream_free(pair.first.native()) == 0);
      CHECK(receive(pair.second).empty());
    });
  });
}

TEST_CASE("a send is complete when all of it was received, whoever closes then", "[CONF-01]") {
  face::run([] {
    auto pair = lockstep_stream_pair();
    char data[4];
    open_nursery([&](nursery& n) {
      n.start_soon([&] { pair.first.send_all("all"); });
      wait_all_tasks_blocked();
      open_nursery([&](nursery& both) {
        both.start_soon([&] {
          // Before the sender's task runs: receiving gives way first, freeing does not.
          CHECK(pair.second.receive_some(std::span<char>(data)) == 3);
          CHECK(structio_stream_free(pair.first.native()) == 0);
        });
      });
    });
  });
}

TEST_CASE("cancelled at any instant, what was received is a prefix of what was sent",
          "[CONF-11][FIB-12]") {
  face::run([] {
    dice random(support::seed());
    for (int round = 0; round < 2000; ++round) {
      auto pair = lockstep_stream_pair();
      const std::string message = "the whole of a message";
      std::string got;
      bool whole = false;
      structio::cancel_scope sending;
      structio::cancel_scope receiving;
      open_nursery([&](nursery& n) {
        n.start_soon([&] {
          sending.run([&] {
            try {
              pair.first.send_all(message);
              whole = true;
            } catch (const structio::broken_error&) {
              // The receiver was cancelled first, and has closed.
            }
          });
          pair.first.close();
        });
        n.start_soon([&] {
          receiving.run([&] {
            for (std::string piece = receive(pair.second, 1 + random.below(9)); !piece.empty();
                 piece = receive(pair.second, 1 + random.below(9))) {
              got += piece;
            }
          });
          pair.second.close();
        });
        const std::size_t steps = random.below(12);
        for (std::size_t i = 0; i < steps; ++i) structio::checkpoint();
        (random.below(2) == 0 ? sending : receiving).cancel();
      });
      CHECK(message.compare(0, got.size(), got) == 0);
      if (whole) CHECK(got.size() == message.size());
    }
  });
}
