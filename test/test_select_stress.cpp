// Everything through selects: producers, consumers, and those who do both at once, over channels of
// several capacities, with deadlines, events, descriptors, the ends of tasks, and meddlers who
// cancel, in a shuffled order on a virtual clock, under many seeds. Whatever happens, an item is
// received as often as it was sent: once.
//
// STRUCTIO_TEST_SEED=n runs that seed alone.
#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/descriptors.hpp"
#include "support/selects.hpp"

using namespace selects;

namespace {

constexpr int producers = 30;
constexpr int mixers = 20;
constexpr int consumers = 25;
constexpr int items_each = 12;
constexpr int most_selects = 100000;  // many more than are needed: what is stuck fails, and ends

struct world {
  explicit world(uint64_t seed) : random(seed) {
    for (const int64_t capacity : {0, 0, 1, 5}) {
      channels.push_back(std::make_unique<int_channel>(capacity));
    }
  }

  int pick(int below) { return static_cast<int>(random() % static_cast<std::uint64_t>(below)); }
  bool chance(int percent) { return pick(100) < percent; }
  bool goes_on() const { return selects < most_selects && broken.empty(); }
  void expect(bool holds, const char* what) {
    if (!holds && broken.empty()) broken = what;
  }

  std::mt19937_64 random;
  std::vector<std::unique_ptr<int_channel>> channels;
  descriptors::socket_pair line;
  scoped_event late;
  structio_task* sleeper = nullptr;
  int next_item = 1;
  int sending_left = 0;
  std::set<int> sent;
  std::multiset<int> received;
  std::vector<structio_scope*> scopes;
  int selects = 0;
  int cancelled = 0;
  int others = 0;
  std::string broken;
};

// One task; what it is, it is by the cases that it offers.
struct actor {
  world* w = nullptr;
  bool gives = false;
  bool takes = false;
  int to_send = 0;
  int left = 0;
  int slot = 0;

  int operator()() {
    while (w->goes_on() && (gives ? left > 0 : w->sending_left > 0 || drains())) step();
    return 0;
  }

 private:
  bool drains() {
    for (const auto& c : w->channels) {
      if (statistics(c->tx).buffer_used > 0) return true;
    }
    return false;
  }

  std::vector<structio_select_case> offers() {
    std::vector<structio_select_case> cases;
    const bool trades = !w->chance(5);  // else it waits for something other than items
    for (const auto& c : w->channels) {
      if (!trades) break;
      // Some are left out, or there twice: those are asked for in any order.
      for (int times = w->chance(20) ? w->pick(3) : 1; times > 0; --times) {
        if (gives) cases.push_back(sends(c->tx, to_send));
        if (takes) cases.push_back(receives(c->rx, slot));
      }
    }
    cases.push_back(w->chance(70) ? after(w->pick(200)) : after(10000));
    if (w->chance(10)) cases.push_back(is_set(w->late));
    if (w->chance(10)) cases.push_back(ends(w->sleeper));
    if (w->chance(10)) cases.push_back(readable(w->line.a));
    if (w->chance(10)) cases.push_back(off());
    std::shuffle(cases.begin(), cases.end(), w->random);
    return cases;
  }

  void step() {
    if (gives && to_send == 0) to_send = w->next_item++;
    slot = 0;
    std::vector<structio_select_case> cases = offers();
    structio_scope scope;
    structio_scope_options options = scope_options();
    if (w->chance(20)) {
      options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
      options.deadline = w->pick(100);
    }
    structio_select_options how = STRUCTIO_SELECT_OPTIONS_INIT;
    if (w->chance(10)) how.flags |= STRUCTIO_SELECT_NOWAIT;
    if (w->chance(20)) how.flags |= STRUCTIO_SELECT_IN_ORDER;
    int64_t taken = -1;
    scope_block(
        scope,
        [&] {
          w->scopes.push_back(&scope);
          if (w->chance(5)) structio_scope_cancel(&scope, nullptr);  // most find a case at once
          taken = structio_select(cases.data(), cases.size(), &how);
          std::erase(w->scopes, &scope);
          return taken == STRUCTIO_ECANCELLED ? STRUCTIO_ECANCELLED : 0;
        },
        options);
    ++w->selects;
    judge(cases, taken);
  }

