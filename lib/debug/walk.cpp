// The steps of a walk: into the first child, to the next scope, up to whoever opened the nursery.
#include "debug/walk.hpp"

namespace structio::rt::debug {

step walk::at_scope() noexcept {
  if (!scope_) return step::task_ends;
  return scope_->children ? step::nursery : step::scope;
}

step walk::behind_task() noexcept {
  nursery* home = task_->home;
  if (!home) return step::done;
  if (task* following = home->children.next(*task_)) {
    task_ = following;
    return step::task;
  }
  if (!home->owner) return step::done;  // the run's own nursery
  task_ = home->owner;
  scope_ = &home->around;
  depth_ -= 2;
  return step::nursery_ends;
}

step walk::go_on() noexcept {
  switch (last_) {
    case step::done: return task_ ? step::task : step::done;
    case step::task: scope_ = task_->outermost; return at_scope();
    case step::nursery:
      if (task* child = scope_->children->children.front()) {
        task_ = child;
        depth_ += 2;
        return step::task;
      }
      return step::nursery_ends;
    case step::scope:
    case step::nursery_ends: scope_ = scope_->inner; return at_scope();
    case step::task_ends: return behind_task();
  }
  return step::done;
}

}  // namespace structio::rt::debug
