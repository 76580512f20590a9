// Queueing, moving, waking.
#include "runtime/wait_queue.hpp"

namespace structio::rt {
namespace {

// Parks in a queue by `sleep`, and leaves a trace of where meanwhile: for dumps, and for who ends
// the wait by force.
template <class Sleep>
std::int64_t wait_at(runtime& rt, wait_queue& queue, place& p, Sleep sleep) noexcept {
  task& self = *rt.current;
  p.waiter = &self;
  queue.push(p);
  self.wait.in = &p;
  const std::int64_t result = sleep();
  self.wait.in = nullptr;
  STRUCTIO_ASSERT(!p.linked());
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
  return wait_at(rt, queue, p, [&]() noexcept { return park(rt, what, abort, &p); });
}

std::int64_t wait_in_shielded(runtime& rt, wait_queue& queue, place& p, const char* what) noexcept {
  return wait_at(rt, queue, p, [&]() noexcept { return park_shielded(rt, what); });
}

}  // namespace structio::rt
