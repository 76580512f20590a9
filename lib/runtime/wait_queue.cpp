// Queueing, moving, waking.
#include "runtime/wait_queue.hpp"

namespace structio::rt {

std::size_t wait_queue::move_to(wait_queue& to, std::size_t count) noexcept {
  std::size_t moved = 0;
  if (count > size_) count = size_;  // the other queue may be this one
  while (moved < count) {
    place& first = *places_.front();
    remove(first);
    to.push(first);
    ++moved;
  }
  return moved;
}

std::size_t wait_queue::wake(std::size_t count, std::int64_t result) noexcept {
  std::size_t woken = 0;
  while (woken < count) {
    place* first = take_first();
    if (!first) break;
    ++woken;
    finish(*first, result);
  }
  return woken;
}

std::int64_t wait_in(runtime& rt, wait_queue& queue, place& p, const char* what) noexcept {
  p.waiter = rt.current;
  queue.push(p);
  return park(
      rt, what,
      [](void* arg) {
        auto& leaving = *static_cast<place*>(arg);  // from whichever queue it is in now
        leaving.queue->remove(leaving);
        return abort_done;
      },
      &p);
}

std::int64_t wait_in_shielded(runtime& rt, wait_queue& queue, place& p, const char* what) noexcept {
  p.waiter = rt.current;
  queue.push(p);
  return park_shielded(rt, what);
}

}  // namespace structio::rt
