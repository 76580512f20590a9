// Random programs that break every rule they can, until something ends the run: abort functions
// that answer late and cancel others, blocks left open or in the wrong order, tasks started from
// hooks, tokens, interrupts, deadlocks, internal errors. Whatever ends it, every task that began
// ends, and the run says why.
//
// STRUCTIO_TEST_SEED=n runs that seed alone.
#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

enum class ending { none, interrupt, internal, system_task, callback, deadlock, count };

struct world {
  explicit world(std::uint64_t seed)
      : random(seed), way(static_cast<ending>(seed % static_cast<int>(ending::count))) {}

  int pick(int below) { return static_cast<int>(random() % static_cast<std::uint64_t>(below)); }
  bool chance(int percent) { return pick(100) < percent; }

  std::mt19937_64 random;
  ending way;
  bool over = false;  // the end was brought about: nobody starts anything any more
  int tasks_left = 300;
  int begun = 0;
  int ended = 0;
  std::vector<structio_nursery*> nurseries;  // open
  std::vector<structio_scope*> scopes;       // entered
  std::vector<structio_cancel_token*> tokens;
  std::deque<structio_scope> lost;  // storage of scopes that nobody leaves
  structio_portal* portal = nullptr;
};

int live(world& w, int depth);

struct args {
  world* w;
  int depth;
};

int task(void* arg) {
  const args a = *static_cast<args*>(arg);
  delete static_cast<args*>(arg);
  ++a.w->begun;
  const int status = live(*a.w, a.depth);
  ++a.w->ended;
  return status < 0 ? status : (a.w->chance(3) ? -700 : 0);
}

void start(world& w, structio_nursery& n, int depth) {
  if (w.tasks_left <= 0 || w.over) return;
  --w.tasks_left;
  auto* a = new args{&w, depth};
  int status = 0;
  if (w.chance(20)) {
    status = structio_nursery_start_service(&n, nullptr, task, a);
  } else {
    status = structio_nursery_start_soon(&n, task, a);
  }
  if (status < 0) delete a;
}

// Lets go of what could still wake somebody from outside.
void let_go(world& w) {
  for (structio_cancel_token* token : w.tokens) structio_cancel_token_free(token);
  w.tokens.clear();
  structio_portal_free(std::exchange(w.portal, nullptr));
}

// Brings about the end that this seed has chosen.
void end_it(world& w) {
  w.over = true;
  const auto failing = [](void*) -> int { return -701; };
  switch (w.way) {
    case ending::interrupt: structio_inject_interrupt(); break;
    case ending::internal: structio_inject_internal_error(); break;
    case ending::system_task: structio_start_system_task(nullptr, failing, nullptr); break;
    case ending::callback: structio_portal_post(w.portal, failing, nullptr); break;
    case ending::deadlock: let_go(w); break;
    default: break;
  }
}

void meddle(world& w) {
  if (w.scopes.empty()) return;
  structio_scope* s = w.scopes[static_cast<std::size_t>(w.pick(static_cast<int>(w.scopes.size())))];
  structio_cancel_token* token = nullptr;
  switch (w.pick(6)) {
    case 0: structio_scope_cancel(s, "meddling"); break;
    case 1: structio_scope_set_shield(s, w.pick(2)); break;
    case 2: structio_scope_stop(s, STRUCTIO_MILLISECONDS(w.pick(9)), nullptr); break;
    case 3:
      if (!w.over && structio_cancel_token_new(s, &token) == 0) w.tokens.push_back(token);
      break;
    case 4:
      if (!w.tokens.empty()) structio_cancel_token_cancel(w.tokens.back());
      break;
    default: structio_scope_set_timeout(s, STRUCTIO_MILLISECONDS(w.pick(9)));
  }
}

int meddle_later(world& w) {
  const auto callback = [](void* arg) -> int {
    world& from_outside = *static_cast<world*>(arg);
    meddle(from_outside);
    if (!from_outside.nurseries.empty()) start(from_outside, *from_outside.nurseries.back(), 6);
    return 0;
  };
  return w.portal ? structio_portal_post(w.portal, callback, &w) : 0;
}

// A wait whose abort function does what it likes, and is kept to its word.
struct slow_wait {
  world* w;
  structio_waiter waiter;

  static int wake(void* arg) {
    auto* self = static_cast<slow_wait*>(arg);
    structio_wake(&self->waiter, STRUCTIO_ECANCELLED);
    return 0;
  }
  static int abort(void* arg) {
    auto* self = static_cast<slow_wait*>(arg);
    world& w = *self->w;
    if (w.chance(40)) meddle(w);
    if (!w.nurseries.empty() && w.chance(30)) start(w, *w.nurseries.front(), 6);
    switch (w.pick(3)) {
      case 0: return STRUCTIO_ABORT_DONE;
      case 1: wake(arg); return STRUCTIO_ABORT_LATER;
      default:
        // The waiter lives until it is woken, since nobody else can end the wait.
        return w.portal && structio_portal_post(w.portal, wake, arg) == 0 ? STRUCTIO_ABORT_LATER
                                                                          : STRUCTIO_ABORT_DONE;
    }
  }
};

