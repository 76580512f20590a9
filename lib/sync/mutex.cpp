// Taking a mutex, handing it over, breaking it.
#include "sync/mutex.hpp"

#include <cstdio>
#include <cstring>

#include "base/message.hpp"
#include "sync/condition.hpp"

namespace structio::rt::sync {

const queue_info mutex::info_of_mutex = {
    [](const wait_queue& queue, char* text, std::size_t size) noexcept {
      const task* owner = of(queue).owner_;
      std::snprintf(text, size, owner ? "mutex held by '%s'" : "mutex", owner ? owner->name : "");
    },
    [](const wait_queue& queue) noexcept -> const task* { return of(queue).owner_; },
};

mutex::mutex() noexcept : wait_queue(info_of_mutex) {
  task_ended = [](end_watch& self, task& ended) noexcept {
    auto& m = static_cast<mutex&>(self);
    m.remember_owner(ended);
    m.break_now();
  };
}

int mutex::lock(runtime& rt) noexcept {
  task& self = *rt.current;
  if (owner() == &self) [[unlikely]] {
    return base::fail(
        STRUCTIO_EMISUSE,
        "lock: the task holds the mutex already, and a mutex is not recursive: unlock "
        "it first");
  }
  if (const int code = cancel_check(rt)) return code;
  if (owner_) return wait_for_turn(rt);
  if (broken_) return refuse_broken();
  give_to(self);
  give_way(rt);
  return 0;
}

// Out of line: the mutex without competition should need no frame for a place.
[[gnu::noinline]] int mutex::wait_for_turn(runtime& rt) noexcept {
  lock_wait self;
  return end_of_lock_wait(wait_in(rt, *this, self, "mutex"), self);
}

int mutex::try_lock(task& self) noexcept {
  if (const task* held_by = owner()) {
    if (held_by == &self) {
      return base::fail(STRUCTIO_EMISUSE,
                        "try_lock: the task holds the mutex already, and a mutex is not recursive");
    }
    return base::fail(STRUCTIO_EWOULDBLOCK, "another task holds the mutex");
  }
  if (broken_) return refuse_broken();
  give_to(self);
  return 0;
}

int mutex::not_owner(const char* operation) noexcept {
  if (broken_) return refuse_broken();
  if (!owner_) {
    return base::fail(STRUCTIO_EMISUSE, "%s: nobody holds the mutex: lock it first", operation);
  }
  return base::fail(STRUCTIO_EMISUSE, "%s: task '%s' holds the mutex: only its owner may do this",
                    operation, owner_->name);
}

int mutex::refuse_broken() const noexcept {
  return base::fail(STRUCTIO_EBROKEN, "the mutex is broken: task '%s' ended without unlocking it",
                    former_owner_);
}

void mutex::remember_owner(const task& t) noexcept {
  former_id_ = t.id();
  std::memcpy(former_owner_, t.name, sizeof former_owner_);
}

void mutex::expect_the_worst() noexcept {
  if (!watching() || size() > 0 || !conditions_.empty()) return;
  if (!belongs_to(current_runtime())) return;
  remember_owner(*owner_);
  cease();
}

// Nobody has told whether the owner has ended, so its id has to. Another run cannot ask as long as
// the owner's lasts.
[[gnu::noinline]] void mutex::look_for_owner() noexcept {
  const runtime* rt = current_runtime();
  task* t = belongs_to(rt) ? task_find(*rt, former_id_) : nullptr;
  if (t) {
    watch(*t);
  } else if (belongs_to(rt) || !home_lasts()) {
    break_now();
  }
}

bool mutex::inherit(const runtime& rt) noexcept {
  return size() == 0 && conditions_.empty() && !owner() && wait_queue::claim(rt);
}

void mutex::break_now() noexcept {
  broken_ = true;
  owner_ = nullptr;
  fail_waiters();
}

void mutex::fail_waiters() noexcept {
  while (place* p = take_first()) {
    std::memcpy(static_cast<lock_wait*>(p)->former_owner, former_owner_, sizeof former_owner_);
    finish(*p, STRUCTIO_EBROKEN);
  }
  while (condition* c = conditions_.front()) c->fail_waiters(former_owner_);
}

void mutex::abandon() noexcept {
  if (watching()) cease();
  owner_ = nullptr;
  former_owner_[0] = 0;
  fail_waiters();
}

int end_of_lock_wait(std::int64_t result, const lock_wait& self) noexcept {
  const auto code = static_cast<int>(result);
  if (code != STRUCTIO_EBROKEN) return code;
  if (self.former_owner[0] == 0) {
    return base::fail(code, "the mutex was destroyed while the task waited for it");
  }
  return base::fail(code, "the mutex is broken: task '%s' ended without unlocking it",
                    self.former_owner);
}

}  // namespace structio::rt::sync
