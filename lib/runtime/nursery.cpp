// Spawning into, failing in, and ending a nursery.
#include "runtime/nursery.hpp"

#include <cstdio>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/cell.hpp"
#include "runtime/failure.hpp"
#include "runtime/local.hpp"
#include "runtime/spawn.hpp"
#include "runtime/wait.hpp"

namespace structio::rt {
namespace {

// Room for one more failure. The first needs no memory of the heap.
bool make_room(nursery& n) noexcept {
  if (n.failure_count < n.failure_room) return true;
  if (n.failure_room == 0) {
    n.failures = &n.first_failure;
    n.failure_room = 1;
    return true;
  }
  const bool on_heap = n.failures != &n.first_failure;
  const std::uint32_t room = n.failure_room * 4;
  void* memory = base::reallocate(on_heap ? n.failures : nullptr, room * sizeof(failure*));
  if (!memory) return false;
  n.failures = static_cast<failure**>(memory);
  if (!on_heap) n.failures[0] = n.first_failure;
  n.failure_room = room;
  return true;
}

// When there is no room the standing failure for "no memory" takes the place of the last one.
void keep(nursery& n, failure* f) noexcept {
  if (make_room(n)) {
    n.failures[n.failure_count++] = f;
    n.around.laden = true;
    return;
  }
  failure_release(f);
  failure_release(n.failures[n.failure_count - 1]);
  n.failures[n.failure_count - 1] = failure_no_memory();
}

// The owner may be interrupted while it waits.
void take_interrupt(nursery& n) noexcept {
  task& self = *n.owner;
  if (!(self.attention & attention_interrupt)) return;
  const int code = take_attention(self);
  nursery_add_failure(n, failure_of(*n.rt, self, code, nullptr), &self, true);
}

// All failures as one: null for none.
failure* gather(nursery& n, bool with_cancelled) noexcept {
  if (n.failure_count == 0) return nullptr;
  while (with_cancelled && n.cancelled > 0) {
    --n.cancelled;
    failure* f = failure_cancelled(n.cancelled_why);
    if (!f) break;
    keep(n, f);
  }
  failure* group = failure_group(n.failures, n.failure_count);
  if (!group) {
    for (std::uint32_t i = 0; i < n.failure_count; ++i) failure_release(n.failures[i]);
    group = failure_no_memory();
  }
  n.failure_count = 0;
  return group;
}

void add_cancelled(nursery& n, const task& by) noexcept {
  ++n.cancelled;
  n.around.laden = true;
  if (!n.cancelled_why) n.cancelled_why = reason_retain(by.innermost->why);
}

}  // namespace

int nursery_open(runtime& rt, nursery& n, nursery_kind kind) noexcept {
  task& self = *rt.current;
  n.rt = &rt;
  n.kind = kind;
  n.around.children = &n;
  if (const int code = scope_enter(rt, self, n.around)) return code;
  nursery_push(self, n, rt.number);
  return 0;
}

int nursery_close(nursery& n, int status, failure*& f) noexcept {
  runtime& rt = *n.rt;
  task& self = *n.owner;
  if (status == STRUCTIO_ECANCELLED && self.cancel_in_flight) {
    failure_drop(f);
    add_cancelled(n, self);
    scope_cancel(n.around, cancel_source::nursery, &self, "the nursery's body was cancelled");
  } else if (status < 0) {
    nursery_add_failure(n, failure_of(rt, self, status, f), &self, true);
  } else {
    failure_drop(f);
  }
  f = nullptr;
  return nursery_close_well(rt, self, n) ? 0 : nursery_sum_up(n, f);
}

void nursery_await_children(nursery& n, bool waited) noexcept {
  runtime& rt = *n.rt;
  if (waited) {
    take_interrupt(n);
  } else {
    if (n.ended()) give_way(rt);
    if (n.services > 0) nursery_check_end(n);
  }
  while (!n.ended()) {
    park_shielded(rt, "children");
    take_interrupt(n);
  }
}

int nursery_sum_up(nursery& n, failure*& f) noexcept {
  task& self = *n.owner;
  const bool outer_cancelled = n.cancelled > 0 && !scope_catches(n.around);
  f = gather(n, outer_cancelled);
  int result = 0;
  if (f) {
    result = f->code;  // a group's, or "no memory" in its place
  } else if (n.cancelled > 0) {
    result = STRUCTIO_ECANCELLED;
    self.cancel_in_flight = true;
  }
  // Cancelled children are the scope's to absorb even when real failures pass on through it.
  if (n.cancelled > 0 && scope_catches(n.around)) n.around.caught = true;
  self.open_nurseries = n.outer;
  n.owner = nullptr;
  result = scope_leave(n.around, result, f);
  nursery_forget(n);
  return result;
}

int unwrap_only(int status, failure*& f) noexcept {
  if (status != STRUCTIO_EGROUP || !f || f->count != 1) return status;
  failure* only = failure_retain(f->members[0]);
  failure_release(f);
  f = only;
  return only->code;
}

void nursery_abandon(nursery& n) noexcept {
  scope_cancel(n.around, cancel_source::misnesting, nullptr,
               "a scope or nursery around it was closed in the wrong order");
  n.state = nursery_state::closing;
  nursery_await_children(n, false);
  n.state = nursery_state::closed;
  for (std::uint32_t i = 0; i < n.failure_count; ++i) {
    // What fails in there is lost with it, but the user's wish to end the program is not.
    if (n.failures[i]->code == STRUCTIO_EINTERRUPTED) n.owner->attention |= attention_interrupt;
  }
  failure_release(gather(n, false));
  n.owner->open_nurseries = n.outer;
  n.owner = nullptr;
  nursery_forget(n);
}

void nursery_forget(nursery& n) noexcept {
  reason_release(n.cancelled_why);
  n.cancelled_why = nullptr;
  for (std::uint32_t i = 0; i < n.failure_count; ++i) failure_release(n.failures[i]);
  n.failure_count = 0;
  if (n.failures != &n.first_failure) base::release(n.failures);
  n.failures = nullptr;
  n.failure_room = 0;
}

int nursery_spawn(nursery& n, const spawn_request& request, task*& out) noexcept {
  if (n.state == nursery_state::closed || (n.kind == nursery_kind::system && n.rt->ending)) {
    return base::fail(STRUCTIO_ECLOSED,
                      "the nursery has ended: start tasks before its block is over");
  }
  if (const int code = task_make(*n.rt, request, n.around, out)) return code;
  out->attention = n.around.cancelled ? attention_cancel : 0;
  nursery_adopt(*n.rt, n, *out);
  return 0;
}

int system_spawn(runtime& rt, const spawn_request& request, task*& out) noexcept {
  if (const int code = nursery_spawn(rt.system, request, out)) return code;
  local_release(out->locals);
  out->locals = local_retain(rt.first_locals);
  return 0;
}

void nursery_add_failure(nursery& n, failure* f, const task* by, bool from_body) noexcept {
  char line[300];
  char text[400];
  failure_one_line(*f, line, sizeof line);
  if (from_body) {
    std::snprintf(text, sizeof text, "the nursery's body failed: %s", line);
  } else {
    std::snprintf(text, sizeof text, "task '%s' failed: %s", by->name, line);
  }
  // The body may pass on what it learnt of a child by its handle: that is one failure, not two. The
  // body's has all that was added to it.
  for (std::uint32_t i = 0; from_body && i < n.failure_count; ++i) {
    if (!failure_same(*n.failures[i], *f)) continue;
    failure_release(n.failures[i]);
    n.failures[i] = f;
    return;
  }
  const auto source =
      f->code == STRUCTIO_EINTERRUPTED ? cancel_source::interrupt : cancel_source::nursery;
  keep(n, f);
  if (n.kind == nursery_kind::system) {
    rt_system_failed(*n.rt);
  } else if (from_body || !n.patient) {
    scope_cancel(n.around, source, by, text);
  }
}

void nursery_child_ended(nursery& n, task& t, int status, failure* in_flight) noexcept {
  if (status == STRUCTIO_ECANCELLED && t.cancel_in_flight) {
    failure_release(in_flight);
    add_cancelled(n, t);
    // Who is cancelled from outside ends its nursery like any other failure would.
    if (n.kind != nursery_kind::system && !n.around.cancelled) {
      scope_cancel(n.around, cancel_source::nursery, &t, "a child was cancelled");
    }
  } else if (status < 0) {
    nursery_add_failure(n, failure_of(*n.rt, t, status, in_flight), &t, false);
  } else {
    failure_release(in_flight);
  }
  nursery_leave(*n.rt, n, t);
}

void nursery_check_end(nursery& n) noexcept {
  const bool only_services = n.count == n.services && n.pending_starts == 0;
  if (n.state == nursery_state::closing && only_services && n.services > 0 && !n.services_told) {
    n.services_told = true;
    for (task* t = n.children.front(); t; t = n.children.next(*t)) {
      if (!t->is_service) continue;  // started just now, by a service's abort function
      scope_cancel(t->cell->own, cancel_source::shutdown, nullptr,
                   "every ordinary task of the nursery has ended");
    }
  }
  if (n.count == 0) nursery_wake_owner(*n.rt, n);
}

}  // namespace structio::rt
