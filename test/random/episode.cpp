// One episode: a run in which tasks, jobs, callbacks and threads beside it make random calls.
#include "random/episode.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>

#include "random/calls.hpp"

namespace random_calls {

bool traced() {
  static const bool on = std::getenv("STRUCTIO_RANDOM_TRACE") != nullptr;
  return on;
}

namespace {

// Values that others have made may be dropped there, too.
thread_local bool on_guest_thread = false;

place where_now() {
  if (structio_in_task()) return place::task;
  if (structio_in_run()) return place::hook;
  return structio_in_thread_job() ? place::job : place::outside;
}

// Would wait for the run that stands still while a guest calls, or keep it from ending.
bool stalls_guest(std::string_view name) {
  return name == "structio_portal_call" || name == "structio_remote_sender_send" ||
         name == "structio_thread_call" || name == "structio_scope_set_shield" ||
         name == "structio_wait_all_threads_completed";
}

// After it, what some argument leads to may be gone.
bool ends_something(std::string_view name) {
  for (std::string_view end : {"_free", "_destroy", "_discard", "_leave", "_close", "_raise"}) {
    if (name.ends_with(end)) return true;
  }
  return false;
}

// Other threads run meanwhile: only what is for any of them is no race.
bool beside_others(const caller& c) {
  return c.where == place::job || (c.where == place::outside && !c.guest);
}

bool may_call(caller& c, const call_entry& entry) {
  if (c.guest && stalls_guest(entry.name)) return false;
  if (beside_others(c)) {
    if (entry.threads != "any" || ends_something(entry.name)) return false;
    // Failures and tokens of locals are handed on by calls of all kinds.
    return entry.header != "failure" && !entry.name.starts_with("structio_local_");
  }
  if (entry.name.starts_with("structio_inject_in")) return c.chance(2);
  return c.depth < 6 || c.where != place::task;
}

// A thread that is in no run, for which this one waits: whatever it calls is no race.
void call_from_outside(caller& c) {
  const std::uint64_t seed = c.random();
  const int depth = c.depth + 1;
  std::thread([seed, depth] {
    on_guest_thread = true;
    caller guest(seed, depth, true);
    for (int i = 1 + guest.below(5); i > 0; --i) call_one(guest);
  }).join();
}

// Held by the thread that beats (see `heart`) while it calls.
std::mutex beats_now;

bool jobs_run() {
  std::uint64_t alive = 0;
  std::uint64_t idle = 0;
  structio_thread_cache_counts(&alive, &idle);
  return alive > 0;
}

// In a forked child only exec and _exit are allowed: the rest is refused, and nothing crashes.
// While no other thread is at work: it might be in malloc, whose lock nobody would give back in the
// child (glibc sees to its own, sanitizers do not to theirs).
void call_from_child(caller& c) {
  const std::lock_guard still(beats_now);
  if (jobs_run()) return;
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    caller guest(c.random(), c.depth + 1, true);
    for (int i = guest.below(5); i > 0; --i) call_one(guest);
    ::_exit(0);
  }
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0) {
  }
  if (child > 0 && status != 0) {
    std::fprintf(stderr, "status %x\n", static_cast<unsigned>(status));
    broken("a forked child died of a call", "fork");
  }
}

void die(caller& c) {
  if (c.chance(50)) ::_exit(0);
  leaks_are_fine();
  std::exit(0);
}

}  // namespace

caller::caller(std::uint64_t seed, int d, bool g)
    : random(seed), depth(d), where(where_now()), guest(g || on_guest_thread) {}

