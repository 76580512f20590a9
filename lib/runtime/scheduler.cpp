// The order of a batch under a seed; how often the clock is read.
#include "runtime/scheduler.hpp"

#include <algorithm>

#include "base/random.hpp"

namespace structio::rt {

bool scheduler::begin_pass_with_care() noexcept {
  if (budget_ == 1 || (steps_ >= reading_due_ && look_is_due())) return false;
  enter_pass();
  return true;
}

bool scheduler::look_is_due() noexcept {
  // As many steps as fit in a quarter of the time between looks, going by the last ones.
  const std::int64_t now = base::monotonic_now();
  const auto taken = static_cast<std::uint64_t>(now > read_at_ ? now - read_at_ : 1);
  const std::uint64_t fitting = steps_a_reading_ * (time_between_looks / 4) / taken;
  steps_a_reading_ = std::clamp<std::uint64_t>(fitting, 1, most_steps_a_reading);
  read_at_ = now;
  read_next_at(steps_ + steps_a_reading_);
  return now >= next_look_;
}

// Shuffles the list in place, which at the begin of a pass is all of that pass, without memory of
// its own: each task in turn is dealt to one of 16 hands, the hands are laid behind each other in a
// random rotation. Twice over, any two tasks can change places.
void scheduler::shuffle() noexcept {
  struct hand {
    task* head = nullptr;
    task* tail = nullptr;
  };
  constexpr unsigned hands = 16;
  for (int round = 0; round < 2; ++round) {
    hand dealt[hands];
    task* t = first_;
    for (std::uint64_t left = ready(); left > 0; --left) {
      task* following = t->ready_next;
      hand& h = dealt[(base::next_random(random_) >> 33) % hands];
      t->ready_next = h.head;
      h.head = t;
      if (!h.tail) h.tail = t;
      t = following;
    }
    const unsigned rotation = static_cast<unsigned>(base::next_random(random_) >> 33) % hands;
    first_ = nullptr;
    for (unsigned i = 0; i < hands; ++i) {
      const hand& h = dealt[(rotation + i) % hands];
      if (!h.head) continue;
      if (first_) {
        h.tail->ready_next = first_;
      } else {
        last_ = h.tail;
      }
      first_ = h.head;
    }
  }
}

}  // namespace structio::rt
