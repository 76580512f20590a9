// The library's heap in the form that libuv wants.
#include "reactor/uv_memory.hpp"

#include <uv.h>

#include "base/memory.hpp"

namespace structio::reactor {

void use_own_memory() noexcept {
  // Fails only for want of a function.
  (void)uv_replace_allocator(
      [](std::size_t size) { return base::allocate(size); },
      [](void* block, std::size_t size) { return base::reallocate(block, size); },
      [](std::size_t count, std::size_t size) { return base::allocate_zeroed(count, size); },
      [](void* block) { base::release(block); });
}

}  // namespace structio::reactor
