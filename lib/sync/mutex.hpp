// Mutual exclusion among the tasks of a run: not recursive, unlocked by its owner only, handed over
// at unlock to who has waited longest. When the owner ends without unlocking, the mutex breaks:
// what it protects is in nobody knows what state, so nobody gets it any more.
//
// Always true: as long as anybody waits there is an owner. The owner is alive: the mutex hears of
// its end by a watch (see end_watch.hpp), or, after a destruction that was refused, asks.
#pragma once

#include "base/list.hpp"
#include "runtime/end_watch.hpp"
#include "runtime/wait_queue.hpp"

namespace structio::rt::sync {

class condition;
struct condition_tag;

/// The place of a task that is to get a mutex. Who broke it is written here, since the mutex may be
/// gone when the task reads it.
struct lock_wait : place {
  lock_wait() noexcept { former_owner[0] = 0; }  // the rest is nobody's business
  char former_owner[sizeof(task::name)];
};

class mutex : wait_queue, end_watch {
 public:
  mutex() noexcept;

  /// See wait_queue::claim.
  bool claim(const runtime& rt) noexcept {
    return wait_queue::claim(rt, owner_ || !conditions_.empty()) || inherit(rt);
  }
  using wait_queue::belongs_to;
  bool in_use() const noexcept { return owner_ || size() > 0 || !conditions_.empty(); }

  /// Null: it is free, or broken.
  task* owner() noexcept {
    if (owner_ && !watching()) [[unlikely]]
      look_for_owner();
    return owner_;
  }
  bool broken() const noexcept { return broken_; }
  /// Of a broken mutex: whose end broke it. 0: nobody has it.
  task_id owner_id() noexcept {
    const task* t = owner();
    if (t && watching()) return t->id();
    return t || broken_ ? former_id_ : 0;
  }
  std::size_t waiting() const noexcept { return size(); }

  /// 0, STRUCTIO_EMISUSE (the owner's own), STRUCTIO_EBROKEN, STRUCTIO_ECANCELLED,
  /// STRUCTIO_EINTERRUPTED. Checkpoint.
  int lock(runtime& rt) noexcept;

  /// 0, STRUCTIO_EWOULDBLOCK, STRUCTIO_EMISUSE, STRUCTIO_EBROKEN.
  int try_lock(task& self) noexcept;

  /// 0, STRUCTIO_EMISUSE (not its owner), STRUCTIO_EBROKEN (it has none any more).
  int unlock(task& self) noexcept {
    if (owner() != &self) [[unlikely]]
      return not_owner("unlock");
    hand_over();
    return 0;
  }

  /// Somebody has tried to destroy it in vain, and may let go of the storage all the same: nothing
  /// links to it until it is used again, unless tasks wait.
  void expect_the_worst() noexcept;

  /// The storage goes away in whatever state: those who wait get STRUCTIO_EBROKEN.
  void abandon() noexcept;

 private:
  friend class condition;
  static const queue_info info_of_mutex;
  static const mutex& of(const wait_queue& queue) noexcept {
    return static_cast<const mutex&>(queue);
  }

  int not_owner(const char* operation) noexcept;
  int refuse_broken() const noexcept;
  int wait_for_turn(runtime& rt) noexcept;
  void look_for_owner() noexcept;
  bool inherit(const runtime& rt) noexcept;
  void remember_owner(const task& t) noexcept;
  void break_now() noexcept;
  void fail_waiters() noexcept;

  void give_to(task& t) noexcept {
    owner_ = &t;
    watch(t);
  }

  // The owner has done with it: it is the next one's, at once.
  void hand_over() noexcept {
    if (watching()) [[likely]]
      cease();
    if (place* next_one = take_first()) {
      give_to(*next_one->waiter);
      finish(*next_one, 0);
    } else {
      owner_ = nullptr;
    }
  }

  task* owner_ = nullptr;
  base::list<condition, condition_tag> conditions_;  ///< those that tasks wait for
  task_id former_id_ = 0;
  char former_owner_[sizeof(task::name)] = {0};
  bool broken_ = false;
};

/// The result of a wait for a mutex, with its message.
int end_of_lock_wait(std::int64_t result, const lock_wait& self) noexcept;

}  // namespace structio::rt::sync
