// Select: a look at every branch, then a place at every branch, then sleep. Nothing gives way
// before the sleep, so what was not ready in the look is not ready when the task lies down.
#include "sync/select.hpp"

#include <utility>

#include "base/message.hpp"
#include "base/random.hpp"
#include "base/status.hpp"
#include "reactor/uv_readiness.hpp"
#include "runtime/wait.hpp"
#include "sync/readiness.hpp"

namespace structio::rt {

/// The wait of one call, in the frame of its task.
struct select_wait : choice {
  struct alarm : timer {
    select_wait* of = nullptr;
  };

  runtime& rt;
  const select_branches& branches;
  select_branch* winner = nullptr;   ///< of a source that is no queue
  select_branch* nearest = nullptr;  ///< the moment that comes first: the others need no timer
  alarm deadline;

  select_wait(runtime& r, const select_branches& all) noexcept : rt(r), branches(all) {
    give_up_others = [](choice& self, place*) noexcept {
      static_cast<select_wait&>(self).give_up();
    };
    deadline.of = this;
    deadline.fire = [](timer& self) noexcept {
      select_wait& wait = *static_cast<alarm&>(self).of;
      wait.decide(*wait.nearest, 0);
    };
  }

  /// Leaves every queue that no place was taken from, and whatever else was begun.
  void give_up() noexcept {
    for (std::size_t i = 0; i < branches.count; ++i) {
      select_branch& b = branches[i];
      if (!b.enlisted) continue;
      if (b.place.linked()) b.place.queue->remove(b.place);
      if (b.kind == select_kind::descriptor) {
        reactor::readiness_cancel(rt.kernel, b.descriptor, b.direction, b.operation);
      }
    }
    rt.timers.disarm(deadline);
  }

  void decide(select_branch& b, std::int64_t how) noexcept {
    winner = &b;
    result = how;
    give_up();
    wake(*task_that_waits, 0);
  }

