// A random program under many seeds: tasks that open nurseries and scopes, start and join each
// other, fail, park, wake, and cancel, shield, stop and re-time one another's scopes, on a virtual
// clock with a shuffled order. Whatever happens, every task ends, every block ends after all that
// lives in it, and nothing is left.
//
// STRUCTIO_TEST_SEED=n runs that seed alone.
#include <atomic>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

constexpr int failing_code = -700;

struct world {
  explicit world(std::uint64_t seed) : random(seed) {}

  int pick(int below) { return static_cast<int>(random() % static_cast<std::uint64_t>(below)); }
  bool chance(int percent) { return pick(100) < percent; }

  // Something of another task's, or null.
  template <class T>
  T* any(std::vector<T*>& of) {
    return of.empty() ? nullptr : of[static_cast<std::size_t>(pick(static_cast<int>(of.size())))];
  }

  void expect(bool true_now, const char* what) {
    if (!true_now && broken.empty()) broken = what;
  }

  std::mt19937_64 random;
  int tasks_left = 1500;
  int begun = 0;
  int ended = 0;
  std::vector<structio_scope*> scopes;  // entered, not left
  std::vector<structio_waiter*> waiters;
  std::vector<structio_task*> handles;
  structio_lot lot;
  structio_portal* portal = nullptr;
  std::string broken;
};

template <class T>
class listed {
 public:
  listed(std::vector<T*>& list, T& item) : list_(list), item_(&item) { list.push_back(&item); }
  listed(const listed&) = delete;
  listed& operator=(const listed&) = delete;
  ~listed() { std::erase(list_, item_); }

 private:
  std::vector<T*>& list_;
  T* item_;
};

int live(world& w, int depth);

// A task of the random program. Lives until its nursery has ended.
struct worker {
  world* w;
  int depth;
  bool starts = false;
  int* inside = nullptr;  // counts the tasks of its nursery

  static int go(void* arg) {
    worker& self = *static_cast<worker*>(arg);
    world& w = *self.w;
    ++w.begun;
    ++*self.inside;
    int status = 0;
    if (self.starts) {
      if (w.chance(30)) status = live(w, self.depth);
      if (status == 0) structio_started(&self);
    }
    if (status == 0) status = live(w, self.depth);
    if (status == 0 && w.chance(4)) status = failing_code;
    --*self.inside;
    ++w.ended;
    return status;
  }
};

int64_t some_time(world& w) {
  return STRUCTIO_MILLISECONDS(w.pick(50));
}

int sleep_exactly(world& w) {
  const int64_t until = structio_now() + some_time(w);
  const int status = structio_sleep_until(until);
  if (status == 0) w.expect(structio_now() >= until, "a sleep ended early");
  return status;
}

int in_scope(world& w, int depth) {
  structio_scope s;
  structio_scope_options options = scope_options();
  if (w.chance(50)) {
    options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
    options.deadline = some_time(w);
  }
  options.shield = w.chance(25);
  options.ends_on_stop = w.chance(25);
  int entered = 0;
  const int status = scope_block(
      s,
      [&] {
        const listed<structio_scope> here(w.scopes, s);
        entered = live(w, depth + 1);
        return entered;
      },
      options);
  const bool caught = structio_scope_cancelled_caught(&s) == 1;
  if (entered == STRUCTIO_ECANCELLED) {
    w.expect(caught == (status == 0), "a scope absorbed and did not say so");
    w.expect(!caught || structio_scope_cancel_called(&s) == 1, "caught without being cancelled");
  }
  if (entered >= 0) w.expect(status >= 0, "a scope failed by itself");
  return status;
}

void start_one(world& w, structio_nursery& n, worker& child, int& status) {
  structio_task* handle = nullptr;
  switch (w.pick(8)) {
    case 0: status = structio_nursery_start_service(&n, nullptr, worker::go, &child); break;
    case 1:
      child.starts = true;
      status = structio_nursery_start(&n, nullptr, worker::go, &child, nullptr);
      if (status == failing_code || status == STRUCTIO_EGROUP) {
        structio_failure_free(structio_failure_take());
        status = 0;  // before it had started, so it is ours to deal with
      }
      break;
    case 2:
      status = structio_nursery_start_task(&n, nullptr, worker::go, &child, &handle);
      if (handle) w.handles.push_back(handle);
      break;
    default: status = structio_nursery_start_soon(&n, worker::go, &child);
  }
}

