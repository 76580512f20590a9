// The order of a batch under a seed; how often the clock is read.
#include "runtime/scheduler.hpp"

#include <algorithm>

#include "base/random.hpp"

namespace structio::rt {

bool scheduler::look_is_due() noexcept {
  // As many steps as fit in a quarter of the time between looks, going by the last ones.
  const std::int64_t now = base::monotonic_now();
  const auto taken = static_cast<std::uint64_t>(now > read_at_ ? now - read_at_ : 1);
  const std::uint64_t fitting = steps_a_reading_ * (time_between_looks / 4) / taken;
  steps_a_reading_ = std::clamp<std::uint64_t>(fitting, 1, most_steps_a_reading);
  read_at_ = now;
  reading_due_ = steps_ + steps_a_reading_;
  return now >= next_look_;
}

// Shuffles a linked batch without memory of its own: each task in turn is dealt to one of 16 hands,
// the hands are laid behind each other in a random rotation. Twice over, any two tasks can change
// places.
void scheduler::shuffle() noexcept {
  constexpr unsigned hands = 16;
  for (int round = 0; round < 2; ++round) {
    queue hand[hands];
    for (task* t = batch_.head; t;) {
      task* following = t->ready_next;
      queue& h = hand[(base::next_random(random_) >> 33) % hands];
      t->ready_next = h.head;
      h.head = t;
      t = following;
    }
    batch_.head = nullptr;
    const unsigned first = static_cast<unsigned>(base::next_random(random_) >> 33) % hands;
    for (unsigned i = 0; i < hands; ++i) {
      for (task* t = hand[(first + i) % hands].head; t;) {
        task* following = t->ready_next;
        t->ready_next = batch_.head;
        batch_.head = t;
        t = following;
      }
    }
  }
}

}  // namespace structio::rt
