// Parking lots through the C ABI: FIFO, moving, cancelling, breaking.
#include <array>
#include <string>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

// Tasks that park in a lot and note in which order they leave it, and how.
struct parker {
  structio_lot* lot = nullptr;
  int number = 0;
  std::vector<int>* order = nullptr;
  structio_scope scope;
  structio_task_id id = 0;
  int status = 1;

  int operator()() {
    id = structio_task_current();
    return scope_block(scope, [&] {
      status = structio_lot_park(lot);
      order->push_back(number);
      return status == STRUCTIO_EBROKEN ? 0 : status;
    });
  }
};

struct parkers {
  std::vector<int> order;
  std::array<parker, 3> task;

  void start(structio_nursery& n, structio_lot& lot) {
    for (int i = 0; i < 3; ++i) {
      parker& p = task[static_cast<std::size_t>(i)];
      p.lot = &lot;
      p.number = i;
      p.order = &order;
      spawn(n, "parker", p);
    }
    settle();
  }
};

template <class Body>
void in_nursery(Body&& body) {
  auto main = [&] {
    return nursery_block([&](structio_nursery& n) {
      body(n);
      return 0;
    });
  };
  structio_run_options in_order = c_tasks::run_options();
  in_order.seed = 0;  // who comes first is what these tests are about
  CHECK(run(main, in_order) == 0);
}

std::vector<structio_task_id> broken_by(const structio_lot& lot) {
  std::vector<structio_task_id> ids(
      static_cast<std::size_t>(structio_lot_broken_by(&lot, nullptr, 0)));
  structio_lot_broken_by(&lot, ids.data(), ids.size());
  return ids;
}

using ids = std::vector<structio_task_id>;
using order = std::vector<int>;

// Runs a task to its end and gives its id.
structio_task_id ended_task() {
  structio_task_id id = 0;
  auto task = [&] {
    id = structio_task_current();
    return 0;
  };
  nursery_block([&](structio_nursery& n) { return spawn(n, "brief", task); });
  return id;
}

}  // namespace

TEST_CASE("a lot counts who is parked, and wakes them all", "[LOT-01]") {
  structio_lot lot;
  parkers p;
  REQUIRE(structio_lot_init(&lot) == 0);
  in_nursery([&](structio_nursery& n) {
    CHECK(structio_lot_waiting(&lot) == 0);
    p.start(n, lot);
    CHECK(structio_lot_waiting(&lot) == 3);
    CHECK(structio_lot_unpark(&lot, STRUCTIO_ALL) == 3);
    CHECK(structio_lot_waiting(&lot) == 0);
    CHECK(p.order.empty());
    settle();
    CHECK(p.order == order{0, 1, 2});
  });
  CHECK(structio_lot_destroy(&lot) == 0);
}

TEST_CASE("first come, first woken", "[LOT-02][LOT-04]") {
  structio_lot lot;
  parkers p;
  REQUIRE(structio_lot_init(&lot) == 0);
  in_nursery([&](structio_nursery& n) {
    p.start(n, lot);
    CHECK(structio_lot_unpark(&lot, 2) == 2);
    settle();
    CHECK(p.order == order{0, 1});
    CHECK(structio_lot_unpark(&lot, 0) == 0);
    CHECK(structio_lot_unpark(&lot, 2) == 1);
    settle();
    CHECK(p.order == order{0, 1, 2});
  });
  CHECK(structio_lot_destroy(&lot) == 0);
}

TEST_CASE("waking nobody is nothing", "[LOT-03]") {
  structio_lot lot;
  REQUIRE(structio_lot_init(&lot) == 0);
  in_nursery([&](structio_nursery&) {
    CHECK(structio_lot_unpark(&lot, 1) == 0);
    CHECK(structio_lot_unpark(&lot, 100) == 0);
    CHECK(structio_lot_unpark(&lot, STRUCTIO_ALL) == 0);
    CHECK(structio_lot_repark(&lot, &lot, STRUCTIO_ALL) == 0);
  });
  CHECK(structio_lot_destroy(&lot) == 0);
}

TEST_CASE("a cancelled waiter leaves the queue, nobody else does", "[LOT-05]") {
  structio_lot lot;
  parkers p;
  REQUIRE(structio_lot_init(&lot) == 0);
  in_nursery([&](structio_nursery& n) {
    p.start(n, lot);
    structio_scope_cancel(&p.task[1].scope, nullptr);
    CHECK(structio_lot_waiting(&lot) == 2);
    settle();
    CHECK(p.order == order{1});
    CHECK(p.task[1].status == STRUCTIO_ECANCELLED);
    CHECK(structio_lot_unpark(&lot, STRUCTIO_ALL) == 2);
    settle();
    CHECK(p.order == order{1, 0, 2});
  });
}

