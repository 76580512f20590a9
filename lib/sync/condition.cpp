// From the condition's queue to the mutex' queue: by a notification, a cancellation, or because the
// condition goes away.
#include "sync/condition.hpp"

#include <cstring>

#include "base/message.hpp"

namespace structio::rt::sync {

struct condition::waiting_task : lock_wait {
  explicit waiting_task(condition& c) noexcept : home(&c) {}
  condition* home;  ///< not to be looked at once the place has left its queue
  bool cancelled = false;
  bool abandoned = false;
};

int condition::wait(runtime& rt) noexcept {
  task& self = *rt.current;
  if (mutex_->owner() != &self) return mutex_->not_owner("wait");
  if (const int code = cancel_check(rt)) return code;
  queue_.claim(rt);
  if (!linked()) mutex_->conditions_.push_back(*this);
  waiting_task p(*this);
  mutex_->hand_over();
  const std::int64_t result = wait_in(rt, queue_, p, "condition", leave);
  if (result != 0) return end_of_lock_wait(result, p);
  // Here the task owns the mutex again.
  if (p.abandoned) {
    return base::fail(STRUCTIO_EBROKEN, "the condition was destroyed while the task waited for it");
  }
  return p.cancelled ? take_abort(self) : 0;
}

// Leaves the queue for the mutex. True when it was free, and is the task's now.
bool condition::get_in_line(waiting_task& p) noexcept {
  queue_.remove(p);
  settle();
  if (mutex_->owner()) {
    mutex_->push(p);
    return false;
  }
  mutex_->give_to(*p.waiter);
  return true;
}

// Who has been notified has what it waited for, and takes its turn at the mutex; who has not gets
// in line for the mutex as well, and is told of the cancellation when it has it.
int condition::leave(void* arg) noexcept {
  auto& p = *static_cast<waiting_task*>(static_cast<place*>(arg));
  if (p.queue != &p.home->queue_) return abort_later;
  p.cancelled = true;
  return p.home->get_in_line(p) ? abort_done : abort_later;
}

std::int64_t condition::notify(task& self, std::size_t count) noexcept {
  if (mutex_->owner() != &self) return mutex_->not_owner("notify");
  const std::size_t moved = queue_.move_to(*mutex_, count);
  settle();
  return static_cast<std::int64_t>(moved);
}

void condition::abandon() noexcept {
  while (place* first = queue_.front()) {
    auto& p = *static_cast<waiting_task*>(first);
    p.abandoned = true;
    if (get_in_line(p)) finish(p, 0);
  }
}

void condition::fail_waiters(const char* former_owner) noexcept {
  while (place* p = queue_.take_first()) {
    auto& waiting = *static_cast<lock_wait*>(p);
    std::memcpy(waiting.former_owner, former_owner, sizeof waiting.former_owner);
    finish(*p, STRUCTIO_EBROKEN);
  }
  settle();
}

}  // namespace structio::rt::sync
