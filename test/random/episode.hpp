// One episode of random calls, for the program that makes many.
#pragma once

#include <cstdint>
#include <memory>

#include "random/world.hpp"

namespace random_calls {

/// One run and what goes on around it; `before`: the last episode, whose handles are stale now.
std::unique_ptr<world> run_episode(std::uint64_t seed, int calls, bool may_die, world* before);

/// Waits until no worker thread is left: other libraries free with a thread what they kept for it.
void let_threads_end();

/// The process is about to end with memory that is still in use.
void leaks_are_fine();

}  // namespace random_calls
