// One registration with the system for all hooks.
#include "base/fork_hook.hpp"

#include <atomic>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define STRUCTIO_FORKS 1
#endif

namespace structio::base {
namespace {

// By rank. Hooks of other files come in any order, perhaps before this file is initialised.
constinit fork_hook* hooks = nullptr;
constinit std::atomic<std::uint32_t> forks{0};

#ifdef STRUCTIO_FORKS
void call_all(fork_hook::action fork_hook::*which) {
  for (const fork_hook* h = hooks; h; h = h->next) {
    if (h->*which) (h->*which)();
  }
}

void before() {
  call_all(&fork_hook::before);
}

void in_parent() {
  call_all(&fork_hook::in_parent);
}

void in_child() {
  forks.fetch_add(1, std::memory_order_relaxed);
  call_all(&fork_hook::in_child);
}
#endif

}  // namespace

fork_hook::fork_hook(fork_rank place, action b, action p, action c) noexcept
    : before(b), in_parent(p), in_child(c), rank(place) {
#ifdef STRUCTIO_FORKS
  // Without memory for it a child merely runs the risk.
  if (!hooks) pthread_atfork(base::before, base::in_parent, base::in_child);
#endif
  fork_hook** at = &hooks;
  while (*at && (*at)->rank < rank) at = &(*at)->next;
  next = *at;
  *at = this;
}

std::uint32_t fork_count() noexcept {
  return forks.load(std::memory_order_relaxed);
}

}  // namespace structio::base
