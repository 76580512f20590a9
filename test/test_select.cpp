// Select through the C ABI: each kind of case alone, among others, when it can only fail, when it
// is switched off, when the wait is cancelled.
#include <structio/structio_readiness.h>

#include <cerrno>
#include <string>
#include <vector>

#include "support/descriptors.hpp"
#include "support/op_proof.hpp"
#include "support/selects.hpp"

using namespace selects;
using descriptors::hear;
using descriptors::say;

namespace {

void prove() {
  int_channel c(1);
  int item = 7;
  // Ready, and not looked at: the call has done nothing.
  CHECK(op_proof::cancelled([&] { return choose({sends(c.tx, item)}); }) == op_proof::aborted);
  CHECK(statistics(c.tx).buffer_used == 0);
  CHECK(op_proof::halves([&] { CHECK(choose({sends(c.tx, item)}) == 0); }) == 2);
  int slot = 0;
  CHECK(op_proof::cancelled([&] { return choose({receives(c.rx, slot)}, nowait); }) ==
        op_proof::aborted);
  CHECK(op_proof::halves([&] { choose({receives(c.rx, slot)}, nowait); }) == 2);
  CHECK(slot == 7);
  CHECK(op_proof::halves([&] { choose({receives(c.rx, slot)}, nowait); }) == 2);
  CHECK(op_proof::halves([&] { choose({after(5), receives(c.rx, slot)}); }) == 2);
  CHECK(op_proof::halves([&] { choose({readable(-1)}); }) == 2);
}

const op_proof::area proof(std::vector<op_proof::shown>{{"structio_select", 1,
                                                         STRUCTIO_EFFECT_NOTHING}},
                           prove);

int sleep_forever(void*) {
  return structio_sleep_forever();
}

// Every kind of thing, none of which has happened, and what makes each happen.
struct things {
  explicit things(structio_nursery& n) : inbox(0), outbox(0) {
    CHECK(structio_nursery_start_task(&n, nullptr, sleep_forever, nullptr, &task) == 0);
    descriptors::fill(full.a);
  }
  things(const things&) = delete;
  things& operator=(const things&) = delete;
  ~things() {
    structio_task_cancel(task, nullptr);
    structio_task_free(task);
  }

  std::vector<structio_select_case> cases() {
    return {receives(inbox.rx, slot), sends(outbox.tx, item), is_set(event),
            readable(quiet.a),        writable(full.a),       ends(task),
            at(STRUCTIO_FOREVER)};
  }

  void make_happen(std::size_t index) {
    switch (index) {
      case 0: CHECK(try_send(inbox.tx, 5) == 0); break;
      case 1: CHECK(try_receive(outbox.rx) == 9); break;
      case 2: CHECK(structio_event_set(&event) == 0); break;
      case 3: say(quiet.b); break;
      case 4: descriptors::drain(full.b); break;
      case 5: CHECK(structio_task_cancel(task, nullptr) == 0); break;
      default: break;
    }
  }

  // Nobody waits anywhere any more.
  bool left_alone() const {
    structio_statistics s{};
    s.struct_size = sizeof s;
    structio_get_statistics(&s);
    return statistics(inbox.tx).waiting_receivers == 0 &&
           statistics(outbox.tx).waiting_senders == 0 && event.waiting() == 0 &&
           s.waiting_readable == 0 && s.waiting_writable == 0 &&
           s.to_next_deadline == STRUCTIO_FOREVER;
  }

  int_channel inbox;
  int_channel outbox;
  int slot = 0;
  int item = 9;
  scoped_event event;
  descriptors::socket_pair quiet;
  descriptors::socket_pair full;
  structio_task* task = nullptr;
};

constexpr std::size_t kinds = 6;  // of things that can be made to happen

}  // namespace

TEST_CASE("each kind of case alone waits until it happens") {
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    INFO(kind);
    on_virtual_time([&](structio_nursery& n) {
      things t(n);
      selecting s;
      s.start(n, {t.cases()[kind]});
      CHECK(s.waits());
      t.make_happen(kind);
      settle();
      CHECK(s.took(0));
      CHECK(t.left_alone());
      if (kind == 0) CHECK(t.slot == 5);
    });
  }
}

