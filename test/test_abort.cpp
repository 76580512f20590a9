// Park, wake and the abort protocol: what everything that waits is made of. Spoken through the C
// ABI, where a wrong answer can be given.
#include <string>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

// One wait with an abort function that counts and answers as told.
struct wait_point {
  structio_waiter waiter;
  int answer = STRUCTIO_ABORT_DONE;
  int asked = 0;
  int64_t wake_within = 0;  // not 0: the abort function wakes the task itself, with that
  int woke = -1;

  static int abort(void* arg) {
    auto& self = *static_cast<wait_point*>(arg);
    ++self.asked;
    if (self.wake_within != 0) self.woke = structio_wake(&self.waiter, self.wake_within);
    return self.answer;
  }

  int64_t park() {
    REQUIRE(structio_waiter_init(&waiter) == 0);
    return structio_park(&waiter, "a test", abort, this);
  }
};

}  // namespace

TEST_CASE("wake hands its result over; the first decides", "[ABORT][SCHED-10]") {
  wait_point w;
  int64_t got = 0;
  auto waiting = [&] {
    got = w.park();
    return 0;
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "waiting", waiting);
      settle();
      CHECK(structio_wake(&w.waiter, 41) == 1);
      CHECK(structio_wake(&w.waiter, 42) == 0);
      CHECK(got == 0);  // it only became ready
      settle();
      CHECK(got == 41);
      CHECK(structio_wake(&w.waiter, 43) == 0);
      return 0;
    });
  };
  CHECK(run(body) == 0);
  CHECK(w.asked == 0);
}

TEST_CASE("a wake that comes before the park is kept, and beats cancellation", "[ABORT]") {
  auto body = [&] {
    structio_scope s;
    return scope_block(s, [&] {
      wait_point w;
      REQUIRE(structio_waiter_init(&w.waiter) == 0);
      CHECK(structio_wake(&w.waiter, -3) == 1);
      CHECK(structio_wake(&w.waiter, 9) == 0);
      CHECK(structio_scope_cancel(&s, nullptr) == 0);
      CHECK(structio_park(&w.waiter, "early", wait_point::abort, &w) == -3);
      CHECK(w.asked == 0);
      CHECK(structio_park(&w.waiter, "again", nullptr, nullptr) == STRUCTIO_EMISUSE);
      CHECK(says({"structio_park", "one wait", "init it again"}));
      return structio_checkpoint();
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("an answer that is none ends the run; everything is unwound", "[ABORT-02]") {
  for (const int answer : {0, -1, 3}) {
    wait_point w;
    w.answer = answer;
    bool unwound = false;
    structio_failure* why = nullptr;
    structio_run_options options = run_options();
    options.failure = &why;
    auto waiting = [&] {
      const int64_t status = w.park();
      unwound = true;
      return static_cast<int>(status);
    };
    auto body = [&] {
      return nursery_block([&](structio_nursery& n) {
        spawn(n, "waiting", waiting);
        settle();
        structio_scope_cancel(structio_nursery_scope(&n), nullptr);
        return structio_sleep_forever();
      });
    };
    CHECK(run(body, options) == STRUCTIO_EINTERNAL);
    const owned_failure owned(why);
    CHECK(owned.code() == STRUCTIO_EINTERNAL);
    CHECK_THAT(owned.text(), ContainsSubstring("abort function answered neither"));
    CHECK(w.asked == 1);
    CHECK(unwound);
  }
}

TEST_CASE("a slow abort: the wait ends with what the wake says", "[ABORT-03]") {
  wait_point w;
  w.answer = STRUCTIO_ABORT_LATER;
  int64_t got = 0;
  structio_scope s;
  auto waiting = [&] {
    const int status = scope_block(s, [&] {
      got = w.park();
      return static_cast<int>(got);
    });
    CHECK(status == 0);
    CHECK(structio_scope_cancelled_caught(&s) == 1);
    return status;
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "waiting", waiting);
      settle();
      structio_scope_cancel(&s, nullptr);
      settle();
      CHECK(w.asked == 1);
      CHECK(got == 0);
      CHECK(structio_wake(&w.waiter, STRUCTIO_ECANCELLED) == 1);
      return 0;
    });
  };
  CHECK(run(body) == 0);
  CHECK(got == STRUCTIO_ECANCELLED);
}

TEST_CASE("a slow abort may end well all the same", "[ABORT-03]") {
  wait_point w;
  w.answer = STRUCTIO_ABORT_LATER;
  auto body = [&] {
    structio_scope s;
    return nursery_block([&](structio_nursery& n) {
      auto waiting = [&] {
        return scope_block(s, [&] {
          CHECK(w.park() == 5);
          CHECK(structio_checkpoint() == STRUCTIO_ECANCELLED);
          return 0;
        });
      };
      spawn(n, "waiting", waiting);
      settle();
      structio_scope_cancel(&s, nullptr);
      CHECK(structio_wake(&w.waiter, 5) == 1);
      settle();
      CHECK(structio_scope_cancelled_caught(&s) == 0);
      return 0;
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("an abort in flight is not asked for again", "[ABORT-04]") {
  wait_point w;
  w.answer = STRUCTIO_ABORT_LATER;
  structio_scope outer;
  structio_scope inner;
  auto waiting = [&] {
    return scope_block(
        outer, [&] { return scope_block(inner, [&] { return static_cast<int>(w.park()); }); });
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "waiting", waiting);
      settle();
      structio_scope_cancel(&inner, nullptr);
      structio_scope_cancel(&outer, nullptr);
      structio_scope_set_shield(&inner, 1);
      structio_scope_set_shield(&inner, 0);
      CHECK(w.asked == 1);
      structio_wake(&w.waiter, STRUCTIO_ECANCELLED);
      return 0;
    });
  };
  CHECK(run(body) == 0);
  CHECK(w.asked == 1);
  CHECK(structio_scope_cancelled_caught(&outer) == 1);
  CHECK(structio_scope_cancelled_caught(&inner) == 0);
}

TEST_CASE("a cancellation that was taken is delivered behind a new shield", "[ABORT-05]") {
  wait_point w;
  w.answer = STRUCTIO_ABORT_LATER;
  structio_scope outer;
  structio_scope inner;
  int next = -1;
  auto waiting = [&] {
    return scope_block(outer, [&] {
      return scope_block(inner, [&] {
        const int64_t got = w.park();
        CHECK(got == STRUCTIO_ECANCELLED);
        next = structio_checkpoint();
        return static_cast<int>(got);
      });
    });
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "waiting", waiting);
      settle();
      structio_scope_cancel(&outer, nullptr);
      structio_scope_set_shield(&inner, 1);
      structio_wake(&w.waiter, STRUCTIO_ECANCELLED);
      return 0;
    });
  };
  CHECK(run(body) == 0);
  CHECK(next == 0);
  CHECK(structio_scope_cancelled_caught(&outer) == 1);
  CHECK(structio_scope_cancelled_caught(&inner) == 0);
}

