// Semaphores: units, bounds, direct hand-over.
#include <structio/semaphore.hpp>

#include <memory>

#include "support/c_blocks.hpp"
#include "support/face.hpp"
#include "support/op_proof.hpp"

using namespace face;
using structio::testing::assert_checkpoints;
using structio::testing::assert_no_checkpoints;
using structio::testing::wait_all_tasks_blocked;

namespace {

void prove() {
  structio_semaphore s;
  CHECK(structio_semaphore_init(&s, 1, STRUCTIO_UNLIMITED) == 0);
  CHECK(op_proof::cancelled([&] { return structio_semaphore_acquire(&s); }) == op_proof::aborted);
  CHECK(structio_semaphore_value(&s) == 1);
  CHECK(op_proof::halves([&] { CHECK(structio_semaphore_acquire(&s) == 0); }) == 2);
  CHECK(op_proof::cancelled([&] { return structio_semaphore_acquire(&s); }) == op_proof::aborted);
  auto giver = [&] { return structio_semaphore_release(&s); };
  c_tasks::nursery_block([&](structio_nursery& n) {
    c_tasks::spawn(n, "giver", giver);
    CHECK(op_proof::halves([&] { CHECK(structio_semaphore_acquire(&s) == 0); }) == 2);
    return 0;
  });
  CHECK(op_proof::halves([&] { structio_semaphore_release(&s); }) == 0);
  CHECK(op_proof::halves([&] { structio_semaphore_try_acquire(&s); }) == 0);
  CHECK(structio_semaphore_destroy(&s) == 0);
}

const op_proof::area proof({{"structio_semaphore_acquire", 1, STRUCTIO_EFFECT_NOTHING}}, prove);

}  // namespace

TEST_CASE("a semaphore's numbers make sense", "[SEM-01]") {
  const auto refused = [](std::int64_t initial, std::int64_t max) {
    return throws<std::invalid_argument>([&] { structio::semaphore s(initial, max); });
  };
  CHECK(refused(-1, 5));
  CHECK(refused(2, 1));
  CHECK(refused(0, -1));
  const structio::semaphore none(0, 0);
  CHECK(none.statistics().max == 0);
  CHECK(structio::semaphore(3).statistics().max == structio::semaphore::unlimited);
}

TEST_CASE("an unbounded semaphore rises above where it began", "[SEM-02]") {
  face::run([] {
    structio::semaphore s(1);
    CHECK(s.value() == 1);
    assert_no_checkpoints([&] { s.release(); });
    CHECK(s.value() == 2);
    assert_checkpoints([&] { s.acquire(); });
    assert_no_checkpoints([&] { CHECK(s.try_acquire()); });
    CHECK_FALSE(s.try_acquire());
    CHECK(s.value() == 0);
    s.release();
    assert_checkpoints([&] {
      const auto held = s.hold();
      CHECK(s.value() == 0);
    });
    CHECK(s.value() == 1);
  });
}

TEST_CASE("a unit goes directly to who waits", "[SEM-03]") {
  face::run([] {
    structio::semaphore s(0);
    bool got_it = false;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        s.acquire();
        got_it = true;
      });
      wait_all_tasks_blocked();
      CHECK(s.statistics().waiting == 1);
      s.release();
      CHECK(s.value() == 0);
      CHECK(s.statistics().waiting == 0);
      CHECK_FALSE(s.try_acquire());
      n.cancel_scope().cancel();  // too late: the unit is the task's
    });
    CHECK(got_it);
    CHECK(s.value() == 0);
  });
}

TEST_CASE("who is cancelled while waiting takes no unit", "[SEM-03]") {
  face::run([] {
    structio::semaphore s(0);
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] { s.acquire(); });
      wait_all_tasks_blocked();
      n.cancel_scope().cancel();
      CHECK(s.statistics().waiting == 0);
    });
    s.release();
    CHECK(s.value() == 1);
  });
}

TEST_CASE("a bounded semaphore takes back no more than there are", "[SEM-04]") {
  face::run([] {
    structio::semaphore s(1, 1);
    const auto error = thrown<std::invalid_argument>([&] { s.release(); });
    REQUIRE(error);
    CHECK_THAT(error->what(), ContainsSubstring("all 1 units are there"));
    CHECK(s.value() == 1);
    s.acquire();
    s.release();
    CHECK(s.value() == 1);
  });
}

TEST_CASE("a guard gives back once, wherever it went", "[SEM-02]") {
  face::run([] {
    structio::semaphore s(2, 2);
    auto first = s.hold();
    auto second = s.hold();
    CHECK(s.value() == 0);
    first = std::move(second);
    CHECK(s.value() == 1);
    const auto moved = std::move(first);
    CHECK(s.value() == 1);
    first.release();
    CHECK(s.value() == 1);
    auto last = s.hold();
    last.release();
    last.release();
    CHECK(s.value() == 1);
  });
}

TEST_CASE("a semaphore is released from a hook", "[SEM-03]") {
  face::run([] {
    structio::semaphore s(0);
    structio_portal* portal = nullptr;
    structio_portal_new(&portal);
    const auto hook = [](void* arg) {
      auto* raw = static_cast<structio_semaphore*>(arg);
      CHECK(structio_semaphore_try_acquire(raw) == STRUCTIO_EWOULDBLOCK);
      CHECK(structio_semaphore_acquire(raw) == STRUCTIO_ENOTASK);
      return structio_semaphore_release(raw);
    };
    structio_portal_post(portal, hook, s.native());
    s.acquire();
    structio_portal_free(portal);
    CHECK(s.value() == 0);
  });
}

TEST_CASE("who waits for a semaphore that goes away is told", "[SEM-03]") {
  face::run([] {
    auto s = std::make_unique<structio::semaphore>(0);
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] { CHECK(throws<structio::broken_error>([&] { s->acquire(); })); });
      wait_all_tasks_blocked();
      CHECK(structio_semaphore_destroy(s->native()) == STRUCTIO_EMISUSE);
      s.reset();
    });
  });
}
