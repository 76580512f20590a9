// A sequence of numbered steps that tasks of one run take in the order of the numbers.
//
// Always true: steps below `next_` are over; step `next_` is being taken exactly when `taken_` is
// set; whoever waits does so for a step beyond that. So what was used before can be told from these
// two and the queue, and nothing is allocated.
#pragma once

#include <cstdint>

#include "runtime/wait_queue.hpp"

namespace structio::rt::testing {

class sequencer {
 public:
  static constexpr std::uint32_t magic_value = 0x53455155;  // "SEQU"
  std::uint32_t magic = magic_value;

  /// See wait_queue::claim; a run whose task is in a step keeps it, too.
  bool claim(const runtime& rt) noexcept {
    return taken_ ? queue_.belongs_to(&rt) : queue_.claim(rt);
  }
  bool in_use() const noexcept { return taken_ || !queue_.empty(); }

  /// See structio_sequencer_step; `fn` may be null.
  int step(runtime& rt, std::uint64_t position, task_fn fn, void* arg) noexcept;

 private:
  struct step_place : place {
    std::uint64_t position = 0;
  };

  int enter(runtime& rt, std::uint64_t position) noexcept;
  bool used(std::uint64_t position) noexcept;
  void leave() noexcept;
  void fall_apart() noexcept;

  wait_queue queue_;
  std::uint64_t next_ = 0;
  bool taken_ = false;
  bool broken_ = false;
};

}  // namespace structio::rt::testing
