// What the tests of select share: cases by one call each, and a selecting task that keeps what came
// of it.
#pragma once

#include <structio/structio_select.h>
#include <structio/structio_sync.h>

#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include "support/channels.hpp"

namespace selects {

using namespace channels;

inline structio_select_case case_of(uint32_t kind, void* object = nullptr, void* item = nullptr) {
  structio_select_case c{};
  c.kind = kind;
  c.status = 1;  // what no case ends with
  c.object = object;
  c.item = item;
  return c;
}
inline structio_select_case receives(structio_receiver* rx, int& slot) {
  return case_of(STRUCTIO_SELECT_RECEIVE, rx, &slot);
}
inline structio_select_case sends(structio_sender* tx, int& item) {
  return case_of(STRUCTIO_SELECT_SEND, tx, &item);
}
inline structio_select_case is_set(structio_event& event) {
  return case_of(STRUCTIO_SELECT_EVENT, &event);
}
inline structio_select_case at(int64_t moment, uint32_t kind = STRUCTIO_SELECT_MOMENT) {
  structio_select_case c = case_of(kind);
  c.moment = moment;
  return c;
}
inline structio_select_case after(int64_t duration) {
  return at(duration, STRUCTIO_SELECT_TIMEOUT);
}
inline structio_select_case descriptor(uint32_t kind, int number) {
  structio_select_case c = case_of(kind);
  c.descriptor = number;
  return c;
}
inline structio_select_case readable(int number) {
  return descriptor(STRUCTIO_SELECT_READABLE, number);
}
inline structio_select_case writable(int number) {
  return descriptor(STRUCTIO_SELECT_WRITABLE, number);
}
inline structio_select_case ends(structio_task* task) {
  return case_of(STRUCTIO_SELECT_END, task);
}
inline structio_select_case off() {
  return case_of(STRUCTIO_SELECT_NONE);
}

inline constexpr uint32_t nowait = STRUCTIO_SELECT_NOWAIT;
inline constexpr uint32_t in_order = STRUCTIO_SELECT_IN_ORDER;

/// The index of the case that was taken, or the code; its status, when asked for.
inline int64_t choose(std::vector<structio_select_case> cases, uint32_t flags = 0,
                      int* status = nullptr) {
  structio_select_options options = STRUCTIO_SELECT_OPTIONS_INIT;
  options.flags = flags;
  const int64_t taken = structio_select(cases.data(), cases.size(), &options);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (taken != static_cast<int64_t>(i)) CHECK(cases[i].status == 1);
  }
  if (taken >= 0 && status) *status = cases[static_cast<std::size_t>(taken)].status;
  return taken;
}

/// The status of the case that was taken, or the code.
inline int status_of(std::vector<structio_select_case> cases) {
  int status = 1;
  const int64_t taken = choose(std::move(cases), 0, &status);
  return taken < 0 ? static_cast<int>(taken) : status;
}

/// A task that selects, in a scope of its own.
struct selecting {
  std::vector<structio_select_case> cases;
  structio_scope scope;
  int64_t taken = -1;  // still waiting
  int status = 1;
  running_task running{};

  int operator()() {
    return running.run([&] {
      return scope_block(scope, [&] {
        taken = choose(cases, 0, &status);
        return taken == STRUCTIO_ECANCELLED ? STRUCTIO_ECANCELLED : 0;
      });
    });
  }
  void start(structio_nursery& n, std::vector<structio_select_case> what) {
    cases = std::move(what);
    taken = -1;
    status = 1;
    running.starts();
    spawn(n, "selecting", *this);
    settle();
  }
  void cancel() { structio_scope_cancel(&scope, nullptr); }
  bool waits() const { return taken == -1; }
  bool took(int64_t index) const { return taken == index && status == 0; }
};

/// An event that is discarded at the end of its scope.
struct scoped_event : structio_event {
  scoped_event() { CHECK(structio_event_init(this) == 0); }
  scoped_event(const scoped_event&) = delete;
  scoped_event& operator=(const scoped_event&) = delete;
  ~scoped_event() { structio_event_discard(this); }
  uint64_t waiting() const {
    structio_event_statistics s{};
    s.struct_size = sizeof s;
    structio_event_get_statistics(this, &s);
    return s.waiting;
  }
};

/// A nursery on a virtual clock that jumps at once, on which the budget is 1.
template <class Body>
void on_virtual_time(Body&& body, uint64_t seed = support::seed()) {
  auto main = [&] {
    return nursery_block([&](structio_nursery& n) {
      body(n);
      return 0;
    });
  };
  virtual_clock clock(0);
  structio_run_options options = clock.options();
  options.seed = seed;
  CHECK(run(main, options) == 0);
}

}  // namespace selects
