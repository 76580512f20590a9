// Who must be told when a task ends: the lots that break with it, the mutexes that it holds. A
// watch is a link in the object that watches, and the task knows only the first, so that to begin
// and to cease watching cost a few stores: a mutex does both each time it is locked.
//
// Always true: a watch is linked to one living task or to none.
#pragma once

#include "base/assert.hpp"
#include "runtime/task.hpp"

namespace structio::rt {

struct end_watch {
  end_watch* next = nullptr;
  end_watch** link = nullptr;  ///< what points to this one; null: watches nobody
  /// `ended` can still be read, but runs no more; the watch is linked to nobody by then.
  void (*task_ended)(end_watch& self, task& ended) noexcept = nullptr;

  bool watching() const noexcept { return link != nullptr; }

  void watch(task& t) noexcept {
    STRUCTIO_ASSERT(!watching());
    next = t.end_watches;
    if (next) next->link = &next;
    link = &t.end_watches;
    t.end_watches = this;
  }

  void cease() noexcept {
    STRUCTIO_ASSERT(watching());
    *link = next;
    if (next) next->link = link;
    next = nullptr;
    link = nullptr;
  }
};

/// At a task's end: tells every watch, the latest first.
inline void tell_end_watches(task& t) noexcept {
  while (end_watch* w = t.end_watches) {
    w->cease();
    w->task_ended(*w, t);
  }
}

}  // namespace structio::rt
