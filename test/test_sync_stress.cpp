// Random programs over all primitives at once, under many seeds: thousands of tasks that lock,
// wait, notify, borrow, are cancelled at any moment and by deadlines, and now and then end with a
// mutex locked. At the end nothing is lost, nothing is there twice, and nobody is left waiting.
//
// STRUCTIO_TEST_SEED=n runs that seed alone.
#include <structio/structio_sync.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

constexpr std::int64_t units = 3;
constexpr int objects = 5;

struct world {
  explicit world(std::uint64_t seed) : random(seed) {
    structio_mutex_init(&mutex);
    structio_mutex_init(&fragile);
    structio_condition_init(&changed, &mutex);
    structio_condition_init(&fragile_changed, &fragile);
    structio_semaphore_init(&semaphore, units, units);
    structio_limiter_init(&limiter, units);
    for (structio_event& e : events) structio_event_init(&e);
  }
  world(const world&) = delete;
  world& operator=(const world&) = delete;
  ~world() {
    expect(structio_condition_destroy(&changed) == 0, "tasks wait in the condition");
    expect(structio_condition_destroy(&fragile_changed) == 0, "tasks wait in the other condition");
    expect(structio_mutex_destroy(&mutex) == 0, "the mutex is in use");
    expect(structio_mutex_destroy(&fragile) == 0, "the other mutex is in use");
    expect(structio_semaphore_destroy(&semaphore) == 0, "tasks wait for the semaphore");
    expect(structio_limiter_destroy(&limiter) == 0, "the limiter is in use");
    for (structio_event& e : events) expect(structio_event_destroy(&e) == 0, "an event is in use");
  }

  int pick(int below) { return static_cast<int>(random() % static_cast<std::uint64_t>(below)); }
  bool chance(int percent) { return pick(100) < percent; }
  std::int64_t some_time() { return STRUCTIO_MICROSECONDS(pick(3000)); }
  void expect(bool true_now, const char* what) {
    if (!true_now && broken->empty()) *broken = what;
  }

  std::mt19937_64 random;
  std::string* broken = nullptr;
  structio_mutex mutex;
  structio_mutex fragile;  // whose owners may end
  structio_condition changed;
  structio_condition fragile_changed;
  structio_semaphore semaphore;
  structio_limiter limiter;
  structio_event events[8];
  std::vector<structio_scope*> scopes;  // entered, not left

  std::vector<int> queue;  // what the mutex protects: items on their way
  int made = 0;
  int taken = 0;
  int inside_mutex = 0;
  int inside_fragile = 0;
  int units_taken = 0;
  int tokens_taken = 0;
  int begun = 0;
  int ended = 0;
};

int maybe_rest(world& w) {
  switch (w.pick(4)) {
    case 0: return structio_checkpoint();
    case 1: return structio_sleep(w.some_time());
    default: return 0;
  }
}

// A mutex that is held on return, by whatever way: counts who is inside.
struct inside {
  world& w;
  int& count;
  inside(world& in, int& counter) : w(in), count(counter) {
    w.expect(++count == 1, "two are inside");
  }
  inside(const inside&) = delete;
  inside& operator=(const inside&) = delete;
  ~inside() { --count; }
};

int put(world& w) {
  int status = structio_mutex_lock(&w.mutex);
  if (status < 0) return status;
  {
    const inside here(w, w.inside_mutex);
    status = maybe_rest(w);
    if (status == 0) {
      w.queue.push_back(++w.made);
      w.expect(structio_condition_notify(&w.changed, 1) >= 0, "notify failed");
    }
  }
  w.expect(structio_mutex_unlock(&w.mutex) == 0, "not ours to unlock");
  return status;
}

int take(world& w) {
  int status = structio_mutex_lock(&w.mutex);
  if (status < 0) return status;
  ++w.inside_mutex;
  while (status == 0 && w.queue.empty()) {
    --w.inside_mutex;
    status = structio_condition_wait(&w.changed);
    w.expect(++w.inside_mutex == 1, "two are inside after a wait");
  }
  if (status == 0) {
    w.queue.pop_back();
    ++w.taken;
  }
  --w.inside_mutex;
  w.expect(structio_mutex_unlock(&w.mutex) == 0, "not ours to unlock after a wait");
  return status;
}

// Locks a mutex that may break, and sometimes breaks it.
int risk(world& w, bool& ends_holding) {
  int status = w.chance(20) ? structio_mutex_try_lock(&w.fragile) : structio_mutex_lock(&w.fragile);
  if (status == STRUCTIO_EWOULDBLOCK || status == STRUCTIO_EBROKEN) return 0;
  if (status < 0) return status;
  ++w.inside_fragile;
  w.expect(w.inside_fragile == 1, "two are inside the other mutex");
  status = maybe_rest(w);
  if (status == 0 && w.chance(30)) {
    --w.inside_fragile;
    status = structio_condition_wait(&w.fragile_changed);
    if (status == STRUCTIO_EBROKEN) return 0;
    ++w.inside_fragile;
  }
  if (w.chance(40)) structio_condition_notify(&w.fragile_changed, STRUCTIO_ALL);
  --w.inside_fragile;
  if (w.chance(1)) {
    ends_holding = true;
    return status;
  }
  w.expect(structio_mutex_unlock(&w.fragile) == 0, "not ours to unlock, the other");
  return status;
}

int use_unit(world& w) {
  int status = w.chance(20) ? structio_semaphore_try_acquire(&w.semaphore)
                            : structio_semaphore_acquire(&w.semaphore);
  if (status == STRUCTIO_EWOULDBLOCK) return 0;
  if (status < 0) return status;
  w.expect(++w.units_taken <= units, "more units than there are");
  status = maybe_rest(w);
  --w.units_taken;
  w.expect(structio_semaphore_release(&w.semaphore) == 0, "a unit too many");
  return status;
}

