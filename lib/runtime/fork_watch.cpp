// Its hook is called in the child, on the thread that forked.
#include "runtime/fork_watch.hpp"

#include <atomic>

#include "base/fork_hook.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt {
namespace {

std::atomic<bool> forked_inside{false};

void in_child() {
  if (!current_runtime_slot) return;
  forked_inside.store(true, std::memory_order_relaxed);
  current_runtime_slot = nullptr;
}

base::fork_hook forget_the_run(base::fork_rank::none, nullptr, nullptr, in_child);

}  // namespace

bool was_forked_inside() noexcept {
  return forked_inside.load(std::memory_order_relaxed);
}

}  // namespace structio::rt
