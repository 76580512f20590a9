// Who runs next. Ready tasks form batches: what is ready when a pass begins runs once in that pass,
// what becomes ready meanwhile waits for the next. A task that leaves jumps straight to the next
// one of the batch; only when a pass has to look at the world (deadlines, I/O, posts) does the hub
// come in between.
//
// How often that is: after every batch when the budget is 1 (a test's default), otherwise when
// nothing is ready, or after `ticks_between_polls` steps.
#pragma once

#include <cstdint>

#include "base/assert.hpp"
#include "runtime/task.hpp"

namespace structio::rt {

class scheduler {
 public:
  static constexpr std::int32_t default_budget = 32;
  static constexpr std::int32_t ticks_between_polls = 64;

  void configure(std::int32_t budget, std::uint64_t seed) noexcept {
    budget_ = budget;
    random_ = seed;
  }

  std::int32_t budget() const noexcept { return budget_; }

  /// Adds a task to the batch of the next pass.
  void push(task& t) noexcept {
    STRUCTIO_ASSERT(t.wait.state != wait_state::ended);
    t.ready_next = nullptr;
    *next_.tail = &t;
    next_.tail = &t.ready_next;
    ++ready_;
  }

  /// The next task to run, or null when the hub must have a look first.
  task* take() noexcept {
    if (!batch_.head) {
      if (!next_.head || --ticks_ <= 0 || budget_ == 1) return nullptr;
      begin_pass();
    }
    return pop();
  }

  /// Hub only: the next task, beginning a new pass if need be; null when nothing is ready.
  task* take_after_look() noexcept {
    if (!batch_.head) {
      if (!next_.head) return nullptr;
      ticks_ = ticks_between_polls;
      begin_pass();
    }
    return pop();
  }

  bool batch_empty() const noexcept { return batch_.head == nullptr; }
  std::uint64_t ready() const noexcept { return ready_; }
  std::uint64_t steps() const noexcept { return steps_; }

 private:
  struct queue {
    task* head = nullptr;
    task** tail = &head;
    queue() = default;
    queue(const queue&) = delete;
    queue& operator=(const queue&) = delete;
  };

  task* pop() noexcept {
    task* t = batch_.head;
    batch_.head = t->ready_next;
    --ready_;
    ++steps_;
    if (budget_ != 1) --ticks_;
    return t;
  }

  void begin_pass() noexcept {
    batch_.head = next_.head;
    next_.head = nullptr;
    next_.tail = &next_.head;
    if (random_ != 0) shuffle();
  }

  void shuffle() noexcept;

  queue batch_;
  queue next_;
  std::int32_t budget_ = default_budget;
  std::int32_t ticks_ = ticks_between_polls;
  std::uint64_t ready_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t random_ = 0;
};

}  // namespace structio::rt
