// A call that is cancelled before, during and just as it completes, many times over: whatever came
// of it, the process has the descriptors that it had before.
//
// STRUCTIO_ROUNDS is how often, where it is set; the instants follow the seed.
#pragma once

#include <cstdlib>
#include <random>

#include "support/net.hpp"

namespace instants {

using namespace net_test;

inline int rounds(int otherwise) {
  const char* given = std::getenv("STRUCTIO_ROUNDS");
  return given ? std::atoi(given) : otherwise;
}

/// How it went: both have to occur, or the instants were badly chosen.
struct tally {
  int whole = 0;
  int cut = 0;
};

/// Calls `trial()` in a scope that is cancelled after giving way up to `longest` times, many times
/// over; `before` and `after` are not cancelled. Checks the descriptors.
template <class Trial, class After>
tally at_every_instant(int count, int longest, Trial trial, After after) {
  tally all;
  trial();  // what a run keeps from its first call of a kind on is there then
  std::minstd_rand random(static_cast<unsigned>(seed()) + 1);
  after();
  const int before = open_descriptors();
  for (int i = 0; i < count; ++i) {
    const int delay = static_cast<int>(random() % static_cast<unsigned>(longest));
    const int head_start = static_cast<int>(random() % static_cast<unsigned>(longest));
    structio::cancel_scope scope;
    bool whole = false;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        pause(delay);
        scope.cancel();
      });
      whole = scope.run([&] {
        pause(head_start);
        trial();
      });
    });
    ++(whole ? all.whole : all.cut);
    after();
  }
  pause(3);
  structio_wait_all_threads_completed();
  // What is left to the run, such as a child that was killed, has its end soon.
  for (int i = 0; i < 1000 && open_descriptors() != before; ++i) structio::sleep(1ms);
  CHECK(open_descriptors() == before);
  return all;
}

template <class Body>
void in_a_run(Body body) {
  run(
      [&] {
        // A loop keeps a descriptor in hand from its first stream on, and a set from its first wait
        // for readiness on.
        auto ends = connected();
        structio::move_on_after(
            1ms, [&] { structio::wait_readable(static_cast<int>(ends.a.descriptor())); });
        body();
      },
      1);
}

}  // namespace instants
