// Events: set once, waited for by any number of tasks.
#include <structio/event.hpp>

#include <concepts>
#include <cstdio>
#include <memory>
#include <optional>

#include "support/c_blocks.hpp"
#include "support/face.hpp"
#include "support/op_proof.hpp"

using namespace face;
using structio::testing::assert_checkpoints;
using structio::testing::assert_no_checkpoints;
using structio::testing::wait_all_tasks_blocked;

namespace {

void prove() {
  structio_event event;
  CHECK(structio_event_init(&event) == 0);
  CHECK(op_proof::cancelled([&] { return structio_event_wait(&event); }) == op_proof::aborted);
  CHECK(structio_event_set(&event) == 0);
  CHECK(op_proof::cancelled([&] { return structio_event_wait(&event); }) == op_proof::aborted);
  CHECK(op_proof::halves([&] { CHECK(structio_event_wait(&event) == 0); }) == 2);
  CHECK(structio_event_destroy(&event) == 0);

  CHECK(structio_event_init(&event) == 0);
  auto setter = [&] { return structio_event_set(&event); };
  c_tasks::nursery_block([&](structio_nursery& n) {
    c_tasks::spawn(n, "setter", setter);
    CHECK(op_proof::halves([&] { CHECK(structio_event_wait(&event) == 0); }) == 2);
    return 0;
  });
  CHECK(structio_event_destroy(&event) == 0);
}

const op_proof::area proof({{"structio_event_wait", 1, STRUCTIO_EFFECT_NOTHING}}, prove);

static_assert(!std::constructible_from<bool, structio::event&>);

}  // namespace

TEST_CASE("an event is unset, then set for ever", "[EVT-01][EVT-02]") {
  face::run([] {
    structio::event event;
    CHECK_FALSE(event.is_set());
    CHECK(event.statistics().waiting == 0);
    assert_no_checkpoints([&] { event.set(); });
    CHECK(event.is_set());
    assert_checkpoints([&] { event.wait(); });
    event.set();
    assert_checkpoints([&] { event.wait(); });
    CHECK(event.is_set());
  });
}

TEST_CASE("setting an event wakes all who wait, in their order", "[EVT-03]") {
  trace order;
  structio::testing::virtual_clock clock;
  run_with({}, clock, [&] {
    structio::event event;
    structio::open_nursery([&](structio::nursery& n) {
      for (const char* name : {"first", "second"}) {
        n.start_soon([&, name] {
          event.wait();
          order.emplace_back(name);
        });
      }
      wait_all_tasks_blocked();
      CHECK(event.statistics().waiting == 2);
      event.set();
      CHECK(event.statistics().waiting == 0);
      CHECK(order.empty());
    });
  });
  CHECK(order == trace{"first", "second"});
}

TEST_CASE("who is cancelled while waiting leaves the others alone", "[EVT-03]") {
  face::run([] {
    structio::event event;
    int woken = 0;
    structio::cancel_scope scope;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        scope.run([&] { event.wait(); });
        CHECK(scope.cancelled_caught());
      });
      n.start_soon([&] {
        event.wait();
        ++woken;
      });
      wait_all_tasks_blocked();
      scope.cancel();
      CHECK(event.statistics().waiting == 1);
      event.set();
      scope.cancel();
    });
    CHECK(woken == 1);
  });
}

TEST_CASE("when an event is set and its waiter cancelled at once, the event wins", "[EVT-03]") {
  face::run([] {
    structio::event event;
    bool passed = false;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        event.wait();
        passed = true;
      });
      wait_all_tasks_blocked();
      event.set();
      n.cancel_scope().cancel();
    });
    CHECK(passed);
  });
}

TEST_CASE("an event is set from a hook", "[EVT-03]") {
  face::run([] {
    structio::event event;
    structio_portal* portal = nullptr;
    structio_portal_new(&portal);
    const auto hook = [](void* arg) {
      CHECK(structio_event_wait(static_cast<structio_event*>(arg)) == STRUCTIO_ENOTASK);
      return structio_event_set(static_cast<structio_event*>(arg));
    };
    structio_portal_post(portal, hook, event.native());
    event.wait();
    structio_portal_free(portal);
    CHECK(event.is_set());
  });
}

TEST_CASE("an event may go as soon as its waiters have been woken", "[EVT-03]") {
  face::run([] {
    std::optional<structio::event> event(std::in_place);
    int woken = 0;
    structio::open_nursery([&](structio::nursery& n) {
      for (int i = 0; i < 3; ++i) {
        n.start_soon([&] {
          event->wait();
          ++woken;
        });
      }
      wait_all_tasks_blocked();
      event->set();
      CHECK(structio_event_destroy(event->native()) == 0);
      event.reset();
    });
    CHECK(woken == 3);
  });
}

TEST_CASE("who waits for an event that goes away is told", "[EVT-03]") {
  face::run([] {
    auto event = std::make_unique<structio::event>();
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        const auto error = thrown<structio::broken_error>([&] { event->wait(); });
        REQUIRE(error);
        CHECK_THAT(error->what(), ContainsSubstring("destroyed while the task waited"));
      });
      wait_all_tasks_blocked();
      CHECK(structio_event_destroy(event->native()) == STRUCTIO_EMISUSE);
      CHECK(event->statistics().waiting == 1);  // nothing has changed
      event.reset();
    });
  });
}

namespace {

struct memory_use {
  long virtual_pages = 0;
  long resident_pages = 0;
};

memory_use memory_now() {
  memory_use m;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%ld %ld", &m.virtual_pages, &m.resident_pages) != 2) m = {};
    std::fclose(file);
  }
  return m;
}

}  // namespace

#if defined(__SANITIZE_THREAD__)
constexpr int crowd = 1000;  // it keeps a history for each fiber
constexpr long pages_each = 1000;
#else
constexpr int crowd = 10'000;
constexpr long pages_each = 16;  // of the 64 that a stack may grow to
#endif

TEST_CASE("ten thousand tasks wait for one event", "[FIB-20]") {
  face::run([] {
    structio::event event;
    int woken = 0;
    const memory_use before = memory_now();
    structio::open_nursery([&](structio::nursery& n) {
      for (int i = 0; i < crowd; ++i) {
        n.start_soon([&] {
          event.wait();
          ++woken;
        });
      }
      wait_all_tasks_blocked();
      CHECK(event.statistics().waiting == crowd);
      structio_statistics s{};
      s.struct_size = sizeof s;
      structio_get_statistics(&s);
      CHECK(s.stacks_in_use >= crowd);
      // A stack costs what it uses.
      const memory_use now = memory_now();
      CHECK(now.resident_pages - before.resident_pages < pages_each * crowd);
      event.set();
    });
    CHECK(woken == crowd);
    CHECK(event.statistics().waiting == 0);
  });
}
