// Capacity limiters: tokens, borrowers, a total that changes.
#include <structio/limiter.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/face.hpp"
#include "support/op_proof.hpp"

using namespace face;
using structio::testing::assert_checkpoints;
using structio::testing::assert_no_checkpoints;
using structio::testing::wait_all_tasks_blocked;

namespace {

void prove() {
  structio_limiter l;
  int object = 0;
  const auto own = [&] { return structio_limiter_acquire(&l); };
  const auto other = [&] { return structio_limiter_acquire_on_behalf(&l, &object); };
  CHECK(structio_limiter_init(&l, 2) == 0);
  CHECK(op_proof::cancelled(own) == op_proof::aborted);
  CHECK(op_proof::cancelled(other) == op_proof::aborted);
  CHECK(structio_limiter_borrowers(&l, nullptr, 0) == 0);
  CHECK(op_proof::halves([&] { CHECK(own() == 0); }) == 2);
  CHECK(op_proof::halves([&] { CHECK(other() == 0); }) == 2);
  CHECK(op_proof::halves([&] {
          structio_limiter_release(&l);
          structio_limiter_try_acquire(&l);
          structio_limiter_release(&l);
          structio_limiter_release_on_behalf(&l, &object);
        }) == 0);
  CHECK(structio_limiter_set_total(&l, 0) == 0);
  auto raiser = [&] { return structio_limiter_set_total(&l, 2); };
  c_tasks::nursery_block([&](structio_nursery& n) {
    c_tasks::spawn(n, "raiser", raiser);
    CHECK(op_proof::halves([&] { CHECK(own() == 0); }) == 2);
    structio_limiter_set_total(&l, 0);
    c_tasks::spawn(n, "raiser", raiser);
    CHECK(op_proof::halves([&] { CHECK(other() == 0); }) == 2);
    return 0;
  });
  CHECK(structio_limiter_discard(&l) == 0);
}

const op_proof::area proof({{"structio_limiter_acquire", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_limiter_acquire_on_behalf", 1, STRUCTIO_EFFECT_NOTHING}},
                           prove);

/// Tasks that hold a token until they are told to give it back.
struct holders {
  structio::capacity_limiter& limiter;
  std::vector<bool> holds;
  std::vector<std::unique_ptr<structio_waiter>> let_go;

  explicit holders(structio::capacity_limiter& l) : limiter(l) {}

  void start(structio::nursery& n, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      holds.push_back(false);
      let_go.push_back(std::make_unique<structio_waiter>());
      n.start_soon([this, me = holds.size() - 1] {
        structio_waiter_init(let_go[me].get());
        limiter.acquire();
        holds[me] = true;
        structio_park(let_go[me].get(), "a word", nullptr, nullptr);
        limiter.release();
        holds[me] = false;
      });
      wait_all_tasks_blocked();  // so that they queue up in this order
    }
  }

  long holding() const { return std::count(holds.begin(), holds.end(), true); }
  void release_first() {
    const auto first = std::find(holds.begin(), holds.end(), true) - holds.begin();
    structio_wake(let_go[static_cast<std::size_t>(first)].get(), 0);
    wait_all_tasks_blocked();
  }
  void release_all() {
    while (holding() > 0) release_first();
  }
};

}  // namespace

TEST_CASE("a total is 0 or more, or unlimited", "[LIM-01][LIM-10]") {
  const auto refused = [](std::int64_t total) {
    return throws<std::invalid_argument>([&] { structio::capacity_limiter l(total); });
  };
  CHECK(refused(-1));
  CHECK(structio::capacity_limiter(0).total() == 0);
  CHECK(structio::capacity_limiter(structio::capacity_limiter::unlimited).statistics().available ==
        structio::capacity_limiter::unlimited);
  face::run([&] {
    structio::capacity_limiter l(5);
    CHECK(throws<std::invalid_argument>([&] { l.set_total(-1); }));
    CHECK(l.total() == 5);
  });
}

TEST_CASE("nobody gives back what he has not borrowed, or borrows twice", "[LIM-03][LIM-04]") {
  face::run([] {
    structio::capacity_limiter l(2);
    const auto refused = [&](auto&& call) {
      const auto before = l.statistics().borrowed;
      return throws<structio::usage_error>(call) && l.statistics().borrowed == before;
    };
    CHECK(refused([&] { l.release(); }));
    l.acquire();
    CHECK(refused([&] { l.acquire(); }));
    CHECK(refused([&] { l.try_acquire(); }));
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        CHECK(refused([&] { l.release(); }));
        CHECK(l.try_acquire());
        l.release();
      });
    });
    l.release();
    CHECK(refused([&] { l.release(); }));
  });
}

