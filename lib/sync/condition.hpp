// Waiting, with a mutex given up meanwhile, until somebody who holds that mutex says that something
// has changed. Who is notified moves to the mutex' queue instead of waking, so nobody wakes only to
// wait again; the same holds for who is cancelled.
//
// Always true: a condition is in its mutex' list exactly as long as tasks wait in its own queue,
// and a wait that has left that queue ends with the mutex held, or because the mutex is broken.
#pragma once

#include "sync/mutex.hpp"

namespace structio::rt::sync {

class condition : public base::list_node<condition_tag> {
 public:
  explicit condition(mutex& m) noexcept : mutex_(&m) {}

  /// See wait_queue::claim: it belongs where its mutex does.
  bool claim(const runtime& rt) noexcept { return mutex_->claim(rt); }
  std::size_t waiting() const noexcept { return queue_.size(); }
  bool belongs_to(const runtime* rt) const noexcept { return queue_.belongs_to(rt); }
  bool in_use() const noexcept { return !queue_.empty(); }

  /// 0, STRUCTIO_ECANCELLED, STRUCTIO_EINTERRUPTED, STRUCTIO_EMISUSE (not the mutex' owner),
  /// STRUCTIO_EBROKEN. Checkpoint. The mutex is held again, unless it is broken.
  int wait(runtime& rt) noexcept;

  /// Moves the first `count` to the mutex' queue: how many there were, or STRUCTIO_EMISUSE (not the
  /// mutex' owner), STRUCTIO_EBROKEN.
  std::int64_t notify(task& self, std::size_t count) noexcept;

  /// The storage goes away although tasks wait: they get STRUCTIO_EBROKEN, and the mutex back.
  void abandon() noexcept;

  /// The mutex has broken, and by whose end.
  void fail_waiters(const char* former_owner) noexcept;

 private:
  struct waiting_task;
  static int leave(void* arg) noexcept;
  bool get_in_line(waiting_task& p) noexcept;

  // To be called whenever a place has left the queue.
  void settle() noexcept {
    if (queue_.empty() && linked()) unlink();
  }

  wait_queue queue_;
  mutex* mutex_;
};

}  // namespace structio::rt::sync
