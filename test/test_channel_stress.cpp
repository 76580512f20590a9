// Random programs of channels and broadcasts under many seeds: producers, consumers and meddlers
// who cancel, close and clone, in a shuffled order on a virtual clock. Whatever happens, no item is
// lost or doubled, an item of a failed send is still its sender's, the order of each sender is
// kept, and nobody is left waiting.
#include <structio/broadcast.hpp>
#include <structio/channel.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/face.hpp"

using structio::open_channel;
using structio::receiver;
using structio::sender;

namespace {

using std::chrono::nanoseconds;

enum class fate : char { made, sent, received, dropped };

struct world {
  explicit world(std::uint64_t seed) : random(seed) {}
  int pick(int below) { return static_cast<int>(random() % static_cast<std::uint64_t>(below)); }
  bool chance(int percent) { return pick(100) < percent; }
  void expect(bool holds, const char* what) {
    if (!holds && broken.empty()) broken = what;
  }

  std::mt19937_64 random;
  std::vector<fate> items;
  int living = 0;
  int begun = 0;
  int ended = 0;
  int received = 0;
  std::vector<structio::cancel_scope*> scopes;
  std::string broken;
};

// An item that knows its number, its sender and its place in that one's order; moved only.
class token {
 public:
  token(world& w, int from, int place)
      : w_(&w), id_(static_cast<int>(w.items.size())), from_(from), place_(place) {
    w.items.push_back(fate::made);
    ++w.living;
  }
  token(token&& other) noexcept
      : w_(std::exchange(other.w_, nullptr)),
        id_(other.id_),
        from_(other.from_),
        place_(other.place_) {}
  token& operator=(token&& other) noexcept {
    std::swap(w_, other.w_);
    std::swap(id_, other.id_);
    std::swap(from_, other.from_);
    std::swap(place_, other.place_);
    return *this;
  }
  ~token() {
    if (w_ == nullptr) return;
    --w_->living;
    if (state() == fate::sent) state() = fate::dropped;
  }

  explicit operator bool() const noexcept { return w_ != nullptr; }
  fate& state() const { return w_->items[static_cast<std::size_t>(id_)]; }
  int from() const { return from_; }
  int place() const { return place_; }

 private:
  world* w_;
  int id_;
  int from_;
  int place_;
};

// Runs `body` inside a scope that anybody may cancel, perhaps with a deadline.
template <class Body>
void exposed(world& w, Body&& body) {
  structio::cancel_scope scope;
  if (w.chance(40)) scope.set_timeout(nanoseconds(w.pick(300)));
  w.scopes.push_back(&scope);
  scope.run([&] {
    try {
      body();
    } catch (const structio::error&) {
      // Closed, broken or at its end: the ways in which things end here.
    }
  });
  std::erase(w.scopes, &scope);
}

void produce(world& w, sender<token> tx, int number) {
  ++w.begun;
  int place = 0;
  bool over = false;
  for (int i = w.pick(40); i > 0 && !over; --i) {
    exposed(w, [&] {
      for (int j = w.pick(8); j >= 0; --j) {
        token item(w, number, place++);
        over = true;
        // The fate is written before, since the receiver may read it before we go on.
        item.state() = fate::sent;
        struct unsent {
          token& item;
          ~unsent() {
            if (item) item.state() = fate::made;
          }
        } const at_end{item};
        if (w.chance(25)) {
          static_cast<void>(tx.try_send(std::move(item)));
        } else {
          tx.send(std::move(item));
        }
        over = false;
      }
    });
    over = over && !w.chance(70);
    if (w.chance(10)) structio::sleep(nanoseconds(w.pick(50)));
    if (w.chance(5)) tx = tx.clone();
    if (w.chance(1)) {
      tx.close();
      break;
    }
    if (w.chance(2)) break;
  }
  ++w.ended;
}

struct reader {
  std::vector<int> last;  // place of the last item from each sender, in this consumer

  void take(world& w, token item) {
    w.expect(static_cast<bool>(item), "an empty item was received");
    w.expect(item.state() == fate::sent, "received twice, or never sent");
    item.state() = fate::received;
    ++w.received;
    const auto from = static_cast<std::size_t>(item.from());
    if (last.size() <= from) last.resize(from + 1, -1);
    w.expect(last[from] < item.place(), "the order of a sender is not kept");
    last[from] = item.place();
  }
};

void consume(world& w, receiver<token> rx) {
  ++w.begun;
  reader mine;
  bool end = false;
  while (!end) {
    end = w.chance(1);
    exposed(w, [&] {
      end = true;
      const int how = w.pick(4);
      for (int j = w.pick(8); j >= 0; --j) {
        if (how == 0) {
          for (token& item : rx.receive_batch(static_cast<std::size_t>(1 + w.pick(9)))) {
            mine.take(w, std::move(item));
          }
        } else if (how == 1) {
          if (auto item = rx.try_receive()) mine.take(w, *std::move(item));
          structio::checkpoint();
        } else {
          mine.take(w, rx.receive());
        }
      }
      end = false;
    });
    if (end && w.chance(50)) end = rx.statistics().open_senders == 0;
    if (w.chance(2)) rx = rx.clone();
    if (w.chance(1)) break;
    structio::checkpoint();
  }
  ++w.ended;
}

// Everybody on one channel, under one seed.
void channel_program(std::uint64_t seed, std::int64_t capacity) {
  world w(seed);
  INFO("seed " << seed << ", capacity " << capacity);
  structio::testing::virtual_clock clock;
  face::run_with({.seed = seed}, clock, [&] {
    auto c = open_channel<token>(capacity);
    structio::open_nursery([&](structio::nursery& n) {
      const int producers = 1 + w.pick(60);
      const int consumers = 1 + w.pick(20);
      for (int i = 0; i < producers; ++i) {
        n.start_soon([&w, i, tx = c.tx]() mutable { produce(w, std::move(tx), i); });
      }
      for (int i = 0; i < consumers; ++i) {
        n.start_soon([&w, rx = c.rx]() mutable { consume(w, std::move(rx)); });
      }
      n.start_service([&w] {
        for (;;) {
          if (!w.scopes.empty()) {
            w.scopes[static_cast<std::size_t>(w.pick(static_cast<int>(w.scopes.size())))]->cancel();
          }
          structio::sleep(nanoseconds(1 + w.pick(20)));
        }
      });
      { const sender<token> gone = std::move(c.tx); }
    });
    const auto left = c.rx.statistics();
    w.expect(left.waiting_senders == 0 && left.waiting_receivers == 0, "somebody still waits");
    w.expect(left.open_senders == 0 && left.open_receivers == 1, "an end was left open");
    w.expect(left.peak_buffer_used <= capacity, "the buffer held too much");
    while (auto item = c.rx.receive_next()) {
      w.expect(item->state() == fate::sent, "left over, but never sent");
      item->state() = fate::received;
    }
  });
  w.expect(w.begun == w.ended, "a task did not end");
  w.expect(w.living == 0, "an item was lost");
  for (const fate f : w.items) w.expect(f != fate::sent, "sent, and neither received nor dropped");
  for (const fate f : w.items) w.expect(f != fate::dropped, "dropped while there was a receiver");
  CHECK(w.broken == "");
}

}  // namespace