TEST_CASE("objects borrow, beside the tasks that act for them", "[LIM-05]") {
  face::run([] {
    structio::capacity_limiter l(3);
    std::array<int, 4> object{};
    l.acquire_on_behalf(&object[0]);
    CHECK(l.try_acquire_on_behalf(&object[1]));
    l.acquire();  // the task's own
    CHECK(l.statistics().borrowed == 3);
    CHECK_FALSE(l.try_acquire_on_behalf(&object[2]));
    CHECK(throws<structio::usage_error>([&] { l.try_acquire_on_behalf(&object[0]); }));
    CHECK(throws<structio::usage_error>([&] { l.release_on_behalf(&object[2]); }));
    CHECK(throws<std::invalid_argument>([&] { l.release_on_behalf(nullptr); }));
    const auto all = l.borrowers();
    CHECK(all.size() == 3);
    CHECK(std::count_if(all.begin(), all.end(), [&](const structio_borrower& b) {
            return b.task == structio::current_task() && b.object == nullptr;
          }) == 1);
    CHECK(std::count_if(all.begin(), all.end(), [&](const structio_borrower& b) {
            return b.task == 0 && (b.object == &object[0] || b.object == &object[1]);
          }) == 2);
    structio_borrower one{};
    CHECK(structio_limiter_borrowers(l.native(), &one, 1) == 3);
    l.release_on_behalf(&object[0]);
    CHECK(throws<structio::usage_error>([&] { l.release_on_behalf(&object[0]); }));
    CHECK(l.statistics().borrowed == 2);
    l.release();
    l.release_on_behalf(&object[1]);
    CHECK(l.borrowers().empty());
  });
}

TEST_CASE("a task's id is no object's address", "[LIM-05]") {
  face::run([] {
    structio::capacity_limiter l(2);
    const auto* alike = reinterpret_cast<const void*>(  // never looked at
        static_cast<std::uintptr_t>(structio::current_task()));
    l.acquire();
    CHECK(l.try_acquire_on_behalf(alike));
    CHECK(l.statistics().borrowed == 2);
    l.release();
    CHECK(throws<structio::usage_error>([&] { l.release(); }));
    l.release_on_behalf(alike);
  });
}

TEST_CASE("a borrower for whom somebody waits is not waited for twice", "[LIM-05]") {
  face::run([] {
    structio::capacity_limiter l(0);
    int object = 0;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] { l.acquire_on_behalf(&object); });
      wait_all_tasks_blocked();
      CHECK(throws<structio::usage_error>([&] { l.acquire_on_behalf(&object); }));
      CHECK(throws<structio::usage_error>([&] { l.release_on_behalf(&object); }));
      CHECK(l.statistics().waiting == 1);
      l.set_total(1);
      CHECK(l.statistics().waiting == 0);
    });
    l.release_on_behalf(&object);
  });
}