int in_nursery(world& w, int depth) {
  const int wanted = 1 + w.pick(6);
  std::vector<std::unique_ptr<worker>> children;
  int inside = 0;
  owned_failure why;
  int status = nursery_block(
      [&](structio_nursery& n) {
        const listed<structio_scope> here(w.scopes, *structio_nursery_scope(&n));
        int result = 0;
        for (int i = 0; i < wanted && w.tasks_left > 0 && result == 0; ++i) {
          --w.tasks_left;
          children.push_back(std::make_unique<worker>(worker{&w, depth + 1}));
          children.back()->inside = &inside;
          start_one(w, n, *children.back(), result);
        }
        return result == 0 ? live(w, depth + 1) : result;
      },
      &why);
  w.expect(inside == 0, "a nursery ended before its children");
  w.expect(status == 0 || status == STRUCTIO_ECANCELLED || status == STRUCTIO_EGROUP,
           "a nursery reports what it must not");
  w.expect((status == STRUCTIO_EGROUP) == (why.kind() == STRUCTIO_FAILURE_GROUP), "not a group");
  if (status != STRUCTIO_EGROUP) return status;
  if (w.chance(70)) return 0;  // dealt with
  return structio_failure_raise(std::exchange(why.raw, nullptr));
}

int park(world& w) {
  structio_waiter waiter;
  structio_scope s;
  structio_scope_options options = scope_options();
  options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
  options.deadline = some_time(w);
  return scope_block(
      s,
      [&] {
        if (w.chance(30)) {
          const int status = structio_lot_park(&w.lot);
          return status;
        }
        structio_waiter_init(&waiter);
        const listed<structio_waiter> here(w.waiters, waiter);
        const int64_t result = structio_park(&waiter, "a stress test", nullptr, nullptr);
        w.expect(result == 5 || result == STRUCTIO_ECANCELLED, "a park ended strangely");
        return result == 5 ? 0 : static_cast<int>(result);
      },
      options);
}

// Meddles with what belongs to somebody else, from a task or from a hook.
void meddle(world& w) {
  structio_scope* s = w.any(w.scopes);
  if (!s) return;
  switch (w.pick(9)) {
    case 0: structio_scope_cancel(s, "meddling"); break;
    case 1: structio_scope_set_timeout(s, some_time(w)); break;
    case 2: structio_scope_set_shield(s, w.pick(2)); break;
    case 3: structio_scope_stop(s, some_time(w), "please"); break;
    case 4:
      if (structio_waiter* other = w.any(w.waiters)) structio_wake(other, 5);
      break;
    case 5: structio_lot_unpark(&w.lot, 1); break;
    case 6:
      if (structio_task* task = w.any(w.handles)) structio_task_cancel(task, "by handle");
      break;
    case 7: structio_scope_set_deadline(s, STRUCTIO_FOREVER); break;
    default: structio_scope_set_timeout(s, STRUCTIO_SECONDS(1));
  }
}

int post_meddling(world& w) {
  const auto callback = [](void* arg) -> int {
    meddle(*static_cast<world*>(arg));
    return 0;
  };
  return structio_portal_post(w.portal, callback, &w);
}

int join_somebody(world& w) {
  structio_task* task = w.any(w.handles);
  if (!task) return 0;
  structio_scope s;
  structio_scope_options options = scope_options();
  options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
  options.deadline = some_time(w);
  return scope_block(
      s,
      [&] {
        owned_failure why;
        const int joined = structio_task_join(task, &why.raw);
        if (joined == STRUCTIO_ECANCELLED && !why.raw) return joined;  // it is we who are
        return 0;
      },
      options);
}

// Some steps of a task's life: 0, STRUCTIO_ECANCELLED, or a failure.
int live(world& w, int depth) {
  int status = 0;
  for (int steps = 1 + w.pick(6); steps > 0 && status == 0; --steps) {
    switch (w.pick(depth > 9 ? 6 : 10)) {
      case 0: status = structio_checkpoint(); break;
      case 1: status = sleep_exactly(w); break;
      case 2: status = park(w); break;
      case 3: meddle(w); break;
      case 4: status = post_meddling(w); break;
      case 5: status = join_somebody(w); break;
      case 6:
      case 7: status = in_scope(w, depth); break;
      default: status = in_nursery(w, depth);
    }
  }
  if (status == STRUCTIO_ECANCELLED && w.chance(10)) {
    shielded([&] { return structio_sleep(some_time(w)); });  // cleaning up
  }
  return status;
}

