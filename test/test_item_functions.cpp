// What the functions of an item may do while a channel or a broadcast runs them: whatever does not
// wait, letting go of ends of that very object included.
#include <structio/structio.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "support/channels.hpp"
#include "support/face.hpp"
#include "support/refusals.hpp"

using structio::broadcast;
using structio::open_channel;
using structio::subscription;

namespace {

// Calls a function when it goes; of what was moved there is nothing left to call.
struct at_end {
  std::function<void()> last;
  explicit at_end(std::function<void()> fn) : last(std::move(fn)) {}
  at_end(at_end&& other) noexcept : last(std::exchange(other.last, nullptr)) {}
  at_end& operator=(at_end&& other) noexcept {
    last = std::exchange(other.last, nullptr);
    return *this;
  }
  ~at_end() {
    if (last) last();
  }
};

// An item that owns what it is sent through, or an end of it; copies share that.
struct owner {
  std::shared_ptr<subscription<owner>> end;
  std::shared_ptr<void> all;  // the broadcast
};

// Copying it frees a subscription.
struct freeing {
  structio_subscription** end = nullptr;
  explicit freeing(structio_subscription*& sub) : end(&sub) {}
  freeing(const freeing& other) : end(other.end) {
    CHECK(structio_subscription_free(std::exchange(*end, nullptr)) == 0);
  }
  freeing(freeing&&) noexcept = default;
  freeing& operator=(freeing&&) = default;
  ~freeing() = default;
};

owner owning(subscription<owner> end) {
  return {std::make_shared<subscription<owner>>(std::move(end)), nullptr};
}

}  // namespace

TEST_CASE("locks and tokens that lie in a channel are given back when it is closed", "[CHAN-22]") {
  face::run([] {
    structio::mutex m;
    auto locks = open_channel<std::unique_lock<structio::mutex>>(4);
    locks.tx.send(std::unique_lock(m));
    CHECK(m.locked());
    locks.rx.close();
    CHECK_FALSE(m.locked());

    structio::capacity_limiter limiter(1);
    auto tokens = open_channel<structio::capacity_limiter::guard>(4);
    tokens.tx.send(limiter.hold());
    CHECK(limiter.statistics().borrowed == 1);
    tokens.rx.close();
    CHECK(limiter.statistics().borrowed == 0);
    CHECK(limiter.try_acquire());
    limiter.release();
  });
}

TEST_CASE("an item that is destroyed does what does not wait, and nothing else", "[CHAN-22]") {
  face::run([] {
    auto c = open_channel<at_end>(4);
    structio::mutex m;
    structio_mutex raw;
    CHECK(structio_mutex_init(&raw) == 0);
    std::vector<std::int64_t> left;
    for (int i = 0; i < 3; ++i) {
      c.tx.send(at_end([&] {
        left.push_back(c.tx.statistics().buffer_used);
        CHECK(structio_mutex_try_lock(&raw) == 0);
        CHECK(structio_mutex_unlock(&raw) == 0);
        CHECK(c_tasks::refused(structio_mutex_lock(&raw), STRUCTIO_ENOTASK,
                               {"structio_mutex_lock", "may block", "item"}));
        CHECK(structio_checkpoint() == STRUCTIO_ENOTASK);
        CHECK_FALSE(structio_mutex_locked(&raw));
      }));
    }
    c.rx.close();
    CHECK(left == std::vector<std::int64_t>{2, 1, 0});
    CHECK(structio_mutex_destroy(&raw) == 0);
    structio::checkpoint();
  });
}

TEST_CASE("an item may own a subscription to its own broadcast") {
  face::run([] {
    for (const auto when : {structio::lag::drop_oldest, structio::lag::disconnect}) {
      broadcast<owner> b(1, when);
      auto keep = b.subscribe();
      b.send(owning(b.subscribe()));
      CHECK(b.statistics().subscriptions == 2);
      b.send({});
      CHECK(b.statistics().subscriptions == (when == structio::lag::drop_oldest ? 1 : 0));
      CHECK(b.statistics().disconnected == (when == structio::lag::drop_oldest ? 0 : 2));
    }
  });
}

TEST_CASE("subscriptions inside items go one after the other") {
  face::run([] {
    using box = std::shared_ptr<std::unique_ptr<subscription<std::shared_ptr<void>>>>;
    broadcast<std::shared_ptr<void>> b(structio::unlimited);
    auto keep = b.subscribe();
    for (int i = 0; i < 5; ++i) {
      const box inside = std::make_shared<box::element_type>();
      b.send(inside);  // filled afterwards: it is subscribed to all items but this and those before
      *inside = std::make_unique<subscription<std::shared_ptr<void>>>(b.subscribe());
    }
    CHECK(b.statistics().subscriptions == 6);
    keep.close();
    CHECK(b.statistics().subscriptions == 0);
    CHECK(b.statistics().buffer_used == 0);
    CHECK(b.try_send(nullptr));
  });
}

TEST_CASE("an item may take along the last of its broadcast") {
  face::run([] {
    auto b = std::make_shared<broadcast<owner>>(1, structio::lag::drop_oldest);
    auto keep = b->subscribe();
    structio_broadcast* raw = b->native();
    b->send({nullptr, b});
    b.reset();
    CHECK(structio_broadcast_close(raw) == 0);
    { const auto gone = std::move(keep); }
    CHECK(structio_broadcast_close(raw) == STRUCTIO_ESTALE);
  });
}

TEST_CASE("a subscription that goes while its task receives from it") {
  face::run([] {
    broadcast<owner> b(2);
    auto mine = std::make_shared<subscription<owner>>(b.subscribe());
    auto other = b.subscribe();
    b.send({mine, nullptr});
    subscription<owner>& still = *mine;
    mine.reset();
    CHECK(still.receive().end != nullptr);
    CHECK(b.statistics().subscriptions == 2);
    { const auto gone = std::move(other); }
    CHECK(b.statistics().subscriptions == 0);
  });
}

TEST_CASE("a subscription that is freed by the copy that it receives") {
  face::run([] {
    broadcast<freeing> b(2);
    const auto keep = b.subscribe();
    structio_subscription* mine = nullptr;
    CHECK(structio_broadcast_subscribe(b.native(), &mine) == 0);
    b.send(freeing(mine));
    structio::detail::item_slot<freeing> slot;
    CHECK(structio_subscription_receive(mine, slot.memory(), nullptr) == 0);
    slot.destroy();
    CHECK(mine == nullptr);
    CHECK(b.statistics().subscriptions == 1);
  });
}
