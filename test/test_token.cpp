// Portals: how other threads reach a run, in which order, and until when. Cancel tokens from
// threads and signal handlers are in test_stop.cpp.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

// A portal for the length of a block, in the run that is current.
class open_portal {
 public:
  open_portal() { REQUIRE(structio_portal_new(&raw) == 0); }
  open_portal(const open_portal&) = delete;
  open_portal& operator=(const open_portal&) = delete;
  ~open_portal() { structio_portal_free(raw); }
  structio_portal* raw = nullptr;
};

// A numbered call that notes that it was made.
struct call_of {
  std::vector<int>* made;
  int number;
  static int go(void* arg) {
    auto& self = *static_cast<call_of*>(arg);
    self.made->push_back(self.number);
    return 0;
  }
};

std::vector<call_of> numbered(std::vector<int>& made, int count) {
  std::vector<call_of> calls;
  for (int i = 0; i < count; ++i) calls.push_back({&made, i});
  return calls;
}

std::vector<int> up_to(int count) {
  std::vector<int> all;
  for (int i = 0; i < count; ++i) all.push_back(i);
  return all;
}

template <class Fn>
int post(structio_portal* portal, Fn& fn) {
  return structio_portal_post(portal, call<Fn>, &fn);
}

}  // namespace

TEST_CASE("a posted call is made later, inside the run, outside of tasks", "[TOKEN-02][FIB-18]") {
  int made = 0;
  auto callback = [&] {
    ++made;
    CHECK(structio_in_run() == 1);
    CHECK(structio_in_task() == 0);
    CHECK(structio_task_current() == 0);
    CHECK(structio_sleep(1) == STRUCTIO_ENOTASK);
    CHECK(says({"structio_sleep", "callback outside of tasks"}));
    CHECK(structio_checkpoint() == STRUCTIO_ENOTASK);
    CHECK(structio_now() >= 0);
    return 0;
  };
  virtual_clock clock;
  auto body = [&] {
    const open_portal portal;
    CHECK(post(portal.raw, callback) == 0);
    CHECK(made == 0);
    settle();
    CHECK(made == 1);
    return 0;
  };
  CHECK(run(body, clock.options()) == 0);
}

TEST_CASE("a posted call may start tasks, wake them and cancel scopes", "[TOKEN-02]") {
  structio_waiter waiter;
  structio_scope scope;
  int64_t woken = 0;
  int started = 0;
  auto child = [&] { return started = 1; };
  auto waiting = [&] {
    structio_waiter_init(&waiter);
    woken = structio_park(&waiter, "a test", nullptr, nullptr);
    return 0;
  };
  auto cancelled = [&] { return scope_block(scope, [] { return structio_sleep_forever(); }); };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      const open_portal portal;
      auto callback = [&] {
        CHECK(structio_wake(&waiter, 7) == 1);
        CHECK(structio_scope_cancel(&scope, "from outside") == 0);
        CHECK(spawn(n, "child", child) == 0);
        return 1;
      };
      spawn(n, "waiting", waiting);
      spawn(n, "cancelled", cancelled);
      settle();
      CHECK(post(portal.raw, callback) == 0);
      settle();
      return 0;
    });
  };
  CHECK(run(body) == 0);
  CHECK(woken == 7);
  CHECK(started == 1);
  CHECK(structio_scope_cancelled_caught(&scope) == 1);
}