  task* task_that_waits = rt.current;
};

namespace {

// 0 or a code: that is how the branch ends. STRUCTIO_EWOULDBLOCK: it does not end yet.
int try_branch(runtime& rt, select_branch& b) noexcept {
  bool ready = false;
  switch (b.kind) {
    case select_kind::none: break;
    case select_kind::receive: return channel_try_receive(*b.end, b.place.item);
    case select_kind::send: return channel_try_send(*b.end, b.place.item);
    case select_kind::event: ready = b.event->is_set(); break;
    case select_kind::moment: ready = b.moment <= rt.now(); break;
    case select_kind::end: ready = b.cell->done; break;
    case select_kind::descriptor: {
      const int code = reactor::readiness_try(rt.kernel, b.descriptor, b.direction);
      if (code < 0) return code;
      ready = code == 1;
      break;
    }
  }
  return ready ? 0 : STRUCTIO_EWOULDBLOCK;
}

// Looks at the branches in their order or in any, each order as likely as another; ends at the
// first that is decided. Returns the winner, or null.
select_branch* try_all(runtime& rt, const select_request& request, int& status) noexcept {
  const select_branches& all = request.branches;
  for (std::size_t i = 0; i < all.count; ++i) all[i].turn = static_cast<std::uint32_t>(i);
  for (std::size_t i = 0; i < all.count; ++i) {
    if (!request.in_order && i + 1 < all.count) {
      std::swap(all[i].turn, all[i + base::random_below(rt.chance, all.count - i)].turn);
    }
    select_branch& b = all[all[i].turn];
    status = try_branch(rt, b);
    if (status != STRUCTIO_EWOULDBLOCK) return &b;
  }
  return nullptr;
}

int enlist_in(wait_queue& queue, select_branch& b) noexcept {
  queue.push(b.place);
  return STRUCTIO_EWOULDBLOCK;
}

int enlist_descriptor(runtime& rt, select_branch& b) noexcept {
  b.operation.branch = &b;
  b.operation.done = [](reactor::operation& self, std::int64_t result) noexcept {
    select_branch& done = *static_cast<select_operation&>(self).branch;
    done.of->decide(done, result);
  };
  const int code = reactor::readiness_begin(rt.kernel, b.descriptor, b.direction, b.operation);
  if (code == 0) return STRUCTIO_EWOULDBLOCK;
  return code == 1 ? 0 : code;
}

// STRUCTIO_EWOULDBLOCK: the task waits there now. Anything else decides the branch after all.
int enlist(select_wait& wait, select_branch& b) noexcept {
  b.of = &wait;
  b.enlisted = b.kind != select_kind::none;
  b.place.of = &wait;
  b.place.waiter = wait.task_that_waits;
  switch (b.kind) {
    case select_kind::none: break;
    case select_kind::receive:
    case select_kind::send: channel_enlist(*b.end, b.place); break;
    case select_kind::event: return enlist_in(b.event->queue(), b);
    case select_kind::end:
      ++b.cell->references;  // the handle may be freed while we wait
      return enlist_in(b.cell->joiners.queue(), b);
    case select_kind::moment:
      if (!wait.nearest || b.moment < wait.nearest->moment) wait.nearest = &b;
      break;
    case select_kind::descriptor: return enlist_descriptor(wait.rt, b);
  }
  return STRUCTIO_EWOULDBLOCK;
}

// The task's own farewell to a branch, decided or not.
void leave(select_branch& b) noexcept {
  if (!std::exchange(b.enlisted, false)) return;
  if (b.kind == select_kind::receive || b.kind == select_kind::send) channel_leave(b.place);
  if (b.kind == select_kind::end) cell_release(*b.cell);
}

void leave_all(select_wait& wait) noexcept {
  wait.give_up();
  for (std::size_t i = 0; i < wait.branches.count; ++i) leave(wait.branches[i]);
}

select_branch* branch_of(const select_wait& wait) noexcept {
  if (!wait.taken) return wait.winner;
  for (std::size_t i = 0;; ++i) {
    if (&wait.branches[i].place == wait.taken) return &wait.branches[i];
  }
}

// Sleeps until one branch is decided and returns it; null with a code: none was.
select_branch* sleep(select_wait& wait, int& status) noexcept {
  const std::int64_t woken = park(
      wait.rt, "select",
      [](void* arg) {
        static_cast<select_wait*>(arg)->give_up();
        return abort_done;
      },
      &wait);
  select_branch* winner = branch_of(wait);
  status = static_cast<int>(winner ? wait.result : woken);
  leave_all(wait);
  return winner;
}

select_branch* wait_for_any(runtime& rt, const select_branches& all, int& status) noexcept {
  select_wait wait(rt, all);
  for (std::size_t i = 0; i < all.count; ++i) {
    status = enlist(wait, all[i]);
    if (status == STRUCTIO_EWOULDBLOCK) continue;
    leave_all(wait);
    give_way(rt);
    return &all[i];
  }
  if (wait.nearest && rt.timers.arm(wait.deadline, wait.nearest->moment) != 0) {
    leave_all(wait);
    status = base::fail(STRUCTIO_ENOMEM, "no memory for a deadline");
    return nullptr;
  }
  return sleep(wait, status);
}

// The message that belongs to how a branch ended.
int explain(const select_branch& b, int status) noexcept {
  if (status == 0) return 0;
  switch (b.kind) {
    case select_kind::receive: return channel_explain(channel_side::receiving, status);
    case select_kind::send: return channel_explain(channel_side::sending, status);
    case select_kind::descriptor: return readiness_failed(status, b.descriptor);
    default: return base::fail(status, "the event was destroyed while the task waited for it");
  }
}

std::int64_t index_of(const select_branches& all, const select_branch& b) noexcept {
  const auto* at = reinterpret_cast<const std::byte*>(&b);
  return (at - all.first) / static_cast<std::ptrdiff_t>(all.stride);
}

}  // namespace

std::int64_t select(runtime& rt, const select_request& request, int& status) noexcept {
  if (const int code = cancel_check(rt)) return code;
  const select_branch* winner = try_all(rt, request, status);
  if (winner) {
    give_way(rt);
  } else if (!request.wait) {
    give_way(rt);
    return base::fail(STRUCTIO_EWOULDBLOCK, "nothing that was to be selected from is ready");
  } else {
    winner = wait_for_any(rt, request.branches, status);
    if (!winner) return status;
  }
  explain(*winner, status);
  return index_of(request.branches, *winner);
}

}  // namespace structio::rt