int wait_slowly(world& w) {
  structio_scope s;
  structio_scope_options options = scope_options();
  options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
  options.deadline = STRUCTIO_MILLISECONDS(w.pick(20));
  return scope_block(
      s,
      [&] {
        slow_wait wait{&w, {}};
        structio_waiter_init(&wait.waiter);
        return static_cast<int>(structio_park(&wait.waiter, "chaos", slow_wait::abort, &wait));
      },
      options);
}

int in_scope(world& w, int depth) {
  structio_scope s;
  return scope_block(s, [&] {
    w.scopes.push_back(&s);
    const int status = live(w, depth + 1);
    std::erase(w.scopes, &s);
    return status;
  });
}

int in_nursery(world& w, int depth) {
  structio_nursery n;
  if (const int status = structio_nursery_open(&n)) return status;
  w.nurseries.push_back(&n);
  w.scopes.push_back(structio_nursery_scope(&n));
  for (int i = w.pick(5); i >= 0; --i) start(w, n, depth + 1);
  const int status = live(w, depth + 1);
  std::erase(w.nurseries, &n);
  std::erase(w.scopes, structio_nursery_scope(&n));
  const int left = structio_nursery_close(&n, status, nullptr);
  if (left < 0 && left != STRUCTIO_ECANCELLED && !w.over && w.chance(80)) {
    structio_failure_free(structio_failure_take());
    return 0;
  }
  return left;
}

// Two scopes and a nursery, left from the outside inwards.
int misnest(world& w, int depth) {
  structio_scope outer;
  structio_nursery n;
  structio_scope_init(&outer, nullptr);
  structio_scope_enter(&outer);
  if (structio_nursery_open(&n) < 0) return structio_scope_leave(&outer, -1, nullptr);
  start(w, n, depth + 1);
  structio_checkpoint();
  structio_scope_leave(&outer, 0, nullptr);
  return structio_nursery_close(&n, 0, nullptr);
}

// A scope that nobody leaves, in storage that stays.
int lose_scope(world& w) {
  structio_scope& s = w.lost.emplace_back();
  structio_scope_init(&s, nullptr);
  structio_scope_set_timeout(&s, STRUCTIO_MILLISECONDS(5));
  return structio_scope_enter(&s);
}

int live(world& w, int depth) {
  int status = 0;
  for (int steps = 1 + w.pick(5); steps > 0 && status == 0; --steps) {
    if (!w.over && w.tasks_left < 30) end_it(w);
    if (w.over && w.way == ending::deadlock) return structio_sleep_forever();
    switch (w.pick(depth > 8 ? 5 : 10)) {
      case 0: status = structio_sleep(STRUCTIO_MILLISECONDS(w.pick(5))); break;
      case 1: meddle(w); break;
      case 2: status = meddle_later(w); break;
      case 3:
      case 4: status = wait_slowly(w); break;
      case 5: status = in_scope(w, depth); break;
      case 6: status = misnest(w, depth); break;
      case 7: status = w.chance(10) && depth > 0 ? lose_scope(w) : 0; break;
      default: status = in_nursery(w, depth);
    }
  }
  if (status < 0 && w.chance(20)) {
    shielded([&] { return structio_sleep(STRUCTIO_MILLISECONDS(w.pick(3))); });
  }
  return status;
}

// What a run may come to that was ended this way.
bool fits(ending way, int status, bool over) {
  if (!over || way == ending::none || way == ending::deadlock) {
    return status == 0 || status == STRUCTIO_EDEADLOCK;
  }
  // Main may have dealt with an interrupt, or ended before it came.
  if (way == ending::interrupt) {
    return status == 0 || status == STRUCTIO_EINTERRUPTED || status == STRUCTIO_EGROUP;
  }
  return status == STRUCTIO_EINTERNAL;
}

std::string run_seed(std::uint64_t seed) {
  world w(seed);
  virtual_clock clock(0);
  structio_run_options options = clock.options();
  options.seed = seed;
  structio_failure* why = nullptr;
  options.failure = &why;
  int main_begun = 0;
  auto body = [&] {
    ++main_begun;
    structio_portal_new(&w.portal);
    int status = 0;
    while (w.tasks_left > 0 && !w.over && status == 0) status = in_nursery(w, 0);
    structio_failure_free(structio_failure_take());
    let_go(w);
    if (w.over && w.way == ending::deadlock) return structio_sleep_forever();
    return status == STRUCTIO_EINTERRUPTED ? status : 0;
  };
  const int status = run(body, options);
  structio_failure_free(why);
  if (!fits(w.way, status, w.over)) {
    return "ended by " + std::to_string(static_cast<int>(w.way)) + ", the run returned " +
           std::to_string(status) + ": " + structio_last_message();
  }
  if (w.begun != w.ended) {
    return std::to_string(w.begun) + " tasks began, " + std::to_string(w.ended) + " ended";
  }
  return "";
}

}  // namespace

TEST_CASE("programs that break the rules come down, and say why", "[RUN-07][MISNEST][ABORT]") {
  if (const char* given = std::getenv("STRUCTIO_TEST_SEED")) {
    CHECK(run_seed(std::strtoull(given, nullptr, 10)) == "");
    return;
  }
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    INFO("again with STRUCTIO_TEST_SEED=" << seed);
    CHECK(run_seed(seed) == "");
  }
}