TEST_CASE("posting once: the same call queued and not begun is one", "[TOKEN-04]") {
  std::vector<int> made;
  auto calls = numbered(made, 3);
  auto body = [&] {
    const open_portal portal;
    structio_portal_post(portal.raw, call_of::go, &calls[1]);
    for (int i = 0; i < 3; ++i) structio_portal_post_once(portal.raw, call_of::go, &calls[1]);
    for (int i = 0; i < 2; ++i) structio_portal_post_once(portal.raw, call_of::go, &calls[2]);
    settle();
    CHECK(made == std::vector<int>{1, 1, 2});
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("many different calls posted once each run in the order of their first", "[TOKEN-05]") {
  std::vector<int> made;
  auto calls = numbered(made, 100);
  auto body = [&] {
    const open_portal portal;
    for (int round = 0; round < 3; ++round) {
      for (call_of& c : calls) structio_portal_post_once(portal.raw, call_of::go, &c);
    }
    settle();
    CHECK(made == up_to(100));
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a call that has begun may be posted once more, by itself", "[TOKEN-06]") {
  struct again {
    structio_portal* portal;
    int made = 0;
    static int go(void* arg) {
      auto& self = *static_cast<again*>(arg);
      if (++self.made < 5) structio_portal_post_once(self.portal, go, &self);
      return 0;
    }
  };
  auto body = [&] {
    const open_portal portal;
    again self{portal.raw};
    structio_portal_post_once(portal.raw, again::go, &self);
    settle();
    CHECK(self.made == 5);
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("what was accepted is run although main has ended", "[TOKEN-07][SRC-08]") {
  for (const int status : {0, -77}) {
    bool made = false;
    auto callback = [&] {
      made = true;
      return 0;
    };
    auto body = [&] {
      const open_portal portal;
      post(portal.raw, callback);
      return status;
    };
    CHECK(run(body) == status);
    CHECK(made);
  }
}

TEST_CASE("a call that fails cancels main; later calls are made; it is the cause", "[TOKEN-08]") {
  owned_failure why;
  structio_run_options options = run_options();
  options.failure = &why.raw;
  int source = 0;
  bool later = false;
  auto failing = [] { return fail(-77, "in a callback"); };
  auto behind = [&] {
    later = true;
    return 0;
  };
  auto body = [&] {
    const open_portal portal;
    post(portal.raw, failing);
    post(portal.raw, behind);
    const int status = structio_sleep_forever();
    source = cancel_source();
    return status;
  };
  CHECK(run(body, options) == STRUCTIO_EINTERNAL);
  CHECK(source == STRUCTIO_SOURCE_SHUTDOWN);
  CHECK(later);
  CHECK(why.code() == STRUCTIO_EINTERNAL);
  REQUIRE(why.count() == 1);
  CHECK(why.member(0) == -77);
  CHECK_THAT(why.tree(), ContainsSubstring("in a callback"));
}

TEST_CASE("what a call put in flight and did not return is dropped", "[TOKEN-08]") {
  auto harmless = [] {
    fail(-77, "never mind");
    return 0;
  };
  auto body = [&] {
    const open_portal portal;
    post(portal.raw, harmless);
    settle();
    return structio_checkpoint();
  };
  CHECK(run(body) == 0);
}

TEST_CASE("calls run in the order in which they were posted", "[TOKEN-09][TOKEN-12]") {
  for (const int count : {100, 20000}) {
    std::vector<int> made;
    auto calls = numbered(made, count);
    auto body = [&] {
      const open_portal portal;
      for (call_of& c : calls) structio_portal_post(portal.raw, call_of::go, &c);
      settle();
      return 0;
    };
    CHECK(run(body) == 0);
    CHECK(made == up_to(count));
  }
}

TEST_CASE("a call that always posts itself starves nobody", "[TOKEN-10]") {
  for (const bool virtual_time : {true, false}) {
    struct chain {
      structio_portal* portal = nullptr;
      int made = 0;
      int refused = 0;
      static int go(void* arg) {
        auto& self = *static_cast<chain*>(arg);
        ++self.made;
        self.refused = structio_portal_post(self.portal, go, &self);
        return 0;
      }
    } self;
    virtual_clock clock;
    auto body = [&] {
      REQUIRE(structio_portal_new(&self.portal) == 0);
      structio_portal_post(self.portal, chain::go, &self);
      for (int i = 0; i < 20; ++i) structio_checkpoint();
      return 0;
    };
    CHECK(run(body, virtual_time ? clock.options() : run_options()) == 0);
    CHECK(self.refused == STRUCTIO_ERUNFINISHED);
    if (virtual_time) CHECK(self.made >= 19);
    CHECK(structio_portal_free(self.portal) == 0);
  }
}

TEST_CASE("a thread that posts without pause loses nothing and stops nobody", "[TOKEN-11]") {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<int> last{1};
  std::uint64_t made = 0;
  structio_portal* portal = nullptr;
  auto count = [&] {
    ++made;
    return 0;
  };
  std::thread poster;
  auto body = [&] {
    REQUIRE(structio_portal_new(&portal) == 0);
    poster = std::thread([&] {
      int status = 0;
      while ((status = post(portal, count)) == 0) ++accepted;
      last = status;
    });
    while (made < 1000) structio_checkpoint();
    return 0;
  };
  CHECK(run(body) == 0);
  poster.join();
  CHECK(last == STRUCTIO_ERUNFINISHED);
  CHECK(made == accepted);
  CHECK(structio_portal_free(portal) == 0);
}

TEST_CASE("several threads: each one's calls in order, none lost", "[TOKEN-11]") {
  constexpr int threads = 4;
  constexpr int each = 2000;
  std::vector<int> made[threads];
  std::vector<call_of> calls[threads];
  int total = 0;
  std::vector<std::thread> posters;
  auto body = [&] {
    const open_portal portal;
    for (int t = 0; t < threads; ++t) {
      calls[t] = numbered(made[t], each);
      posters.emplace_back([&, t] {
        for (call_of& c : calls[t]) structio_portal_post(portal.raw, call_of::go, &c);
      });
    }
    while (total < threads * each) {
      structio_checkpoint();
      total = 0;
      for (const auto& m : made) total += static_cast<int>(m.size());
    }
    for (std::thread& t : posters) t.join();
    return 0;
  };
  CHECK(run(body) == 0);
  for (const auto& m : made) CHECK(m == up_to(each));
}

TEST_CASE("a thread wakes a run that sleeps", "[TOKEN-02]") {
  structio_waiter waiter;
  int64_t got = 0;
  auto wake = [&] { return structio_wake(&waiter, 3); };
  auto body = [&] {
    const open_portal portal;
    structio_waiter_init(&waiter);
    std::thread other([&] { post(portal.raw, wake); });
    got = structio_park(&waiter, "a thread", nullptr, nullptr);
    other.join();
    return 0;
  };
  CHECK(run(body) == 0);
  CHECK(got == 3);
}

TEST_CASE("a portal that is freed from outside lets the deadlock be seen", "[TOKEN]") {
  std::thread other;
  structio_portal* portal = nullptr;
  auto body = [&] {
    REQUIRE(structio_portal_new(&portal) == 0);
    other = std::thread([&] { structio_portal_free(portal); });
    return structio_sleep_forever();
  };
  CHECK(run(body) == STRUCTIO_EDEADLOCK);
  other.join();
}

TEST_CASE("a call that is made after everything else has ended and fails", "[TOKEN-13]") {
  bool behind = false;
  owned_failure why;
  structio_run_options options = run_options();
  options.failure = &why.raw;
  auto failing = [] { return -78; };
  auto last = [&] {
    behind = true;
    int refused = 0;
    auto task = [] { return 0; };
    refused = start_system(task);
    CHECK(refused == STRUCTIO_ECLOSED);
    return 0;
  };
  structio_portal* portal = nullptr;
  auto system = [&] {
    const int status = structio_sleep_forever();
    post(portal, failing);  // in the last step of the last task
    post(portal, last);
    return status;
  };
  auto body = [&] {
    structio_portal_new(&portal);
    start_system(system);
    settle();
    return 0;
  };
  CHECK(run(body, options) == STRUCTIO_EINTERNAL);
  CHECK(why.member(0) == -78);
  CHECK(behind);
  CHECK(structio_portal_free(portal) == 0);
}

TEST_CASE("a portal outlives its run, and says that it is over", "[TOKEN-10][FIB-11]") {
  structio_portal* portal = nullptr;
  auto nothing = [] { return 0; };
  auto body = [&] { return structio_portal_new(&portal); };
  CHECK(run(body) == 0);
  CHECK(post(portal, nothing) == STRUCTIO_ERUNFINISHED);
  CHECK(says({"ended"}));
  CHECK(structio_portal_post_once(portal, call<decltype(nothing)>, &nothing) ==
        STRUCTIO_ERUNFINISHED);
  CHECK(structio_portal_free(portal) == 0);
  CHECK(post(portal, nothing) == STRUCTIO_ESTALE);
  CHECK(structio_portal_free(portal) == STRUCTIO_ESTALE);
}

TEST_CASE("a pass: what was posted, then deadlines, then tasks", "[SRC-01]") {
  virtual_clock clock;
  std::vector<std::string> order;
  std::uint64_t ready_at_post = 99;
  auto sleeper = [&] {
    structio_sleep(STRUCTIO_SECONDS(1));
    order.emplace_back("deadline");
    return 0;
  };
  auto ready = [&] {
    structio_checkpoint();
    order.emplace_back("ready before");
    return 0;
  };
  auto callback = [&] {
    structio_statistics s{};
    s.struct_size = sizeof s;
    structio_get_statistics(&s);
    ready_at_post = s.tasks_runnable;
    order.emplace_back("post");
    return 0;
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      const open_portal portal;
      spawn(n, "sleeper", sleeper);
      settle();
      spawn(n, "ready", ready);
      structio_checkpoint();  // it has run once, and is ready again
      post(portal.raw, callback);
      clock.jump(STRUCTIO_SECONDS(2));
      return structio_checkpoint();
    });
  };
  structio_run_options options = clock.options();
  options.seed = 0;
  CHECK(run(body, options) == 0);
  CHECK(ready_at_post == 2);  // main and "ready", the sleeper not yet
  CHECK(order == std::vector<std::string>{"post", "ready before", "deadline"});
}