TEST_CASE("borrowing is a checkpoint, with a guard too", "[LIM-06]") {
  face::run([] {
    structio::capacity_limiter l(1);
    int object = 0;
    assert_checkpoints([&] { l.acquire(); });
    assert_no_checkpoints([&] { l.release(); });
    assert_checkpoints([&] {
      const auto held = l.hold();
      CHECK(l.statistics().available == 0);
    });
    assert_checkpoints([&] { const auto held = l.hold_on_behalf(&object); });
    CHECK(l.statistics().borrowed == 0);
    auto first = l.hold();
    auto second = std::move(first);
    CHECK(l.statistics().borrowed == 1);
    second.release();
    second.release();
    CHECK(l.statistics().borrowed == 0);
  });
}

TEST_CASE("a token that comes back goes to who waits", "[LIM-07]") {
  face::run([] {
    structio::capacity_limiter l(2);
    int object = 0;
    structio::open_nursery([&](structio::nursery& n) {
      l.acquire();
      l.acquire_on_behalf(&object);
      structio::task_id waiter = 0;
      n.start_soon([&] {
        waiter = structio::current_task();
        l.acquire();
        l.release();
      });
      wait_all_tasks_blocked();
      CHECK(l.statistics().waiting == 1);
      l.release();
      CHECK(l.statistics().borrowed == 2);
      CHECK(l.statistics().waiting == 0);
      CHECK_FALSE(l.try_acquire());
      n.cancel_scope().cancel();  // too late: the token is the task's
      structio::shielded(1s, [] { wait_all_tasks_blocked(); });
      CHECK(l.statistics().borrowed == 1);
      l.release_on_behalf(&object);
    });
  });
}

TEST_CASE("an unlimited limiter counts all the same", "[LIM-08]") {
  face::run([] {
    structio::capacity_limiter l(structio::capacity_limiter::unlimited);
    std::array<int, 50> object{};
    for (const int& o : object) CHECK(l.try_acquire_on_behalf(&o));
    CHECK(l.statistics().borrowed == 50);
    CHECK(l.statistics().available == structio::capacity_limiter::unlimited);
    CHECK(throws<structio::usage_error>([&] { l.release(); }));
    for (const int& o : object) l.release_on_behalf(&o);
    CHECK(l.statistics().borrowed == 0);
  });
}

TEST_CASE("raising the total lets in at once, lowering revokes nothing", "[LIM-09]") {
  face::run([] {
    structio::capacity_limiter l(2);
    holders h(l);
    structio::open_nursery([&](structio::nursery& n) {
      h.start(n, 5);
      CHECK(h.holding() == 2);
      CHECK(l.statistics().waiting == 3);
      l.set_total(4);
      CHECK(l.statistics().borrowed == 4);
      wait_all_tasks_blocked();
      CHECK(h.holding() == 4);
      CHECK(l.statistics().waiting == 1);
      l.set_total(1);
      CHECK(l.statistics().borrowed == 4);
      CHECK(l.statistics().available == -3);
      for (long left = 3; left >= 1; --left) {
        h.release_first();
        CHECK(h.holding() == left);
        CHECK(l.statistics().waiting == 1);
      }
      h.release_first();
      CHECK(h.holding() == 1);
      CHECK(l.statistics().waiting == 0);
      CHECK(l.statistics().available == 0);
      h.release_all();
    });
    CHECK(l.statistics().borrowed == 0);
  });
}

TEST_CASE("of a waiter that is cancelled nothing is left", "[LIM-11]") {
  face::run([] {
    structio::capacity_limiter l(1);
    l.acquire();
    int object = 0;
    for (int i = 0; i < 3; ++i) {
      structio::open_nursery([&](structio::nursery& n) {
        n.start_soon([&] { l.acquire_on_behalf(&object); });
        wait_all_tasks_blocked();
        CHECK(l.statistics().waiting == 1);
        n.cancel_scope().cancel();
        CHECK(l.statistics().waiting == 0);
        CHECK(l.borrowers().size() == 1);
      });
    }
    l.release();
    CHECK(structio_limiter_destroy(l.native()) == 0);
    CHECK(structio_limiter_init(l.native(), 1) == 0);
  });
}

