// Select: how it chooses, cases that are off, the same object twice, selects that meet each other,
// handles that are freed meanwhile.
#include <array>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "support/descriptors.hpp"
#include "support/selects.hpp"

using namespace selects;

namespace {

// How often each of five receivers is taken in 1000 rounds, all of whose channels are full but
// those named by `empty`.
std::array<int, 5> rounds(uint64_t seed, uint32_t flags, std::vector<std::size_t> empty = {}) {
  std::array<int, 5> count{};
  on_virtual_time(
      [&](structio_nursery&) {
        std::array<int_channel, 5> all = {int_channel(1), int_channel(1), int_channel(1),
                                          int_channel(1), int_channel(1)};
        int slot = 0;
        std::vector<structio_select_case> cases;
        for (int_channel& c : all) {
          CHECK(try_send(c.tx, 1) == 0);
          cases.push_back(receives(c.rx, slot));
        }
        for (const std::size_t i : empty) CHECK(try_receive(all[i].rx) == 1);
        for (int round = 0; round < 1000; ++round) {
          const int64_t taken = choose(cases, flags);
          REQUIRE(taken >= 0);
          ++count[static_cast<std::size_t>(taken)];
          CHECK(try_send(all[static_cast<std::size_t>(taken)].tx, 1) == 0);
        }
      },
      seed);
  return count;
}

}  // namespace

TEST_CASE("of several that are ready each is as likely as another") {
  for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, support::seed()}) {
    for (const int count : rounds(seed, 0)) {
      CHECK(count > 140);
      CHECK(count < 260);
    }
  }
  // Also beside some that are not: nobody inherits the luck of a neighbour.
  const std::array<int, 5> three = rounds(support::seed(), 0, {1, 2});
  CHECK(three[1] + three[2] == 0);
  for (const std::size_t i : {std::size_t{0}, std::size_t{3}, std::size_t{4}}) {
    CHECK(three[i] > 260);
    CHECK(three[i] < 410);
  }
}

TEST_CASE("the same seed chooses the same") {
  CHECK(rounds(7, 0) == rounds(7, 0));
  CHECK(rounds(0, 0) == rounds(0, 0));
  CHECK(rounds(7, 0) != rounds(8, 0));
}

TEST_CASE("in order the first that is ready is taken") {
  CHECK(rounds(support::seed(), in_order) == std::array<int, 5>{1000, 0, 0, 0, 0});
  CHECK(rounds(support::seed(), in_order, {0, 1}) == std::array<int, 5>{0, 0, 1000, 0, 0});
}

TEST_CASE("cases that are switched off are as good as not there") {
  on_virtual_time([](structio_nursery& n) {
    int_channel c(1);
    int slot = 0;
    int item = 2;
    CHECK(choose(
              {off(), receives(nullptr, slot), sends(nullptr, item), case_of(STRUCTIO_SELECT_EVENT),
               ends(nullptr), at(STRUCTIO_FOREVER), after(STRUCTIO_FOREVER)},
              nowait) == STRUCTIO_EWOULDBLOCK);
    CHECK(choose({off(), receives(nullptr, slot), sends(c.tx, item), off()}) == 2);
    CHECK(choose({off(), receives(c.rx, slot)}, nowait) == 1);
    CHECK(slot == 2);
    CHECK(choose({}, nowait) == STRUCTIO_EWOULDBLOCK);
    // With nothing on it waits until it is cancelled.
    selecting s;
    s.start(n, {off(), receives(nullptr, slot)});
    CHECK(s.waits());
    s.cancel();
    settle();
    CHECK(s.taken == STRUCTIO_ECANCELLED);
    selecting nothing;
    nothing.start(n, {});
    CHECK(nothing.waits());
    nothing.cancel();
    settle();
  });
}

TEST_CASE("a select that nothing can end is a deadlock") {
  auto main = [] { return static_cast<int>(structio_select(nullptr, 0, nullptr)); };
  CHECK(run(main) == STRUCTIO_EDEADLOCK);
  auto waits = [] {
    int_channel c(0);
    int slot = 0;
    return static_cast<int>(choose({receives(c.rx, slot)}));
  };
  CHECK(run(waits) == STRUCTIO_EDEADLOCK);
}