TEST_CASE("of all cases the one that happens is taken, and the others are left alone") {
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    INFO(kind);
    on_virtual_time([&](structio_nursery& n) {
      things t(n);
      selecting s;
      s.start(n, t.cases());
      CHECK(s.waits());
      CHECK_FALSE(t.left_alone());
      t.make_happen(kind);
      settle();
      CHECK(s.took(static_cast<int64_t>(kind)));
      CHECK(t.left_alone());
    });
  }
}

TEST_CASE("what has happened before is taken at once") {
  for (std::size_t kind = 2; kind < kinds; ++kind) {  // a channel of no capacity keeps nothing
    INFO(kind);
    on_virtual_time([&](structio_nursery& n) {
      things t(n);
      t.make_happen(kind);
      settle();
      const std::vector<structio_select_case> cases = t.cases();
      CHECK(choose({cases[kind]}) == 0);
      CHECK(choose(cases) == static_cast<int64_t>(kind));
      CHECK(choose(cases, nowait) == static_cast<int64_t>(kind));
      CHECK(t.left_alone());
    });
  }
}

TEST_CASE("of two that happen at the same moment exactly one is taken") {
  for (std::size_t first = 0; first < kinds; ++first) {
    for (std::size_t second = 0; second < kinds; ++second) {
      if (first == second) continue;
      INFO(first << " and " << second);
      on_virtual_time([&](structio_nursery& n) {
        things t(n);
        selecting s;
        s.start(n, t.cases());
        CHECK(s.waits());
        const auto happen = [&](std::size_t kind) {
          if (kind == 0) {
            // When the select is decided already nobody takes this.
            const int code = try_send(t.inbox.tx, 5);
            CHECK((code == 0) == (kind == first));
          } else if (kind == 1) {
            CHECK((try_receive(t.outbox.rx) == 9) == (kind == first));
          } else {
            t.make_happen(kind);
          }
        };
        // Of those that need the loop either may come first; the others decide when they happen.
        happen(first);
        const bool decided = first < 3;
        if (!decided && second < 2) {
          settle();
          CHECK(s.took(static_cast<int64_t>(first)));
          return;
        }
        happen(second);
        settle();
        if (decided) {
          CHECK(s.took(static_cast<int64_t>(first)));
        } else {
          CHECK((s.took(static_cast<int64_t>(first)) || s.took(static_cast<int64_t>(second))));
        }
        CHECK(t.left_alone());
      });
    }
  }
}

TEST_CASE("a cancelled select has done nothing, and leaves every place") {
  on_virtual_time([](structio_nursery& n) {
    things t(n);
    selecting s;
    s.start(n, t.cases());
    CHECK_FALSE(t.left_alone());
    s.cancel();
    CHECK(t.left_alone());
    for (std::size_t kind = 2; kind < kinds; ++kind) t.make_happen(kind);
    CHECK(try_send(t.inbox.tx, 5) == STRUCTIO_EWOULDBLOCK);
    CHECK(try_receive(t.outbox.rx) == STRUCTIO_EWOULDBLOCK);
    settle();
    CHECK(s.taken == STRUCTIO_ECANCELLED);
    CHECK(t.slot == 0);
  });
}

TEST_CASE("a select that is decided is not cancelled any more") {
  for (std::size_t kind = 0; kind < 3; ++kind) {  // those that decide at once
    on_virtual_time([&](structio_nursery& n) {
      things t(n);
      selecting s;
      s.start(n, t.cases());
      t.make_happen(kind);
      s.cancel();
      settle();
      CHECK(s.took(static_cast<int64_t>(kind)));
      CHECK(t.left_alone());
    });
  }
}

TEST_CASE("cancelled before it begins, a select takes nothing that is ready") {
  on_virtual_time([](structio_nursery&) {
    int_channel c(4);
    CHECK(send(c.tx, 1) == 0);
    int slot = 0;
    CHECK(op_proof::cancelled([&] {
            return choose({receives(c.rx, slot), after(0)});
          }) == STRUCTIO_ECANCELLED);
    CHECK(slot == 0);
    CHECK(statistics(c.tx).buffer_used == 1);
  });
}

