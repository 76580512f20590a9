// How a change of a scope's state spreads: inwards along the task's stack of scopes, from nursery
// scopes to the children, without recursion. Waits are aborted once every state is settled if their
// abort function is the user's, so that it sees a consistent tree, whatever it calls.
#include "runtime/cancel.hpp"
#include "runtime/nursery.hpp"
#include "runtime/runtime.hpp"
#include "runtime/scope_watch.hpp"
#include "runtime/wait.hpp"

namespace structio::rt {
namespace {

// The nurseries whose children are still to be visited: those of a child before its siblings, and
// children in the order of their start. No task begins or ends meanwhile.
class worklist {
 public:
  bool empty() const noexcept { return !head_; }

  void add_children(nursery& n) noexcept {
    n.to_settle = n.children.front();
    n.settle_next = head_;
    head_ = &n;
  }

  task* take() noexcept {
    for (; head_; head_ = head_->settle_next) {
      task* t = head_->to_settle;
      if (!t) continue;
      head_->to_settle = head_->children.next(*t);
      if (head_->count >= worth_fetching && head_->to_settle) fetch_ahead(*head_);
      return t;
    }
    return nullptr;
  }

 private:
  // Of this many children the blocks and frames may have left the caches.
  static constexpr std::uint64_t worth_fetching = 8;

  // As the scheduler does it: of the next child, whose block was asked for a step ago, the frames;
  // of the one behind it the block.
  static void fetch_ahead(nursery& n) noexcept {
    prefetch_stack(*n.to_settle);
    if (const task* second = n.children.next(*n.to_settle)) prefetch_block(*second);
  }

  nursery* head_ = nullptr;
};

// Settles one scope from its outer neighbour. True when anything that is seen inside has changed.
bool settle(scope& s) noexcept {
  const scope* outside = s.shield ? nullptr : s.outer;
  const bool stopping = s.stop_called || (outside && outside->stopping);
  if (stopping && s.ends_on_stop && !s.cancel_called) {
    s.cancel_called = true;
    if (!s.why) {
      // The words of the stop are those of the nearest scope that was told to stop.
      const scope* told = &s;
      while (told && !told->stop_called) told = told->outer;
      s.why = told ? reason_retain(told->why_stop) : nullptr;
      if (!s.why) s.why = reason_make(cancel_source::stop, nullptr, nullptr);
    }
    s.rt->timers.disarm(s.deadline_timer);
  }
  const bool cancelled = s.cancel_called || (outside && outside->cancelled);
  if (cancelled == s.cancelled && stopping == s.stopping) return false;
  if (cancelled && !s.cancelled && !s.why && outside) s.why = reason_retain(outside->why);
  if (!cancelled && s.why && !s.cancel_called) {
    reason_release(s.why);
    s.why = nullptr;
  }
  if (cancelled && !s.cancelled && s.watches) watches_fire(s);
  s.cancelled = cancelled;
  if (cancelled) s.laden = true;
  s.stopping = stopping;
  return true;
}

void show_to_task(task& t) noexcept {
  const bool cancelled = t.innermost->cancelled;
  const bool shown = (t.attention & attention_cancel) != 0;
  if (cancelled == shown) return;
  t.attention = static_cast<std::uint8_t>(t.attention ^ attention_cancel);
  if (t.wait.state != wait_state::parked || t.wait.abort_asked) return;
  // One that was cancelled and has not been asked is asked again, by abort_again: of nothing too.
  if (!cancelled && t.wait.abort_foreign) return;
  if (!t.wait.abort_foreign) {
    abort_wait(t);
  } else if (!t.abort_queued) {
    t.abort_queued = true;
    t.abort_next = nullptr;
    *t.rt->abort_tail = &t;
    t.rt->abort_tail = &t.abort_next;
  }
}

// Settles a task's scopes from `s` inwards as far as something changes.
void settle_stack(scope* s, task& t, worklist& work) noexcept {
  for (; s; s = s->inner) {
    if (!settle(*s)) return;
    if (s->children) work.add_children(*s->children);
  }
  show_to_task(t);
}

void settle_tasks(runtime& rt, worklist& work) noexcept {
  const timer_queue::many_go whoever_sleeps(rt.timers);
  while (task* child = work.take()) {
    if (child->outermost) {
      settle_stack(child->outermost, *child, work);
    } else {
      show_to_task(*child);
    }
  }
}

void settle_children(runtime& rt, worklist& work) noexcept {
  if (!work.empty()) settle_tasks(rt, work);
  // Only the outermost of nested changes runs the users' abort functions.
  if (rt.aborting) return;
  rt.aborting = true;
  while (task* t = rt.abort_queue) {
    rt.abort_queue = t->abort_next;
    if (!rt.abort_queue) rt.abort_tail = &rt.abort_queue;
    t->abort_queued = false;
    if (t->attention != 0) abort_wait(*t);
  }
  if (rt.watches_to_tell) watches_tell(rt);
  rt.aborting = false;
}

}  // namespace

void scope_refresh(scope& s) noexcept {
  worklist work;
  if (s.owner) {
    settle_stack(&s, *s.owner, work);
  } else if (settle(s) && s.children) {
    work.add_children(*s.children);  // a scope of the run itself
  }
  settle_children(*s.rt, work);
}

void scope_entered(scope& s) noexcept {
  settle(s);
  show_to_task(*s.owner);
  if (s.rt->watches_to_tell && !s.rt->aborting) watches_tell(*s.rt);
}

void task_look(task& t) noexcept {
  show_to_task(t);
}

void task_refresh(task& t) noexcept {
  worklist work;
  if (t.outermost) {
    settle_stack(t.outermost, t, work);
  } else {
    show_to_task(t);
  }
  settle_children(*t.rt, work);
}

}  // namespace structio::rt