std::int64_t call_one(caller& c) {
  if (now->fuel.fetch_sub(1) <= 0) return STRUCTIO_ECANCELLED;
  if (c.depth < 5 && c.where != place::job) {
    const int special = c.below(400);
    if (special < 8 && !c.guest) return call_from_outside(c), 0;
    if (special == 8 && !c.guest) return call_from_child(c), 0;
    if (special == 9 && now->may_die) die(c);
  }
  const auto& all = all_calls();
  for (int tries = 0; tries < 50; ++tries) {
    const call_entry& entry =
        c.chance(80) && !now->favoured.empty() ? all[c.any_of(now->favoured)] : c.any_of(all);
    if (!may_call(c, entry)) continue;
    std::shared_lock in_use(now->use, std::defer_lock);
    std::unique_lock ends(now->use, std::defer_lock);
    if (beside_others(c) ? !in_use.try_lock() : ends_something(entry.name) && !ends.try_lock()) {
      continue;
    }
    ++now->made;
    if (traced()) {
      std::fprintf(stderr, "%*s%s...\n", 2 * c.depth, "", entry.name.data());
    }
    const std::int64_t result = entry.call(c, entry);
    if (traced()) {
      std::fprintf(stderr, "%*s%s: %lld %s\n", 2 * c.depth, "", entry.name.data(),
                   static_cast<long long>(result), result < 0 ? structio_last_message() : "");
    }
    return result;
  }
  return 0;
}

namespace {

// Watches over the episode: when it gets nowhere, or has made its calls, all waits are ended.
int janitor(void*) {
  std::uint64_t before = 0;
  int ending = 0;
  for (int idle = 0;;) {
    if (const int status = structio_sleep(STRUCTIO_MILLISECONDS(1))) return status;
    idle = now->made == before ? idle + 1 : 0;
    before = now->made;
    if (now->fuel > 0 && idle < 20) continue;
    if (idle == 60) now->fuel = 0;
    now->let_go();
    if (now->fuel > 0) continue;
    // Main waits for what a system task begins in a nursery of its: that only a run's end ends.
    if (++ending == 300) structio_inject_internal_error();
  }
}

// A virtual clock stands still while some task copies what never ends: then real time has to do.
class heart {
 public:
  heart() {
    structio_portal_new(&portal_);
    beats_ = std::thread([this] {
      std::unique_lock held(lock_);
      while (!stops_.wait_for(held, std::chrono::milliseconds(10), [this] { return stopped_; })) {
        const std::lock_guard calls(beats_now);
        structio_portal_post(portal_, beat, nullptr);
      }
    });
  }
  ~heart() {
    {
      const std::lock_guard held(lock_);
      stopped_ = true;
    }
    stops_.notify_one();
    beats_.join();
    structio_portal_free(portal_);
  }
  heart(const heart&) = delete;
  heart& operator=(const heart&) = delete;

 private:
  static int beat(void*) {
    static std::uint64_t before = 0;
    static int idle = 0;
    idle = now->made == before ? idle + 1 : 0;
    before = now->made;
    if (idle > 100) now->fuel = 0;
    if (idle > 50 || now->fuel <= 0) now->let_go();
    return 0;
  }