TEST_CASE("a total of 0 lets nobody in until it rises", "[LIM-12]") {
  face::run([] {
    structio::capacity_limiter l(5);
    l.set_total(0);
    holders h(l);
    structio::open_nursery([&](structio::nursery& n) {
      h.start(n, 5);
      CHECK(h.holding() == 0);
      l.set_total(5);
      CHECK(l.statistics().borrowed == 5);
      wait_all_tasks_blocked();
      CHECK(h.holding() == 5);
      h.start(n, 1);
      CHECK_FALSE(h.holds[5]);
      h.release_first();
      CHECK(h.holds[5]);
      CHECK(h.holding() == 5);
      h.release_all();
    });
  });
}

TEST_CASE("a total that is lowered to 0 keeps who waits waiting", "[LIM-13]") {
  face::run([] {
    structio::capacity_limiter l(1);
    holders h(l);
    structio::open_nursery([&](structio::nursery& n) {
      h.start(n, 2);
      CHECK(h.holding() == 1);
      l.set_total(0);
      h.release_first();
      CHECK(h.holding() == 0);
      CHECK(l.statistics().waiting == 1);
      CHECK(l.statistics().borrowed == 0);
      l.set_total(1);
      wait_all_tasks_blocked();
      CHECK(h.holding() == 1);
      h.release_all();
    });
  });
}

TEST_CASE("a limiter knows any number of borrowers", "[LIM-05]") {
  face::run([] {
    structio::capacity_limiter l(structio::capacity_limiter::unlimited);
    std::mt19937 random(5);
    std::map<std::uintptr_t, bool> model;
    for (int i = 0; i < 20'000; ++i) {
      const std::uintptr_t key = (1 + random() % 700) * (i % 3 == 0 ? 64 : 4096);
      const auto* object = reinterpret_cast<const void*>(key);
      bool& there = model[key];
      const int expected = there ? STRUCTIO_EMISUSE : 0;
      if (random() % 2 == 0) {
        const int status = structio_limiter_try_acquire_on_behalf(l.native(), object);
        if (status != expected) FAIL("acquire " << key);
        there = true;
      } else {
        const int status = structio_limiter_release_on_behalf(l.native(), object);
        if ((status == 0) != there) FAIL("release " << key);
        there = false;
      }
    }
    std::size_t left = 0;
    for (const auto& [key, there] : model) left += there;
    CHECK(l.borrowers().size() == left);
    for (const structio_borrower& b : l.borrowers()) l.release_on_behalf(b.object);
    CHECK(l.statistics().borrowed == 0);
  });
}

TEST_CASE("hooks release and raise; who waits for a limiter that goes away is told", "[LIM-07]") {
  face::run([] {
    auto l = std::make_unique<structio::capacity_limiter>(0);
    int told = 0;
    structio_portal* portal = nullptr;
    structio_portal_new(&portal);
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        l->acquire_on_behalf(&told);
        ++told;
      });
      wait_all_tasks_blocked();
      const auto hook = [](void* arg) {
        auto* raw = static_cast<structio_limiter*>(arg);
        CHECK(structio_limiter_acquire(raw) == STRUCTIO_ENOTASK);
        CHECK(structio_limiter_try_acquire(raw) == STRUCTIO_ENOTASK);
        CHECK(structio_limiter_release(raw) == STRUCTIO_ENOTASK);
        CHECK(structio_limiter_set_total(raw, 1) == 0);
        CHECK(structio_limiter_release_on_behalf(raw, raw) == STRUCTIO_EMISUSE);
        return 0;
      };
      structio_portal_post(portal, hook, l->native());
      structio_portal_free(portal);
      wait_all_tasks_blocked();
      CHECK(told == 1);
      n.start_soon([&] { told += throws<structio::broken_error>([&] { l->acquire(); }); });
      wait_all_tasks_blocked();
      CHECK(structio_limiter_destroy(l->native()) == STRUCTIO_EMISUSE);
      l.reset();
    });
    CHECK(told == 2);
  });
}