int use_token(world& w) {
  const void* object = w.chance(50) ? &w.events[w.pick(objects)] : nullptr;
  int status = object ? structio_limiter_acquire_on_behalf(&w.limiter, object)
                      : structio_limiter_acquire(&w.limiter);
  if (status == STRUCTIO_EMISUSE) return 0;  // somebody acts for that object already
  if (status < 0) return status;
  ++w.tokens_taken;
  if (w.chance(30)) structio_limiter_set_total(&w.limiter, w.pick(static_cast<int>(units) + 1));
  status = maybe_rest(w);
  structio_limiter_set_total(&w.limiter, units);
  --w.tokens_taken;
  status = status < 0 ? status : 0;
  w.expect((object ? structio_limiter_release_on_behalf(&w.limiter, object)
                   : structio_limiter_release(&w.limiter)) == 0,
           "a token is lost");
  return status;
}

int steps(world& w, bool& ends_holding) {
  int status = 0;
  for (int left = 1 + w.pick(6); left > 0 && status == 0 && !ends_holding; --left) {
    switch (w.pick(9)) {
      case 0: status = put(w); break;
      case 1: status = take(w); break;
      case 2: status = risk(w, ends_holding); break;
      case 3: status = use_unit(w); break;
      case 4: status = use_token(w); break;
      case 5: status = structio_event_wait(&w.events[w.pick(8)]); break;
      case 6: structio_event_set(&w.events[w.pick(8)]); break;
      case 7:
        if (!w.scopes.empty()) {
          structio_scope_cancel(
              w.scopes[static_cast<std::size_t>(w.pick(static_cast<int>(w.scopes.size())))],
              "meddling");
        }
        break;
      default: status = maybe_rest(w);
    }
  }
  return status;
}

struct worker {
  world* w;

  int operator()() const {
    ++w->begun;
    bool ends_holding = false;
    structio_scope scope;
    structio_scope_options options = scope_options();
    options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
    options.deadline = w->some_time() + 1;
    const int status = scope_block(
        scope,
        [&] {
          w->scopes.push_back(&scope);
          const int result = steps(*w, ends_holding);
          std::erase(w->scopes, &scope);
          return result;
        },
        options);
    w->expect(status == 0, "a worker failed");
    ++w->ended;
    return 0;
  }
};

std::string run_seed(std::uint64_t seed) {
  std::string broken;
  virtual_clock clock(0);
  structio_run_options options = clock.options();
  options.seed = seed;
  if (seed % 3 == 0) options.budget = 5;
  {
    world w(seed);
    w.broken = &broken;
    std::deque<worker> workers;
    auto body = [&] {
      return nursery_block([&](structio_nursery& n) {
        for (int i = 0; i < 1200; ++i) {
          workers.push_back({&w});
          spawn(n, "worker", workers.back());
          if (i % 50 == 0) structio_sleep(w.some_time() / 4);
          structio_mutex_statistics s{};
          s.struct_size = sizeof s;
          structio_mutex_get_statistics(&w.fragile, &s);
          if (s.broken && structio_mutex_destroy(&w.fragile) == 0) {
            structio_mutex_init(&w.fragile);  // the next generation
          }
        }
        return 0;
      });
    };
    w.expect(run(body, options) == 0, structio_last_message());
    w.expect(w.begun == w.ended && w.begun == 1200, "a worker is lost");
    w.expect(w.made == w.taken + static_cast<int>(w.queue.size()), "an item is lost");
    w.expect(structio_semaphore_value(&w.semaphore) == units, "a unit is lost");
    w.expect(structio_limiter_borrowers(&w.limiter, nullptr, 0) == 0, "a token is borrowed");
    w.expect(w.inside_mutex == 0 && w.inside_fragile == 0, "somebody is inside");
    w.expect(structio_mutex_locked(&w.mutex) == 0, "the mutex is locked");
  }
  return broken;
}

}  // namespace

TEST_CASE("primitives under random programs: nothing is lost, nobody waits for ever",
          "[EVT][LOCK][SEM][COND][LIM]") {
  if (const char* given = std::getenv("STRUCTIO_TEST_SEED")) {
    CHECK(run_seed(std::strtoull(given, nullptr, 10)) == "");
    return;
  }
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    INFO("again with STRUCTIO_TEST_SEED=" << seed);
    CHECK(run_seed(seed) == "");
  }
}

TEST_CASE("a notification for each item: no consumer waits while there is one", "[COND-06]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::string broken;
    world w(seed);
    w.broken = &broken;
    virtual_clock clock(0);
    structio_run_options options = clock.options();
    options.seed = seed;
    constexpr int items = 100;
    auto consumer = [&] {
      structio_scope scope;
      structio_scope_options timed = scope_options();
      timed.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
      timed.deadline = w.some_time();
      for (;;) {
        // Half of the waits are cut short: the notification then has to reach somebody else.
        const int status = w.chance(50) ? scope_block(
                                              scope, [&] { return take(w); }, timed)
                                        : take(w);
        if (status < 0) return status;
        if (w.taken == items) return 0;
      }
    };
    auto program = [&] {
      return nursery_block([&](structio_nursery& n) {
        for (int i = 0; i < 8; ++i) start_service(n, consumer);
        for (int i = 0; i < items; ++i) {
          structio_sleep(STRUCTIO_MICROSECONDS(200));
          const int status = put(w);
          if (status < 0) return status;
        }
        settle();
        w.expect(w.taken == items && w.queue.empty(), "consumers wait although there are items");
        return 0;
      });
    };
    INFO("seed " << seed);
    CHECK(run(program, options) == 0);
    CHECK(broken == "");
  }
}