  void judge(const std::vector<structio_select_case>& cases, int64_t taken) {
    const structio_select_case* c = taken < 0 ? nullptr : &cases[static_cast<std::size_t>(taken)];
    const bool got = c && c->kind == STRUCTIO_SELECT_RECEIVE && c->status == 0;
    const bool gave = c && c->kind == STRUCTIO_SELECT_SEND && c->status == 0;
    w->expect(got == (slot != 0), "an item came without its case, or the other way round");
    if (got) w->received.insert(slot);
    if (gave) {
      w->expect(w->sent.insert(to_send).second, "an item was sent twice");
      to_send = 0;
      --left;
      --w->sending_left;
    }
    if (taken == STRUCTIO_ECANCELLED) {
      ++w->cancelled;
    } else if (taken < 0) {
      w->expect(taken == STRUCTIO_EWOULDBLOCK, "a select failed");
    } else if (!got && !gave) {
      ++w->others;
      const bool busy = c->kind == STRUCTIO_SELECT_READABLE && c->status == STRUCTIO_EBUSY;
      w->expect(c->status == 0 || busy, "a case failed");
      if (busy) structio_sleep(1);
    }
  }
};

// Cancels, makes descriptors readable and not, and is done when all has been sent.
struct meddler {
  world* w;
  int operator()() {
    while (w->goes_on() && w->sending_left > 0) {
      structio_sleep(w->pick(7));
      if (!w->scopes.empty()) {
        structio_scope_cancel(
            w->scopes[static_cast<std::size_t>(w->pick(static_cast<int>(w->scopes.size())))],
            nullptr);
      }
      if (w->chance(20)) descriptors::say(w->line.b);
      if (w->chance(30)) descriptors::drain(w->line.a);
      if (w->sending_left < 40 && !structio_event_is_set(&w->late) && w->chance(5)) {
        structio_event_set(&w->late);
        structio_task_cancel(w->sleeper, nullptr);
      }
    }
    return 0;
  }
};

int sleep_forever(void*) {
  return structio_sleep_forever();
}

void play(world& w, structio_nursery& n) {
  CHECK(structio_nursery_start_task(&n, nullptr, sleep_forever, nullptr, &w.sleeper) == 0);
  std::deque<actor> actors;
  const auto add = [&](bool gives, bool takes, int count) {
    for (int i = 0; i < count; ++i) {
      actor a;
      a.w = &w;
      a.gives = gives;
      a.takes = takes;
      a.left = gives ? items_each : 0;
      w.sending_left += a.left;
      actors.push_back(a);
    }
  };
  add(true, false, producers);
  add(true, true, mixers);
  add(false, true, consumers);
  meddler first{&w};
  meddler second{&w};
  const int status = nursery_block([&](structio_nursery& inner) {
    for (actor& a : actors) spawn(inner, a.gives ? "gives" : "takes", a);
    spawn(inner, "meddler", first);
    spawn(inner, "meddler", second);
    return 0;
  });
  CHECK(status == 0);
  structio_task_cancel(w.sleeper, nullptr);
  structio_task_free(w.sleeper);
  for (const auto& c : w.channels) {
    for (int item = try_receive(c->rx); item >= 0; item = try_receive(c->rx)) {
      w.received.insert(item);
    }
    const structio_channel_statistics s = statistics(c->tx);
    CHECK(s.waiting_senders + s.waiting_receivers == 0);
  }
  CHECK(w.late.waiting() == 0);
}

void check_seed(uint64_t seed) {
  INFO("STRUCTIO_TEST_SEED=" << seed);
  const auto program = [seed](structio_nursery& n) {
    world w(seed);  // here, since a channel is made in its run
    play(w, n);
    CHECK(w.broken == "");
    CHECK(w.selects < most_selects);
    CHECK(w.sent.size() == (producers + mixers) * items_each);
    CHECK(std::multiset<int>(w.sent.begin(), w.sent.end()) == w.received);
    CHECK(w.cancelled > 20);
    CHECK(w.others > 20);
  };
  on_virtual_time(program, seed);
}

}  // namespace

TEST_CASE("nothing is lost or doubled through selects") {
  if (const char* one = std::getenv("STRUCTIO_TEST_SEED")) {
    check_seed(std::strtoull(one, nullptr, 10));
    return;
  }
  const uint64_t first = support::seed() * 1000 + 1;
  for (uint64_t seed = first; seed < first + 12; ++seed) check_seed(seed);
}

namespace {

// Two groups that exchange by selects alone over one channel of no capacity, each offering both
// ends: every exchange has exactly two sides.
struct trader {
  int_channel* place;
  int number;
  int exchanges = 0;
  int balance = 0;

  int operator()() {
    for (int i = 0; i < 50; ++i) {
      int give = number;
      int take = 0;
      int status = 1;
      const int64_t taken =
          choose({sends(place->tx, give), receives(place->rx, take), after(1000000)}, 0, &status);
      if (taken == 0) balance -= number;
      if (taken == 1) balance += take;
      exchanges += taken == 0 || taken == 1 ? 1 : 0;
      CHECK(status == 0);
    }
    return 0;
  }
};

}  // namespace

TEST_CASE("selects that offer both ends of one channel pair up exactly") {
  on_virtual_time([](structio_nursery&) {
    int_channel place(0);
    std::deque<trader> traders;
    for (int i = 0; i < 40; ++i) traders.push_back({&place, i + 1});
    CHECK(nursery_block([&](structio_nursery& n) {
            for (trader& t : traders) spawn(n, "trader", t);
            return 0;
          }) == 0);
    int exchanges = 0;
    int balance = 0;
    for (const trader& t : traders) {
      exchanges += t.exchanges;
      balance += t.balance;
    }
    CHECK(exchanges % 2 == 0);
    CHECK(exchanges > 1500);
    CHECK(balance == 0);
  });
}