TEST_CASE("an abort function that shields its own task has undone the wait", "[ABORT-05]") {
  structio_scope inner;
  structio_waiter waiter;
  const auto abort = [](void* arg) -> int {
    structio_scope_set_shield(static_cast<structio_scope*>(arg), 1);
    return STRUCTIO_ABORT_DONE;
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      auto waiting = [&] {
        return scope_block(inner, [&] {
          structio_waiter_init(&waiter);
          const int64_t got = structio_park(&waiter, "a test", abort, &inner);
          CHECK(got == STRUCTIO_ECANCELLED);
          return static_cast<int>(got);
        });
      };
      spawn(n, "waiting", waiting);
      settle();
      structio_scope_cancel(structio_nursery_scope(&n), nullptr);
      return 0;
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("cancel asks within its own call, and the tree is whole then", "[ABORT-06]") {
  struct seen {
    structio_waiter waiter;
    structio_nursery* nursery;
    int in_task = -1;
    int in_run = -1;
    int blocked = 0;
    std::string refusal;
    int called = -1;
    int started = -1;
    int ran = 0;
  } s;
  const auto abort = [](void* arg) -> int {
    auto& self = *static_cast<seen*>(arg);
    self.in_task = structio_in_task();
    self.in_run = structio_in_run();
    self.blocked = structio_sleep(1);
    self.refusal = message();
    self.called = structio_scope_cancel_called(structio_nursery_scope(self.nursery));
    self.started = structio_nursery_start_soon(
        self.nursery, [](void* ran) { return ++*static_cast<int*>(ran); }, &self.ran);
    return STRUCTIO_ABORT_DONE;
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      s.nursery = &n;
      auto waiting = [&] {
        structio_waiter_init(&s.waiter);
        return static_cast<int>(structio_park(&s.waiter, "a test", abort, &s));
      };
      spawn(n, "waiting", waiting);
      settle();
      CHECK(structio_scope_cancel(structio_nursery_scope(&n), nullptr) == 0);
      CHECK(s.blocked == STRUCTIO_ENOTASK);
      return 0;
    });
  };
  CHECK(run(body) == 0);
  CHECK(s.in_run == 1);
  CHECK(s.in_task == 1);
  CHECK_THAT(s.refusal, ContainsSubstring("structio_sleep"));
  CHECK(s.called == 1);
  CHECK(s.started == 0);
  CHECK(s.ran == 1);
}