TEST_CASE("random programs on a channel lose nothing and double nothing", "[CHAN-23][CHAN-05]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    for (const std::int64_t capacity :
         {std::int64_t{0}, std::int64_t{1}, std::int64_t{7}, structio::unlimited}) {
      channel_program(seed + 1000 * support::seed(), capacity);
    }
  }
}

TEST_CASE("thousands of tasks at one channel, cancelled in the midst of it", "[CHAN-18]") {
  for (const std::int64_t capacity : {0, 3, 5000}) {
    face::run([&] {
      auto c = open_channel<int>(capacity);
      int sent = 0;
      int received = 0;
      structio::open_nursery([&](structio::nursery& n) {
        std::mt19937_64 random(7 + support::seed());
        for (int i = 0; i < 3000; ++i) {
          const nanoseconds limit(random() % 2000);
          n.start_soon([&, limit] {
            structio::move_on_after(limit, [&] {
              c.tx.send(1);
              ++sent;
            });
          });
          n.start_soon([&, limit] {
            structio::sleep(limit / 2);
            structio::move_on_after(limit, [&] { received += c.rx.receive(); });
          });
        }
      });
      const auto left = c.rx.statistics();
      CHECK(left.waiting_senders == 0);
      CHECK(left.waiting_receivers == 0);
      CHECK(sent == received + left.buffer_used);
      CHECK(received > 0);
    });
  }
}

namespace {

// What one subscriber of a random broadcast sees: numbers that go up, with gaps as it is told.
void listen(world& w, structio::subscription<int>& sub, int first) {
  ++w.begun;
  int next = first;
  bool over = false;
  while (!over) {
    structio::cancel_scope scope;
    if (w.chance(40)) scope.set_timeout(nanoseconds(w.pick(300)));
    scope.run([&] {
      try {
        for (int j = w.pick(20); j >= 0; --j) {
          const int item = sub.receive();
          w.expect(item == next + static_cast<int>(sub.missed()), "lost, doubled or out of order");
          next = item + 1;
          ++w.received;
        }
      } catch (const structio::error&) {
        over = true;
      }
    });
    if (w.chance(20)) structio::sleep(nanoseconds(w.pick(200)));
    if (w.chance(1)) break;
  }
  sub.close();
  ++w.ended;
}

void broadcast_program(std::uint64_t seed, std::int64_t capacity, structio::lag lag) {
  world w(seed);
  INFO("seed " << seed << ", capacity " << capacity << ", lag " << static_cast<int>(lag));
  structio::testing::virtual_clock clock;
  face::run_with({.seed = seed}, clock, [&] {
    std::deque<structio::subscription<int>> subs;
    structio::open_nursery([&](structio::nursery& n) {
      structio::broadcast<int> b(capacity, lag);
      int number = 0;
      for (int i = 0; i < 300; ++i) {
        if (w.chance(10)) {
          subs.push_back(b.subscribe());
          n.start_soon([&w, &sub = subs.back(), number] { listen(w, sub, number); });
        }
        if (structio::move_on_after(nanoseconds(w.pick(400)), [&] { b.send(int{number}); })) {
          ++number;
        }
        if (w.chance(10)) structio::sleep(nanoseconds(w.pick(100)));
      }
      const auto s = b.statistics();
      w.expect(s.waiting_senders == 0 && s.peak_buffer_used <= capacity, "too much, or waiting");
      w.expect(lag != structio::lag::wait || s.dropped + s.disconnected == 0, "somebody was lost");
    });
  });
  w.expect(w.begun == w.ended, "a task did not end");
  w.expect(w.received > 0, "nothing was received");
  CHECK(w.broken == "");
}

}  // namespace

TEST_CASE("random programs on a broadcast skip nothing without saying so") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    for (const auto lag :
         {structio::lag::wait, structio::lag::drop_oldest, structio::lag::disconnect}) {
      for (const std::int64_t capacity : {1, 5, 100}) {
        broadcast_program(seed + 1000 * support::seed(), capacity, lag);
      }
    }
  }
}
