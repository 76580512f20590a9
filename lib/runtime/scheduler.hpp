// Who runs next. Ready tasks form batches: what is ready when a pass begins runs once in that pass,
// what becomes ready meanwhile waits for the next. A task that leaves jumps straight to the next
// one of the batch; only when a pass has to look at the world (deadlines, I/O, posts) does the hub
// come in between.
//
// How often that is: after every batch when the budget is 1 (a test's default); otherwise when
// nothing is ready, or at the end of a batch once `time_between_looks` is over or a deadline has
// passed. The clock is read several times in that while, and not more often: quick tasks switch
// many times for one reading and no system call, beside slow ones each step is looked at.
#pragma once

#include <cstdint>

#include "base/assert.hpp"
#include "base/clock.hpp"
#include "runtime/task.hpp"

namespace structio::rt {

class scheduler {
 public:
  static constexpr std::uint32_t default_budget = 32;
  static constexpr std::uint64_t most_steps_a_reading = 64;
  static constexpr std::int64_t time_between_looks = 100'000;

  void configure(std::uint32_t budget, std::uint64_t seed) noexcept {
    budget_ = budget;
    random_ = seed;
    plain_ = budget != 1 && seed == 0;
    plain_until_ = 0;
  }

  std::uint64_t budget() const noexcept { return budget_; }

  /// Adds a task to the batch of the next pass.
  void push(task& t) noexcept {
    STRUCTIO_ASSERT(t.wait.state != wait_state::ended);
    if (pushed_ == steps_) {
      first_ = &t;
    } else {
      last_->ready_next = &t;
    }
    last_ = &t;
    ++pushed_;
  }

  /// The next task to run, or null when the hub must have a look first.
  task* take() noexcept {
    if (steps_ == pass_ends_ && !begin_pass()) return nullptr;
    return pop();
  }

  /// Hub only: the next task, beginning a new pass if need be; null when nothing is ready.
  task* take_after_look() noexcept {
    if (steps_ == pass_ends_) {
      if (pushed_ == steps_) return nullptr;
      enter_pass();
    }
    return pop();
  }

  /// Hub, after a look at the world: the next one is due at `deadline` or soon, whichever is first.
  void looked(std::int64_t now, std::int64_t deadline) noexcept {
    const std::int64_t soon = base::saturating_add(now, time_between_looks);
    next_look_ = deadline < soon ? deadline : soon;
    read_at_ = now;
    read_next_at(steps_ + steps_a_reading_);
  }

  std::uint64_t ready() const noexcept { return pushed_ - steps_; }
  std::uint64_t steps() const noexcept { return steps_; }

 private:
  // Beyond this many ready tasks their stacks may have left the caches.
  static constexpr std::uint64_t worth_fetching = 3;

  task* pop() noexcept {
    task* t = first_;
    first_ = t->ready_next;
    ++steps_;
    if (pushed_ - steps_ >= worth_fetching) fetch_ahead();
    return t;
  }

  // The task after the next one: its control block. The next one, whose block has been asked for a
  // step ago: the top of its stack.
  void fetch_ahead() const noexcept {
    prefetch_block(*first_->ready_next);
    prefetch_stack(*first_);
  }

  bool begin_pass() noexcept {
    if (pushed_ == steps_) return false;
    if (steps_ >= plain_until_) [[unlikely]]
      return begin_pass_with_care();
    pass_ends_ = pushed_;
    return true;
  }

  void enter_pass() noexcept {
    pass_ends_ = pushed_;
    if (random_ != 0) shuffle();
  }

  void read_next_at(std::uint64_t step) noexcept {
    reading_due_ = step;
    plain_until_ = plain_ ? step : 0;
  }

  bool begin_pass_with_care() noexcept;
  void shuffle() noexcept;
  bool look_is_due() noexcept;

  // The ready tasks, a list by ready_next: those of this pass come first. Its length is known, so
  // neither end of it is marked.
  task* first_ = nullptr;
  task* last_ = nullptr;
  std::uint64_t pushed_ = 0;       ///< tasks made ready, ever
  std::uint64_t steps_ = 0;        ///< and begun
  std::uint64_t pass_ends_ = 0;    ///< the step after this pass
  std::uint64_t plain_until_ = 0;  ///< before this step a pass just begins
  std::uint64_t reading_due_ = 1;  ///< the step at which the clock is read
  std::uint64_t budget_ = default_budget;
  std::int64_t next_look_ = 0;  ///< a moment of the system's clock
  std::uint64_t steps_a_reading_ = 1;
  std::int64_t read_at_ = 0;
  std::uint64_t random_ = 0;
  bool plain_ = true;  ///< neither is every pass followed by a look, nor shuffled
};

}  // namespace structio::rt
