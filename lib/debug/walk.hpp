// A walk through the tasks of a run, their scopes and nurseries, in the order a tree is printed.
// Keeps nothing but its place: the tree's own links lead back up, so that a tree of any depth can
// be walked on any stack.
#pragma once

#include "runtime/runtime.hpp"

namespace structio::rt::debug {

enum class step : unsigned char {
  task,          ///< a task begins
  scope,         ///< a scope of it that is no nursery's
  nursery,       ///< a nursery of it begins
  nursery_ends,  ///< all its children have been walked
  task_ends,     ///< all its scopes and nurseries have been walked
  done
};

class walk {
 public:
  /// Begins at the main task, or at the first of the system tasks; `depth` is that of the task.
  walk(task* first, unsigned depth) noexcept : task_(first), depth_(depth) {}

  step next() noexcept { return last_ = go_on(); }

  /// The task that the place belongs to; at a nursery the one that has opened it.
  task& here() const noexcept { return *task_; }

  /// At a scope or a nursery: the scope.
  rt::scope& around() const noexcept { return *scope_; }

  /// 0 for the first task, one more for each scope or nursery and for each task in a nursery.
  unsigned depth() const noexcept {
    return last_ == step::task || last_ == step::task_ends ? depth_ : depth_ + 1;
  }

  /// At a task without nurseries: goes on behind `sibling` without looking into either.
  void skip_to_end_of(task& sibling) noexcept {
    task_ = &sibling;
    last_ = step::task_ends;
  }

 private:
  step go_on() noexcept;
  step at_scope() noexcept;
  step behind_task() noexcept;

  task* task_;
  rt::scope* scope_ = nullptr;
  unsigned depth_;
  step last_ = step::done;
};

/// The next child of the nursery that `t` lives in, or null.
inline task* next_sibling(task& t) noexcept {
  return t.home ? t.home->children.next(t) : nullptr;
}

}  // namespace structio::rt::debug