TEST_CASE("waiters move to another lot without waking", "[LOT-06][SRC-18]") {
  structio_lot first;
  structio_lot second;
  parkers p;
  REQUIRE(structio_lot_init(&first) == 0);
  REQUIRE(structio_lot_init(&second) == 0);
  in_nursery([&](structio_nursery& n) {
    p.start(n, first);
    CHECK(structio_lot_repark(&first, &second, 1) == 1);
    CHECK(structio_lot_waiting(&first) == 2);
    CHECK(structio_lot_waiting(&second) == 1);
    CHECK(structio_lot_repark(&first, &second, STRUCTIO_ALL) == 2);
    CHECK(structio_lot_waiting(&first) == 0);
    CHECK(structio_lot_waiting(&second) == 3);
    settle();
    CHECK(p.order.empty());
    structio_scope_cancel(&p.task[1].scope, nullptr);
    CHECK(structio_lot_waiting(&second) == 2);
    CHECK(structio_lot_unpark(&second, STRUCTIO_ALL) == 2);
    settle();
    CHECK(p.order == order{1, 0, 2});
  });
  structio_scope not_a_lot;
  structio_scope_init(&not_a_lot, nullptr);
  in_nursery([&](structio_nursery&) {
    auto* wrong = reinterpret_cast<structio_lot*>(&not_a_lot);
    CHECK(structio_lot_repark(&first, wrong, 1) == STRUCTIO_EINVALID);
    CHECK(says({"not an initialised lot"}));
  });
}

TEST_CASE("a lot moved onto itself goes round", "[LOT-06]") {
  structio_lot lot;
  parkers p;
  REQUIRE(structio_lot_init(&lot) == 0);
  in_nursery([&](structio_nursery& n) {
    p.start(n, lot);
    CHECK(structio_lot_repark(&lot, &lot, 1) == 1);
    CHECK(structio_lot_repark(&lot, &lot, STRUCTIO_ALL) == 3);
    CHECK(structio_lot_waiting(&lot) == 3);
    structio_lot_unpark(&lot, STRUCTIO_ALL);
    settle();
    CHECK(p.order == order{1, 2, 0});
  });
}

TEST_CASE("a broken lot says by whom, again and again", "[LOT-08][LOT-12]") {
  structio_lot lot;
  REQUIRE(structio_lot_init(&lot) == 0);
  in_nursery([&](structio_nursery&) {
    const structio_task_id self = structio_task_current();
    CHECK(broken_by(lot).empty());
    CHECK(structio_lot_break(&lot, 0) == 0);
    CHECK(broken_by(lot) == ids{self});
    CHECK(structio_lot_break(&lot, 0) == 0);
    CHECK(broken_by(lot) == ids{self, self});
    const structio_task_id other = ended_task();
    CHECK(structio_lot_break(&lot, other) == 0);
    CHECK(broken_by(lot) == ids{self, self, other});
    CHECK(structio_lot_park(&lot) == STRUCTIO_EBROKEN);
    CHECK(says({"lot is broken"}));
    structio_task_id one = 0;
    CHECK(structio_lot_broken_by(&lot, &one, 1) == 3);
    CHECK(one == self);
  });
  CHECK(structio_lot_destroy(&lot) == 0);
}

TEST_CASE("nobody is moved to a broken lot", "[LOT-06][LOT-08]") {
  structio_lot lot;
  structio_lot broken;
  parkers p;
  REQUIRE(structio_lot_init(&lot) == 0);
  REQUIRE(structio_lot_init(&broken) == 0);
  in_nursery([&](structio_nursery& n) {
    structio_lot_break(&broken, 0);
    p.start(n, lot);
    CHECK(structio_lot_repark(&lot, &broken, STRUCTIO_ALL) == STRUCTIO_EBROKEN);
    CHECK(structio_lot_waiting(&lot) == 3);
    structio_lot_unpark(&lot, STRUCTIO_ALL);
  });
  CHECK(structio_lot_destroy(&broken) == 0);
}

TEST_CASE("the end of a breaker wakes all who are parked", "[LOT-09][SRC-22]") {
  structio_lot lot;
  parkers p;
  structio_scope end;
  structio_task_id breaker = 0;
  REQUIRE(structio_lot_init(&lot) == 0);
  auto guard = [&] {
    breaker = structio_task_current();
    CHECK(structio_lot_add_breaker(&lot, breaker) == 0);
    return scope_block(end, [] { return structio_sleep_forever(); });
  };
  in_nursery([&](structio_nursery& n) {
    spawn(n, "guard", guard);
    settle();
    p.start(n, lot);
    structio_scope_cancel(&end, nullptr);
    settle();
    CHECK(broken_by(lot) == ids{breaker});
    CHECK(structio_lot_waiting(&lot) == 0);
    for (const parker& one : p.task) CHECK(one.status == STRUCTIO_EBROKEN);
  });
  CHECK(structio_lot_destroy(&lot) == 0);
}