TEST_CASE("nothing is sent to oneself, and the same object may be there twice") {
  on_virtual_time([](structio_nursery& n) {
    int_channel c(0);
    int slot = 0;
    int other_slot = 0;
    int item = 1;
    int other_item = 2;
    const auto both = [&] {
      return std::vector<structio_select_case>{receives(c.rx, slot), sends(c.tx, item),
                                               receives(c.rx, other_slot), sends(c.tx, other_item)};
    };
    CHECK(choose(both(), nowait) == STRUCTIO_EWOULDBLOCK);
    selecting s;
    s.start(n, both());
    CHECK(s.waits());
    CHECK(try_send(c.tx, 5) == 0);
    CHECK(try_send(c.tx, 6) == STRUCTIO_EWOULDBLOCK);
    settle();
    CHECK(s.took(0));  // the first of the two that wait in one queue
    CHECK(slot == 5);
    CHECK(other_slot == 0);
    s.start(n, both());
    CHECK(try_receive(c.rx) == 1);
    CHECK(try_receive(c.rx) == STRUCTIO_EWOULDBLOCK);
    settle();
    CHECK(s.took(1));
    s.start(n, both());
    structio_sender_close(c.tx);
    settle();
    CHECK(s.taken >= 0);
    CHECK((s.status == STRUCTIO_ECLOSED || s.status == STRUCTIO_EEND));

    scoped_event event;
    s.start(n, {is_set(event), is_set(event), is_set(event)});
    selecting another;
    another.start(n, {is_set(event)});
    CHECK(event.waiting() == 4);
    structio_event_set(&event);
    CHECK(event.waiting() == 0);
    settle();
    CHECK(s.took(0));
    CHECK(another.took(0));
  });
}

TEST_CASE("two selects that meet at a channel are decided by each other, once") {
  on_virtual_time([](structio_nursery& n) {
    int_channel a(0);
    int_channel b(0);
    int from_a = 0;
    int from_b = 0;
    int to_a = 10;
    int to_b = 20;
    selecting first;
    first.start(n, {sends(a.tx, to_a), receives(b.rx, from_b)});
    CHECK(first.waits());
    const int64_t taken = choose({receives(a.rx, from_a), sends(b.tx, to_b)});
    settle();
    CHECK(first.took(taken));
    if (taken == 0) {
      CHECK(from_a == 10);
      CHECK(from_b == 0);
    } else {
      CHECK(from_a == 0);
      CHECK(from_b == 20);
    }
    CHECK(statistics(a.tx).waiting_senders + statistics(a.tx).waiting_receivers == 0);
    CHECK(statistics(b.tx).waiting_senders + statistics(b.tx).waiting_receivers == 0);
    // Each offers both sides of the same channel.
    selecting one;
    selecting two;
    int slots[2] = {0, 0};
    one.start(n, {sends(a.tx, to_a), receives(a.rx, slots[0])});
    CHECK(one.waits());
    two.start(n, {sends(a.tx, to_b), receives(a.rx, slots[1])});
    settle();
    CHECK_FALSE(one.waits());
    CHECK_FALSE(two.waits());
    CHECK(one.taken != two.taken);
    CHECK(slots[0] + slots[1] == (one.taken == 0 ? 10 : 20));
  });
}

TEST_CASE("a plain send or receive meets a select in the order of coming") {
  on_virtual_time([](structio_nursery& n) {
    int_channel c(0);
    int slot = 0;
    int plain = 0;
    scoped_event never;
    auto receiver = [&] {
      plain = receive(c.rx);
      return 0;
    };
    selecting s;
    s.start(n, {is_set(never), receives(c.rx, slot)});
    spawn(n, "plain", receiver);
    settle();
    CHECK(send(c.tx, 1) == 0);
    CHECK(send(c.tx, 2) == 0);
    settle();
    CHECK(slot == 1);
    CHECK(plain == 2);
  });
}