// One whole run; what went wrong, or nothing.
std::string run_seed(std::uint64_t seed) {
  world w(seed);
  virtual_clock clock(0);
  structio_lot_init(&w.lot);
  structio_run_options options = clock.options();
  options.seed = seed;
  if (seed % 4 == 0) options.budget = 7;
  auto body = [&] {
    structio_portal_new(&w.portal);
    for (int round = 0; round < 40 && w.tasks_left > 0; ++round) {
      const int status = in_nursery(w, 0);
      w.expect(status == 0 || status == STRUCTIO_EGROUP, "main was cancelled by somebody");
      structio_failure_free(structio_failure_take());
      w.expect(structio_checkpoint() == 0, "main is cancelled outside of all scopes");
    }
    structio_statistics s{};
    s.struct_size = sizeof s;
    structio_get_statistics(&s);
    w.expect(s.tasks_living == 1, "somebody lives on");
    w.expect(s.tasks_runnable == 0, "somebody is ready who does not live");
    w.expect(s.to_next_deadline == STRUCTIO_FOREVER, "a deadline is left");
    for (structio_task* task : w.handles) {
      w.expect(structio_task_done(task) == 1, "a handle's task is not done");
      structio_task_free(task);
    }
    structio_portal_free(w.portal);
    return 0;
  };
  const int status = run(body, options);
  w.expect(status == 0, structio_last_message());
  w.expect(w.begun == w.ended, "a task began and did not end");
  w.expect(structio_lot_waiting(&w.lot) == 0, "somebody is parked for ever");
  w.expect(structio_lot_destroy(&w.lot) == 0, "the lot is in use");
  w.expect(w.scopes.empty() && w.waiters.empty(), "a block was not left");
  return w.broken;
}

}  // namespace

TEST_CASE("random programs end, and leave nothing behind", "[CANCEL][NUR][SRC-23]") {
  if (const char* given = std::getenv("STRUCTIO_TEST_SEED")) {
    CHECK(run_seed(std::strtoull(given, nullptr, 10)) == "");
    return;
  }
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("again with STRUCTIO_TEST_SEED=" << seed);
    CHECK(run_seed(seed) == "");
  }
}

TEST_CASE("runs on several threads do not meet", "[RUN][FIB-17]") {
  std::vector<std::thread> threads;
  std::string broken[4];
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t seed = 1; seed <= 5 && broken[t].empty(); ++seed) {
        broken[t] = run_seed(1000 * (t + 1) + seed);
      }
    });
  }
  for (std::thread& t : threads) t.join();
  for (const std::string& text : broken) CHECK(text == "");
}

TEST_CASE("two runs talk through portals", "[TOKEN-11][FIB-17]") {
  constexpr int rounds = 2000;
  struct side {
    structio_portal* own = nullptr;
    structio_waiter* waiting = nullptr;
    std::atomic<side*> other{nullptr};
    int balls = 0;

    static int receive(void* arg) {
      side& self = *static_cast<side*>(arg);
      ++self.balls;
      if (self.waiting) structio_wake(self.waiting, 0);
      return 0;
    }

    // Waits for a ball as often as there are rounds, and sends one back each time.
    int play(bool begins) {
      side* peer = nullptr;
      while (!(peer = other.load())) std::this_thread::yield();
      if (begins) structio_portal_post(peer->own, receive, peer);
      for (int i = 0; i < rounds; ++i) {
        while (balls == 0) {
          structio_waiter w;
          structio_waiter_init(&w);
          waiting = &w;
          structio_park(&w, "a ball", nullptr, nullptr);
          waiting = nullptr;
        }
        --balls;
        const bool last = i + 1 == rounds;
        if (!(last && begins)) structio_portal_post(peer->own, receive, peer);
      }
      return 0;
    }
  };
  side left;
  side right;
  const auto run_side = [](side& mine, side& theirs, bool begins) {
    auto body = [&] {
      structio_portal_new(&mine.own);
      theirs.other = &mine;
      return mine.play(begins);
    };
    return run(body);
  };
  int right_status = -1;
  std::thread thread([&] { right_status = run_side(right, left, false); });
  CHECK(run_side(left, right, true) == 0);
  thread.join();
  CHECK(right_status == 0);
  CHECK(structio_portal_free(left.own) == 0);
  CHECK(structio_portal_free(right.own) == 0);
}