TEST_CASE("in a cancelled scope the abort function is asked before the sleep, once",
          "[ABORT-07][RUN-06]") {
  struct seen {
    structio_waiter waiter;
    int asked = 0;
    int in_task = -1;
    int blocked = 0;
  } s;
  const auto abort = [](void* arg) -> int {
    auto& self = *static_cast<seen*>(arg);
    ++self.asked;
    self.in_task = structio_in_task();
    self.blocked = structio_sleep(1);  // would park the very task that is about to park
    return STRUCTIO_ABORT_DONE;
  };
  auto body = [&] {
    structio_scope scope;
    return scope_block(scope, [&] {
      structio_scope_cancel(&scope, nullptr);
      structio_waiter_init(&s.waiter);
      return static_cast<int>(structio_park(&s.waiter, "a test", abort, &s));
    });
  };
  CHECK(run(body) == 0);
  CHECK(s.asked == 1);
  CHECK(s.in_task == 1);
  CHECK(s.blocked == STRUCTIO_ENOTASK);
}

TEST_CASE("an abort function may wake the task itself, parked or about to",
          "[ABORT-03][ABORT-07]") {
  for (const bool before_sleep : {false, true}) {
    for (const int answer : {STRUCTIO_ABORT_LATER, STRUCTIO_ABORT_DONE}) {
      wait_point w;
      w.answer = answer;
      w.wake_within = 8;
      auto body = [&] {
        structio_scope s;
        return nursery_block([&](structio_nursery& n) {
          auto waiting = [&] {
            return scope_block(s, [&] {
              if (before_sleep) structio_scope_cancel(&s, nullptr);
              CHECK(w.park() == 8);
              return structio_checkpoint();
            });
          };
          spawn(n, "waiting", waiting);
          settle();
          structio_scope_cancel(&s, nullptr);
          return 0;
        });
      };
      CHECK(run(body) == 0);
      CHECK(w.asked == 1);
      CHECK(w.woke == 1);
    }
  }
}

TEST_CASE("abort functions may cancel others, and each is asked once", "[ABORT-04][ABORT-06]") {
  constexpr int many = 3000;  // more than nested calls would find room for on a task's stack
  struct chain {
    structio_waiter waiter;
    structio_scope scope;
    chain* next = nullptr;
    int asked = 0;
  };
  std::vector<chain> links(many);
  for (int i = 0; i + 1 < many; ++i) links[static_cast<size_t>(i)].next = &links[size_t(i) + 1];
  const auto abort = [](void* arg) -> int {
    auto& self = *static_cast<chain*>(arg);
    ++self.asked;
    if (self.next) structio_scope_cancel(&self.next->scope, "chain");
    return STRUCTIO_ABORT_DONE;
  };
  struct child {
    chain* link;
    structio_abort_fn abort;
    int operator()() const {
      return scope_block(link->scope, [&] {
        structio_waiter_init(&link->waiter);
        return static_cast<int>(structio_park(&link->waiter, "a test", abort, link));
      });
    }
  };
  auto body = [&] {
    std::vector<child> children;
    for (chain& link : links) children.push_back({&link, abort});
    return nursery_block([&](structio_nursery& n) {
      for (child& c : children) spawn(n, "link", c);
      settle();
      structio_scope_cancel(&links[0].scope, nullptr);
      int asked = 0;
      for (const chain& link : links) asked += link.asked;
      CHECK(asked == many);
      return 0;
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("whoever waits with nobody left to wake it is ended by force", "[ABORT-03][FIB-05]") {
  wait_point w;
  w.answer = STRUCTIO_ABORT_LATER;
  int64_t got = 0;
  auto body = [&] {
    got = w.park();
    return static_cast<int>(got);
  };
  CHECK(run(body) == STRUCTIO_EDEADLOCK);
  CHECK(w.asked == 1);
  CHECK(got == STRUCTIO_ECANCELLED);
}
