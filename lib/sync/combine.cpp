// Combinators: a nursery in the caller's frame, and tasks that tell it how they ended. Nothing is
// allocated beyond the tasks: what a task has to know is laid on its own stack.
#include "sync/combine.hpp"

#include <new>

#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/failure.hpp"
#include "runtime/nursery.hpp"
#include "runtime/user_call.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::sync {
namespace {

/// Ends a nursery of ours: what failed is in flight in the calling task afterwards.
int close(nursery& home, int status) noexcept {
  task& self = *home.owner;
  failure* f = nullptr;
  status = nursery_close(home, status, f);
  if (status < 0) {
    failure_release(self.in_flight);
    self.in_flight = f;
  }
  return status;
}

// Whoever looks at the tree can cancel a nursery's scope; ours is then left as if all were well.
int cut_off() noexcept {
  return base::fail(STRUCTIO_EMISUSE,
                    "a scope that is the library's own was cancelled, and with it the functions "
                    "that ran in it: cancel only scopes of your own");
}

int close_all(nursery& home, int status) noexcept {
  status = close(home, status);
  return status == 0 && home.around.caught ? cut_off() : status;
}

enum class prize : bool { first_end, first_success };

/// Functions that compete. Lives in the caller's frame, like the nursery that it is about.
struct contest {
  nursery home;
  functions work;
  prize goes_to;
  std::size_t winner = nobody;
  int status = 0;  ///< the winner's
};

struct competitor {
  contest* in;
  std::size_t index;
};

// Body of a competitor's task. One that is cancelled has not ended by itself, and wins nothing.
int compete(void* storage) {
  const competitor self = *static_cast<competitor*>(storage);
  contest& c = *self.in;
  const int status = call_user(*c.home.rt, [&] {
    return c.work.fns[self.index](c.work.args ? c.work.args[self.index] : nullptr);
  });
  const task& t = *c.home.rt->current;
  const bool was_cancelled = status == STRUCTIO_ECANCELLED && t.cancel_in_flight;
  if (c.winner != nobody || was_cancelled) return status;
  if (status < 0 && c.goes_to == prize::first_success) return status;
  c.winner = self.index;
  c.status = status;
  // A failure has the nursery cancel the others, once it is recorded.
  if (status >= 0) {
    scope_cancel(c.home.around, cancel_source::explicit_call, &t,
                 "another function of the race has ended first");
  }
  return status;
}

int start(contest& c, std::size_t index) noexcept {
  competitor one{&c, index};
  spawn_request request;
  request.fn = compete;
  request.arg = &one;
  request.storage_size = sizeof one;
  request.storage_init = [](void* storage, void* from) {
    new (storage) competitor(*static_cast<competitor*>(from));
  };
  task* t = nullptr;
  return nursery_spawn(c.home, request, t);
}

int hold(runtime& rt, contest& c) noexcept {
  if (const int code = cancel_check(rt)) return code;
  const bool in_flight_before = rt.current->cancel_in_flight;
  if (const int code = nursery_open(rt, c.home, nursery_kind::user)) return code;
  c.home.patient = c.goes_to == prize::first_success;
  int status = 0;
  for (std::size_t i = 0; i < c.work.count && status == 0; ++i) status = start(c, i);
  status = close(c.home, status);
  // Who has won has won, even if the caller was cancelled while the losers were awaited: what the
  // winner brings must not be lost. The caller's next checkpoint tells him.
  if (status == STRUCTIO_ECANCELLED && c.winner != nobody && c.status >= 0) {
    rt.current->cancel_in_flight = in_flight_before;
    return c.status;
  }
  if (status < 0) return status;
  return c.winner == nobody ? cut_off() : c.status;
}

bool is_interrupt(const failure& leaf, void*) noexcept {
  return leaf.code == STRUCTIO_EINTERRUPTED;
}

// A success makes up for every failure, but not for the user's wish to end the program.
int keep_interrupts(task& self, int status) noexcept {
  failure* interrupts = nullptr;
  failure* others = nullptr;
  if (!self.in_flight) return status;
  if (failure_split(self.in_flight, is_interrupt, nullptr, interrupts, others) != 0) {
    return self.in_flight->code;
  }
  failure_release(others);
  self.in_flight = interrupts;
  return interrupts ? interrupts->code : status;
}

/// One function for each number. Lives in the caller's frame.
struct loop {
  nursery home;
  indexed_fn fn;
  void* arg;
  std::size_t next;
  std::size_t count;
};

// Body of a worker's task: takes numbers until there are no more. Between two of them it is at a
// checkpoint, so that functions that never wait keep nobody out, and a failure, which cancels the
// nursery, ends the other workers.
int work(void* arg) {
  loop& l = *static_cast<loop*>(arg);
  runtime& rt = *l.home.rt;
  while (l.next < l.count) {
    if (const int code = cancel_check(rt)) return code;
    const std::size_t index = l.next++;
    if (const int code = call_user(rt, [&] { return l.fn(index, l.arg); }); code < 0) return code;
    give_way(rt);
  }
  return 0;
}

}  // namespace

int all(runtime& rt, const functions& work) noexcept {
  if (const int code = cancel_check(rt)) return code;
  nursery home;
  if (const int code = nursery_open(rt, home, nursery_kind::user)) return code;
  int status = 0;
  for (std::size_t i = 0; i < work.count && status == 0; ++i) {
    spawn_request request;
    request.fn = work.fns[i];
    request.arg = work.args ? work.args[i] : nullptr;
    task* t = nullptr;
    status = nursery_spawn(home, request, t);
  }
  return close_all(home, status);
}

int race(runtime& rt, const functions& work, std::size_t& winner) noexcept {
  contest c{{}, work, prize::first_end};
  const int status = hold(rt, c);
  winner = c.winner;
  return status;
}

int first_success(runtime& rt, const functions& work, std::size_t& winner) noexcept {
  contest c{{}, work, prize::first_success};
  const int status = hold(rt, c);
  winner = c.winner;
  if (status >= 0 || winner == nobody) return status;
  return keep_interrupts(*rt.current, c.status);
}

int for_each_concurrent(runtime& rt, std::size_t count, std::size_t limit, indexed_fn fn,
                        void* arg) noexcept {
  if (const int code = cancel_check(rt)) return code;
  loop l{{}, fn, arg, 0, count};
  if (const int code = nursery_open(rt, l.home, nursery_kind::user)) return code;
  const std::size_t workers = limit < count ? limit : count;
  int status = 0;
  for (std::size_t i = 0; i < workers && status == 0; ++i) {
    spawn_request request;
    request.fn = work;
    request.arg = &l;
    task* t = nullptr;
    status = nursery_spawn(l.home, request, t);
  }
  return close_all(l.home, status);
}

}  // namespace structio::rt::sync
