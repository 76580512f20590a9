// One handler for the whole process; the system calls it in the child, on the thread that forked.
#include "runtime/fork_watch.hpp"

#include <atomic>

#include "runtime/runtime.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define STRUCTIO_FORKS 1
#endif

namespace structio::rt {
namespace {

std::atomic<bool> forked_inside{false};

#ifdef STRUCTIO_FORKS
void in_child() {
  if (!current_runtime_slot) return;
  forked_inside.store(true, std::memory_order_relaxed);
  current_runtime_slot = nullptr;
}
#endif

}  // namespace

void fork_watch_begin() noexcept {
#ifdef STRUCTIO_FORKS
  // Without memory for it a child is merely not told.
  [[maybe_unused]] static const int watching = pthread_atfork(nullptr, nullptr, in_child);
#endif
}

bool was_forked_inside() noexcept {
  return forked_inside.load(std::memory_order_relaxed);
}

}  // namespace structio::rt