TEST_CASE("a breaker is taken back as often as it was said", "[LOT-10]") {
  structio_lot lot;
  REQUIRE(structio_lot_init(&lot) == 0);
  in_nursery([&](structio_nursery&) {
    const structio_task_id self = structio_task_current();
    CHECK(structio_lot_remove_breaker(&lot, self) == STRUCTIO_EMISUSE);
    CHECK(says({"not a breaker"}));
    CHECK(structio_lot_add_breaker(&lot, self) == 0);
    CHECK(structio_lot_add_breaker(&lot, self) == 0);
    CHECK(structio_lot_remove_breaker(&lot, self) == 0);
    CHECK(structio_lot_remove_breaker(&lot, self) == 0);
    CHECK(structio_lot_remove_breaker(&lot, self) == STRUCTIO_EMISUSE);
    CHECK(structio_lot_remove_breaker(&lot, ended_task()) == STRUCTIO_EMISUSE);
  });
  CHECK(broken_by(lot).empty());
  CHECK(structio_lot_destroy(&lot) == 0);
}

TEST_CASE("a broken lot still takes breakers", "[LOT-11]") {
  structio_lot lot;
  structio_task_id breaker = 0;
  REQUIRE(structio_lot_init(&lot) == 0);
  in_nursery([&](structio_nursery&) {
    const structio_task_id self = structio_task_current();
    structio_lot_break(&lot, self);
    auto guard = [&] {
      breaker = structio_task_current();
      return structio_lot_add_breaker(&lot, breaker);
    };
    CHECK(nursery_block([&](structio_nursery& n) { return spawn(n, "guard", guard); }) == 0);
    CHECK(broken_by(lot) == ids{self, breaker});
    CHECK(structio_lot_break(&lot, breaker) == 0);
    CHECK(broken_by(lot) == ids{self, breaker, breaker});
  });
  CHECK(structio_lot_destroy(&lot) == 0);
}

TEST_CASE("every breaker that ends is listed", "[LOT-13]") {
  structio_lot lot;
  ids all;
  REQUIRE(structio_lot_init(&lot) == 0);
  auto guard = [&] {
    all.push_back(structio_task_current());
    return structio_lot_add_breaker(&lot, all.back());
  };
  in_nursery([&](structio_nursery& n) {
    for (int i = 0; i < 3; ++i) spawn(n, "guard", guard);
    settle();
  });
  CHECK(all.size() == 3);
  CHECK(broken_by(lot) == all);
  CHECK(structio_lot_destroy(&lot) == 0);
}

TEST_CASE("a task that has ended cannot guard a lot: it is broken", "[LOT-14]") {
  structio_lot lot;
  REQUIRE(structio_lot_init(&lot) == 0);
  in_nursery([&](structio_nursery&) {
    const structio_task_id gone = ended_task();
    CHECK(structio_lot_add_breaker(&lot, 0) == STRUCTIO_EINVALID);
    CHECK(broken_by(lot).empty());
    CHECK(structio_lot_add_breaker(&lot, gone) == STRUCTIO_EBROKEN);
    CHECK(says({"has ended"}));
    CHECK(broken_by(lot) == ids{gone});
  });
  CHECK(structio_lot_destroy(&lot) == 0);
}

TEST_CASE("a lot may be broken on behalf of one who is parked in it", "[LOT-15]") {
  structio_lot lot;
  parkers p;
  REQUIRE(structio_lot_init(&lot) == 0);
  in_nursery([&](structio_nursery& n) {
    p.start(n, lot);
    CHECK(structio_lot_break(&lot, p.task[1].id) == 0);
    settle();
    for (const parker& one : p.task) CHECK(one.status == STRUCTIO_EBROKEN);
    CHECK(broken_by(lot) == ids{p.task[1].id});
  });
  CHECK(structio_lot_destroy(&lot) == 0);
}

TEST_CASE("a lot that goes before its breaker is forgotten by it", "[LOT-10]") {
  auto guard = [] {
    structio_lot brief;
    structio_lot_init(&brief);
    CHECK(structio_lot_add_breaker(&brief, structio_task_current()) == 0);
    CHECK(structio_lot_destroy(&brief) == 0);
    return structio_checkpoint();
  };
  in_nursery([&](structio_nursery& n) { spawn(n, "guard", guard); });
}
