// The library's heap: whatever it takes, it takes here, so that a host may bring its own allocator.
// Stacks are not part of it (they are mapped), nor what other libraries take for themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace structio::base {

/// A host's functions; see structio_allocator. `reallocate` may be null.
struct allocator {
  void* (*allocate)(std::size_t size, void* arg) = nullptr;
  void* (*reallocate)(void* block, std::size_t size_now, std::size_t size, void* arg) = nullptr;
  void (*release)(void* block, std::size_t size, void* arg) = nullptr;
  void* arg = nullptr;
};

/// False when memory has been taken before. Any thread.
bool set_allocator(const allocator& host) noexcept;

/// Aligned for whatever has no alignment of its own; null when there is no memory. Any thread.
[[nodiscard]] void* allocate(std::size_t size) noexcept;

/// As realloc: null leaves the block as it is; a null block is allocated.
[[nodiscard]] void* reallocate(void* block, std::size_t size) noexcept;

/// All zero; null too when the product is too large.
[[nodiscard]] void* allocate_zeroed(std::size_t count, std::size_t size) noexcept;

/// A string of its own, or null.
[[nodiscard]] char* copy_text(const char* text) noexcept;

/// Null is allowed.
void release(void* block) noexcept;

/// An object of its own, or null.
template <class T, class... Args>
[[nodiscard]] T* make(Args&&... args) noexcept {
  static_assert(alignof(T) <= alignof(std::max_align_t));
  void* memory = allocate(sizeof(T));
  if (!memory) return nullptr;
  if constexpr (sizeof...(Args) == 0) {
    return new (memory) T;
  } else {
    return new (memory) T{std::forward<Args>(args)...};
  }
}

/// The end of an object that was made; null is allowed.
template <class T>
void destroy(T* object) noexcept {
  if (!object) return;
  object->~T();
  release(const_cast<std::remove_cv_t<T>*>(object));
}

/// `count` objects with their initial values, or null. Released as memory, since they need no end.
template <class T>
[[nodiscard]] T* make_array(std::size_t count) noexcept {
  static_assert(alignof(T) <= alignof(std::max_align_t) && std::is_trivially_destructible_v<T>);
  if (count > SIZE_MAX / sizeof(T)) return nullptr;
  auto* first = static_cast<T*>(allocate(count * sizeof(T)));
  for (std::size_t i = 0; first && i < count; ++i) new (first + i) T;
  return first;
}

}  // namespace structio::base
