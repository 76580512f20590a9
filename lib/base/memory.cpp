// Either malloc and its kin, or a host's functions with the size of each block in front of it, so
// that these are told it when the block comes back.
#include "base/memory.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace structio::base {
namespace {

constexpr allocator standard;
allocator hosts;
/// Null until it is decided by the first who takes memory, or by the host before him.
constinit std::atomic<const allocator*> chosen{nullptr};

struct alignas(std::max_align_t) head {
  std::size_t size;  ///< with this
};

/// The host's functions, or null: malloc.
const allocator* host() noexcept {
  const allocator* a = chosen.load(std::memory_order_acquire);
  if (!a) [[unlikely]] {
    if (chosen.compare_exchange_strong(a, &standard, std::memory_order_acq_rel)) return nullptr;
  }
  return a == &standard ? nullptr : a;
}

void* allocate_from(const allocator& from, std::size_t size) noexcept {
  if (size > SIZE_MAX - sizeof(head)) return nullptr;
  size += sizeof(head);
  void* memory = from.allocate(size, from.arg);
  return memory ? new (memory) head{size} + 1 : nullptr;
}

void release_to(const allocator& to, void* block) noexcept {
  head* h = static_cast<head*>(block) - 1;
  to.release(h, h->size, to.arg);
}

void* reallocate_from(const allocator& from, void* block, std::size_t size) noexcept {
  if (!block) return allocate_from(from, size);
  head* h = static_cast<head*>(block) - 1;
  if (from.reallocate) {
    if (size > SIZE_MAX - sizeof(head)) return nullptr;
    size += sizeof(head);
    void* memory = from.reallocate(h, h->size, size, from.arg);
    return memory ? new (memory) head{size} + 1 : nullptr;
  }
  void* moved = allocate_from(from, size);
  if (!moved) return nullptr;
  const std::size_t size_now = h->size - sizeof(head);
  std::memcpy(moved, block, size < size_now ? size : size_now);
  release_to(from, block);
  return moved;
}

}  // namespace

bool set_allocator(const allocator& of_host) noexcept {
  // Two hosts at once are two hosts too many, but neither may get the other's functions by halves.
  static std::atomic<bool> taken{false};
  if (chosen.load(std::memory_order_acquire) || taken.exchange(true)) return false;
  hosts = of_host;
  const allocator* undecided = nullptr;
  return chosen.compare_exchange_strong(undecided, &hosts, std::memory_order_acq_rel);
}

void* allocate(std::size_t size) noexcept {
  const allocator* from = host();
  return from ? allocate_from(*from, size) : std::malloc(size);
}

void* reallocate(void* block, std::size_t size) noexcept {
  const allocator* from = host();
  return from ? reallocate_from(*from, block, size) : std::realloc(block, size);
}

void* allocate_zeroed(std::size_t count, std::size_t size) noexcept {
  const allocator* from = host();
  if (!from) return std::calloc(count, size);
  if (size != 0 && count > SIZE_MAX / size) return nullptr;
  void* block = allocate_from(*from, count * size);
  if (block) std::memset(block, 0, count * size);
  return block;
}

char* copy_text(const char* text) noexcept {
  const std::size_t size = std::strlen(text) + 1;
  void* copy = allocate(size);
  return copy ? static_cast<char*>(std::memcpy(copy, text, size)) : nullptr;
}

void release(void* block) noexcept {
  if (!block) return;
  const allocator* to = host();
  if (to) {
    release_to(*to, block);
  } else {
    std::free(block);
  }
}

}  // namespace structio::base
