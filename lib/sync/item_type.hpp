// What a channel knows of the items that go through it: their size, and how they are moved,
// destroyed and copied. Used by channel_buffer, channel and broadcast.
// Always true: an item is a relocatable value; after a move the place that it came from is raw
// memory. User code that runs in here is cut off from everything that waits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/runtime.hpp"

namespace structio::rt {

/// The user's functions run while queues and rings are between two states: they must not block.
struct item_code : confinement {
  item_code() noexcept : confinement(current_runtime(), confined::waiting) {}
};

struct item_type {
  std::size_t size = 0;
  void (*move_fn)(void* to, void* from) = nullptr;       ///< null: its bytes are copied
  void (*destroy_fn)(void* item) = nullptr;              ///< null: nothing to do
  int (*copy_fn)(void* to, const void* from) = nullptr;  ///< broadcast only; null: as move_fn

  void move(void* to, void* from) const noexcept {
    if (!move_fn) [[likely]] {
      copy_bytes(to, from);
    } else {
      move_by_user(to, from);
    }
  }

  void destroy(void* item) const noexcept {
    if (!destroy_fn) return;
    const item_code guard;
    destroy_fn(item);
  }

  /// 0 or what the user's function says.
  int copy(void* to, const void* from) const noexcept {
    if (!copy_fn) {
      copy_bytes(to, from);
      return 0;
    }
    const item_code guard;
    return copy_fn(to, from);
  }

 private:
  void copy_bytes(void* to, const void* from) const noexcept {
    if (size == sizeof(std::uint64_t)) {  // a number or a pointer: spares the call
      __builtin_memcpy(to, from, sizeof(std::uint64_t));
    } else {
      __builtin_memcpy(to, from, size);
    }
  }

  void move_by_user(void* to, void* from) const noexcept;
};

}  // namespace structio::rt
