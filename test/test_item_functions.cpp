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

using structio::open_channel;

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
