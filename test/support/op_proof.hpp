// What each function does when it is cancelled, proved: the pieces that proofs are made of, and the
// list of the proofs. Each area's own test file adds its functions with one object:
//
//     const op_proof::area proof({{"structio_event_wait", 1, STRUCTIO_EFFECT_NOTHING}}, prove);
//
// test_op_info.cpp compares all of it with the table of the ABI and runs every proof.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "support/c_tasks.hpp"
#include "support/catch.hpp"

namespace op_proof {

/// What a proof shows of one function: the table has to say the same.
struct shown {
  std::string name;
  uint32_t checkpoint;
  uint32_t effect;
};

/// The functions of one area, and what proves it: called in a task, on a virtual clock.
struct area {
  area(std::vector<shown> functions, void (*proves)()) : ops(std::move(functions)), prove(proves) {
    all().push_back(this);
  }
  area(const area&) = delete;
  area& operator=(const area&) = delete;

  static std::vector<const area*>& all() {
    static std::vector<const area*> areas;
    return areas;
  }

  std::vector<shown> ops;
  void (*prove)();
};

inline constexpr int64_t aborted = STRUCTIO_ECANCELLED;

/// Runs `fn` with cancellation pending around it, and returns what it returned.
template <class Fn>
int64_t cancelled(Fn fn) {
  structio_scope scope;
  structio_scope_init(&scope, nullptr);
  structio_scope_enter(&scope);
  structio_scope_cancel(&scope, nullptr);
  const int64_t result = fn();
  structio_scope_leave(&scope, STRUCTIO_ECANCELLED, nullptr);
  return result;
}

struct counts {
  uint64_t cancel = 0;
  uint64_t schedule = 0;
  counts() { CHECK(structio_checkpoint_counts(&cancel, &schedule) == 0); }
};

/// 2: looks for cancellation and gives way, 1: one of them, 0: neither.
template <class Fn>
int halves(Fn fn) {
  const counts before;
  fn();
  const counts after;
  return (after.cancel > before.cancel) + (after.schedule > before.schedule);
}

}  // namespace op_proof