TEST_CASE("deadlines: passed, coming, the nearest of several") {
  on_virtual_time([](structio_nursery& n) {
    int_channel c(0);
    int slot = 0;
    const int64_t begin = structio_now();
    CHECK(choose({receives(c.rx, slot), at(begin)}) == 1);
    CHECK(choose({receives(c.rx, slot), at(INT64_MIN)}) == 1);
    CHECK(choose({receives(c.rx, slot), after(0)}) == 1);
    CHECK(choose({receives(c.rx, slot), after(0)}, nowait) == 1);
    CHECK(choose({receives(c.rx, slot), after(1)}, nowait) == STRUCTIO_EWOULDBLOCK);
    CHECK(structio_now() == begin);
    CHECK(choose({after(30), after(10), at(begin + 20), at(STRUCTIO_FOREVER)}) == 1);
    CHECK(structio_now() == begin + 10);
    CHECK(choose({after(STRUCTIO_FOREVER), after(30), at(begin + 20)}) == 2);
    CHECK(structio_now() == begin + 20);
    // A deadline that is left behind does not go off.
    selecting s;
    s.start(n, {receives(c.rx, slot), after(STRUCTIO_SECONDS(100))});
    CHECK(s.waits());
    CHECK(send(c.tx, 3) == 0);
    CHECK(structio_sleep(STRUCTIO_SECONDS(200)) == 0);
    CHECK(s.took(0));
  });
}

TEST_CASE("an item and a deadline at the same moment: one of them, and nothing is lost") {
  int items = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    on_virtual_time(
        [&](structio_nursery& n) {
          int_channel c(0);
          int slot = 0;
          int sent = 1;
          auto sender = [&] {
            structio_sleep(50);
            sent = try_send(c.tx, 8);
            return 0;
          };
          spawn(n, "sender", sender);
          const int64_t taken = choose({receives(c.rx, slot), after(50)});
          settle();
          CHECK((taken == 0 || taken == 1));
          CHECK((sent == 0) == (taken == 0));
          CHECK((slot == 8) == (taken == 0));
          items += taken == 0 ? 1 : 0;
        },
        seed);
  }
  CHECK(items < 40);
}

TEST_CASE("a case that can only fail is taken, and says how") {
  on_virtual_time([](structio_nursery& n) {
    int slot = 0;
    int item = 1;
    scoped_event never;
    {
      int_channel c(2);
      CHECK(send(c.tx, 4) == 0);
      structio_sender_close(c.tx);
      CHECK(status_of({is_set(never), receives(c.rx, slot)}) == 0);
      CHECK(slot == 4);
      CHECK(status_of({is_set(never), receives(c.rx, slot)}) == STRUCTIO_EEND);
      CHECK(status_of({is_set(never), sends(c.tx, item)}) == STRUCTIO_ECLOSED);
      CHECK(says({"closed"}));
    }
    {
      int_channel c(0);
      structio_receiver_close(c.rx);
      CHECK(status_of({is_set(never), receives(c.rx, slot)}) == STRUCTIO_ECLOSED);
      CHECK(status_of({is_set(never), sends(c.tx, item)}) == STRUCTIO_EBROKEN);
    }
    CHECK(status_of({is_set(never), readable(-1)}) == -EBADF);
    CHECK(says({"descriptor -1"}));
    // The same while it waits.
    for (int way = 0; way < 4; ++way) {
      int_channel c(0);
      selecting s;
      s.start(n, {is_set(never), way < 2 ? receives(c.rx, slot) : sends(c.tx, item)});
      CHECK(s.waits());
      way % 2 == 0 ? structio_sender_close(c.tx) : structio_receiver_close(c.rx);
      settle();
      constexpr int expected[] = {STRUCTIO_EEND, STRUCTIO_ECLOSED, STRUCTIO_ECLOSED,
                                  STRUCTIO_EBROKEN};
      CHECK(s.taken == 1);
      CHECK(s.status == expected[way]);
      CHECK(never.waiting() == 0);
    }
    selecting s;
    {
      scoped_event brief;
      s.start(n, {is_set(never), is_set(brief)});
    }
    settle();
    CHECK(s.taken == 1);
    CHECK(s.status == STRUCTIO_EBROKEN);
    descriptors::socket_pair ends;
    s.start(n, {is_set(never), readable(ends.a)});
    structio_notify_closing(ends.a);
    settle();
    CHECK(s.taken == 1);
    CHECK(s.status == STRUCTIO_ECLOSED);
    s.start(n, {is_set(never), readable(ends.a)});
    CHECK(status_of({readable(ends.a)}) == STRUCTIO_EBUSY);
    CHECK(status_of({is_set(never), writable(ends.b), readable(ends.a)}) != 1);
    s.cancel();
    settle();
    CHECK(status_of({readable(ends.a), readable(ends.a)}) == STRUCTIO_EBUSY);
  });
}
