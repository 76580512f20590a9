// Queueing, moving, waking.
#include "runtime/wait_queue.hpp"

namespace structio::rt {
namespace {

// A wait that was ended by force has not left its queue: nobody has taken the place, and nobody has
// given it up.
std::int64_t end_wait(task& self, place& p, std::int64_t result) noexcept {
  self.wait.in = nullptr;
  if (p.linked()) [[unlikely]]
    p.queue->remove(p);
  return result;
}

}  // namespace

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

int leave_queue(void* arg) noexcept {
  auto& leaving = *static_cast<place*>(arg);
  leaving.queue->remove(leaving);
  return abort_done;
}

std::int64_t wait_in(runtime& rt, wait_queue& queue, place& p, const char* what,
                     int (*abort)(void* arg) noexcept) noexcept {
  task& self = *rt.current;
  p.waiter = &self;
  queue.push(p);
  self.wait.in = &p;
  const std::int64_t result = park(rt, what, abort, &p);
  return end_wait(self, p, result);
}

std::int64_t wait_in_shielded(runtime& rt, wait_queue& queue, place& p, const char* what) noexcept {
  task& self = *rt.current;
  p.waiter = &self;
  queue.push(p);
  self.wait.in = &p;
  const std::int64_t result = park_shielded(rt, what);
  return end_wait(self, p, result);
}

}  // namespace structio::rt