  structio_portal* portal_ = nullptr;
  bool stopped_ = false;
  std::mutex lock_;
  std::condition_variable stops_;
  std::thread beats_;
};

struct start {
  std::uint64_t seed;
  bool watched;
};

int main_task(void* arg) {
  const start& s = *static_cast<start*>(arg);
  caller c(s.seed, 0, false);
  structio_start_system_task(nullptr, janitor, nullptr);
  const heart beating;
  for (std::size_t i : now->makers) all_calls()[i].call(c, all_calls()[i]);
  int status = 0;
  // Blocks that a task leaves open end with it; so all but the last calls are those of children.
  while (now->fuel > 0 && status != STRUCTIO_EINTERRUPTED && structio_checkpoint() == 0) {
    auto* nursery = static_cast<structio_nursery*>(
        now->block(kind_of<structio_nursery>(), sizeof(structio_nursery), c, true));
    now->set_used(kind_of<structio_nursery>(), nursery, true);
    status = structio_nursery_open(nursery);
    if (status < 0) break;
    for (int i = 1 + c.below(5); i > 0; --i) {
      if (structio_nursery_start_soon(nursery, body, pack(c)) < 0) break;
    }
    status = structio_nursery_close(nursery, 0, nullptr);
    if (c.chance(50)) structio_failure_free(structio_failure_take());
  }
  if (c.chance(50)) body(pack(c));
  now->fuel = 0;
  now->let_go();
  now->free_handles();
  return c.chance(50) ? 0 : status;
}

// Most calls of an episode are of a few headers, so that they have something to do with each other.
void choose_favoured(caller& c) {
  const auto& all = all_calls();
  std::vector<std::string_view> headers;
  for (int i = 1 + c.below(4); i > 0; --i) headers.push_back(c.any_of(all).header);
  for (std::string_view with : {"nursery", "scope", "run"}) {
    if (c.chance(50)) headers.push_back(with);
  }
  // What works on streams needs some.
  for (std::string_view on : {"tls", "buffered", "copy", "custom_stream", "stream"}) {
    if (std::find(headers.begin(), headers.end(), on) == headers.end()) continue;
    headers.push_back(c.chance(50) ? "testing_stream" : c.chance(50) ? "pipe" : "unix");
    headers.push_back("stream");
    break;
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::string_view header : headers) {
      if (all[i].header != header) continue;
      now->favoured.push_back(i);
      // Without what makes things there is nothing to call.
      const std::string_view name = all[i].name;
      if (name.ends_with("_new") || name.ends_with("_open") || name.ends_with("_pair") ||
          name.ends_with("_init") || name.ends_with("_listen")) {
        now->favoured.insert(now->favoured.end(), 2, i);
        now->makers.insert(now->makers.end(), 2, i);
      }
    }
  }
}

// Of real time, by a run of its own.
void pause(std::int64_t duration) {
  const auto sleep = [](void* arg) { return structio_sleep(*static_cast<std::int64_t*>(arg)); };
  structio_run(sleep, &duration, nullptr);
}

void wait_for_threads(bool to_end) {
  std::uint64_t alive = 0;
  std::uint64_t idle = 0;
  for (int i = 0; structio_thread_cache_counts(&alive, &idle), alive > (to_end ? 0 : idle); ++i) {
    if (i == 20000) broken("a job does not end", "threads");
    pause(STRUCTIO_MILLISECONDS(1));
  }
}

}  // namespace

void let_threads_end() {
  structio_thread_cache_set_idle_timeout(0);
  wait_for_threads(true);
  pause(STRUCTIO_MILLISECONDS(20));  // from the last count of ours to the thread's own end
}

std::unique_ptr<world> run_episode(std::uint64_t seed, int calls, bool may_die, world* before) {
  auto episode = std::make_unique<world>();
  world& w = *episode;
  if (before) world::carry_over(*before, w);
  now = &w;
  w.may_die = may_die;
  w.fuel = calls;
  caller c(seed, 0, true);
  choose_favoured(c);

  structio_run_options options = {};
  options.struct_size = sizeof options;
  options.version = STRUCTIO_VERSION;
  structio_clock* clock = nullptr;
  if (c.chance(60)) {
    structio_virtual_clock_options time = {};
    time.struct_size = sizeof time;
    structio_virtual_clock_new(&time, &clock);
    options.clock = clock;
  }
  options.seed = seed;
  options.stack_size = 512 * 1024;
  options.budget = static_cast<std::uint32_t>(c.below(3));
  structio_failure* why = nullptr;
  options.failure = &why;
  start s{c.random(), true};
  for (int i = c.below(4); i > 0; --i) call_one(c);  // before any run
  const int status = structio_run(main_task, &s, &options);
  if (status < 0 && !why) broken("the run failed and gave no failure", "structio_run");
  structio_failure_free(why);
  w.fuel = c.below(4);
  while (w.fuel > 0) call_one(c);  // after it
  wait_for_threads(false);
  w.free_handles();
  w.end_blocks();
  structio_virtual_clock_free(clock);
  if (w.items_alive() != 0) broken("items were lost", "channels");
  return episode;
}

}  // namespace random_calls
