// Queueing, moving, breaking.
#include "runtime/parking.hpp"

#include <cstdlib>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"

namespace structio::rt {

namespace {

void forget(breaker& b) noexcept {
  b.unlink();
  base::destroy(&b);
}

}  // namespace

parking_lot::~parking_lot() {
  while (breaker* b = breakers_.front()) {
    b->cease();
    forget(*b);
  }
  base::release(broken_by_);
}

int parking_lot::park(runtime& rt, const char* what) noexcept {
  constexpr const char* text = "the lot is broken: a task that it depended on has ended";
  if (broken()) return base::fail(STRUCTIO_EBROKEN, text);
  place self;
  const auto code = static_cast<int>(wait_in(rt, queue_, self, what));
  return code == STRUCTIO_EBROKEN ? base::fail(code, text) : code;
}

int parking_lot::break_by(task_id who) noexcept {
  broken_ = true;
  int code = 0;
  if (broken_count_ == broken_room_) {
    const std::uint32_t room = broken_room_ ? broken_room_ * 2 : 4;
    void* memory = base::reallocate(broken_by_, room * sizeof(task_id));
    if (memory) {
      broken_by_ = static_cast<task_id*>(memory);
      broken_room_ = room;
    } else {
      code = base::fail(STRUCTIO_ENOMEM, "no memory to remember who broke the lot");
    }
  }
  if (code == 0) broken_by_[broken_count_++] = who;
  queue_.wake(SIZE_MAX, STRUCTIO_EBROKEN);
  return code;
}

std::size_t parking_lot::broken_by(task_id* ids, std::size_t capacity) const noexcept {
  for (std::size_t i = 0; i < broken_count_ && i < capacity; ++i) ids[i] = broken_by_[i];
  return broken_count_;
}

int parking_lot::add_breaker(task& t) noexcept {
  auto* b = base::make<breaker>();
  if (!b) return base::fail(STRUCTIO_ENOMEM, "no memory to name a breaker of the lot");
  b->who = t.id();
  b->lot = this;
  b->task_ended = [](end_watch& self, task&) noexcept {
    auto& ended = static_cast<breaker&>(self);
    ended.lot->break_by(ended.who);
    forget(ended);
  };
  b->watch(t);
  breakers_.push_back(*b);
  return 0;
}

int parking_lot::remove_breaker(task& t) noexcept {
  const task_id who = t.id();
  for (breaker* b = breakers_.front(); b; b = breakers_.next(*b)) {
    if (b->who != who) continue;
    b->cease();
    forget(*b);
    return 0;
  }
  return base::fail(STRUCTIO_EMISUSE, "the task is not a breaker of this lot");
}

}  // namespace structio::rt