TEST_CASE("handles may be freed while a select waits for what they name") {
  on_virtual_time([](structio_nursery& n) {
    selecting s;
    int slot = 0;
    {
      int_channel c(0);
      s.start(n, {receives(c.rx, slot), after(STRUCTIO_SECONDS(9))});
    }
    settle();
    CHECK(s.taken == 0);
    CHECK((s.status == STRUCTIO_ECLOSED || s.status == STRUCTIO_EEND));
    structio_task* task = nullptr;
    auto brief = [] { return structio_sleep(10); };
    CHECK(start_task(n, brief, &task) == 0);
    s.start(n, {ends(task)});
    structio_task_free(task);
    CHECK(structio_sleep(20) == 0);
    CHECK(s.took(0));
    CHECK(start_task(n, brief, &task) == 0);
    s.start(n, {ends(task)});
    structio_task_free(task);
    s.cancel();
    CHECK(structio_sleep(20) == 0);
    CHECK(s.taken == STRUCTIO_ECANCELLED);
  });
}

TEST_CASE("the end of a task is told whatever it returned") {
  on_virtual_time([](structio_nursery&) {
    structio_task* well = nullptr;
    structio_task* badly = nullptr;
    auto ends_well = [] { return structio_sleep(5); };
    auto fails = [] { return fail(-77, "on purpose"); };
    const auto body = [&](structio_nursery& inner) {
      CHECK(start_task(inner, ends_well, &well) == 0);
      CHECK(status_of({ends(well)}) == 0);
      CHECK(structio_task_done(well) == 1);
      CHECK(start_task(inner, fails, &badly) == 0);
      CHECK(status_of({ends(badly)}) == 0);  // it was told before the nursery was cancelled
      return 0;
    };
    CHECK(nursery_block(body) == STRUCTIO_EGROUP);
    CHECK(structio_task_join(badly, nullptr) == -77);
    CHECK(status_of({ends(badly)}) == 0);
    structio_task_free(well);
    structio_task_free(badly);
  });
}

TEST_CASE("a hundred cases, one of which happens") {
  on_virtual_time([](structio_nursery& n) {
    std::vector<std::unique_ptr<int_channel>> all;
    std::vector<structio_select_case> cases;
    int slot = 0;
    for (int i = 0; i < 100; ++i) {
      all.push_back(std::make_unique<int_channel>(0));
      cases.push_back(receives(all.back()->rx, slot));
    }
    selecting s;
    for (const std::size_t which : {std::size_t{0}, std::size_t{57}, std::size_t{99}}) {
      s.start(n, cases);
      CHECK(try_send(all[which]->tx, static_cast<int>(which)) == 0);
      settle();
      CHECK(s.took(static_cast<int64_t>(which)));
      CHECK(slot == static_cast<int>(which));
      for (const auto& c : all) CHECK(statistics(c->tx).waiting_receivers == 0);
    }
  });
}

namespace {

// Processor time of this thread.
int64_t used() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * int64_t{1000000000} + now.tv_nsec;
}

}  // namespace

TEST_CASE("closing a handle looks once at those who wait at others") {
  in_nursery([](structio_nursery& n) {
    int_channel c(0);
    structio_receiver* other = nullptr;
    CHECK(structio_receiver_clone(c.rx, &other) == 0);
    int slot = 0;
    selecting crowd;
    const int64_t begin = used();
    crowd.start(n, std::vector<structio_select_case>(100000, receives(other, slot)));
    const int64_t once_through = used() - begin;
    std::vector<selecting> tasks(300);
    for (auto& t : tasks) {
      t.start(n, {receives(c.rx, slot), receives(c.rx, slot), receives(other, slot)});
    }
    CHECK(statistics(c.rx).waiting_receivers == 100000 + 3 * 300);
    const int64_t closing = used();
    CHECK(structio_receiver_close(c.rx) == 0);
    CHECK(5 * (used() - closing) < once_through);
    CHECK(statistics(c.rx).waiting_receivers == 100000);
    settle();
    for (auto& t : tasks) CHECK((t.status == STRUCTIO_ECLOSED && t.taken <= 1));
    CHECK(crowd.waits());
    CHECK(structio_receiver_free(other) == 0);
    settle();
    CHECK(crowd.status == STRUCTIO_ECLOSED);
  });
}
