// Handles of the C ABI: numbers dressed as pointers, which lead to an object through one table for
// the whole process. A handle holds the kind, the slot and the slot's generation, so a freed,
// foreign or mistyped one is noticed instead of followed.
//
// Making and dropping take a lock (both stand beside an allocation); looking up takes none. The
// memory of slots is never given back, so a stale look-up reads valid memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace structio::base {

enum class handle_kind : std::uint8_t {
  failure = 1,
  task,
  portal,
  cancel_token,
  listener,
  stream,
  clock,
  sender,
  receiver,
  broadcast,
  subscription,
  remote_sender,
  addresses,
  buffered,
  file,
  directory_entries,
  watch,
  process
};

/// What the look-up reads, so that it costs no call: it stands in every function of the C ABI.
namespace handles {

inline constexpr int bits = sizeof(std::uintptr_t) * 8;
inline constexpr int kind_bits = 5;
inline constexpr int index_bits = bits == 64 ? 32 : 18;
inline constexpr int generation_bits = bits - kind_bits - index_bits;
inline constexpr std::uintptr_t index_mask = (std::uintptr_t{1} << index_bits) - 1;
inline constexpr std::uintptr_t generation_mask = (std::uintptr_t{1} << generation_bits) - 1;
inline constexpr std::size_t chunk_size = 1024;
inline constexpr std::size_t chunks_max = bits == 64 ? 65536 : 256;

struct slot {
  std::atomic<std::uintptr_t> handle{0};  // the handle that is valid now, 0 when free
  std::atomic<void*> object{nullptr};
  std::uintptr_t generation = 0;
  slot* next_free = nullptr;
  std::uintptr_t index = 0;
};

extern std::atomic<slot*> chunks[chunks_max];

/// Where a handle of this index has its slot, or null when there never was one.
inline slot* slot_at(std::uintptr_t index) noexcept {
  if (index / chunk_size >= chunks_max) return nullptr;
  slot* chunk = chunks[index / chunk_size].load(std::memory_order_acquire);
  return chunk ? &chunk[index % chunk_size] : nullptr;
}

}  // namespace handles

/// A new handle for `object`, or null when memory is out. Any thread.
void* handle_make(handle_kind kind, void* object) noexcept;

/// Gives a handle that was made with a null object its object. Any thread.
void handle_assign(const void* handle, void* object) noexcept;

/// The object, or null when the handle is stale, null or of another kind. Any thread.
inline void* handle_object(handle_kind kind, const void* handle) noexcept {
  const auto value = reinterpret_cast<std::uintptr_t>(handle);
  handles::slot* s = handles::slot_at(value & handles::index_mask);
  if (!s || s->handle.load(std::memory_order_acquire) != value) return nullptr;
  // A free slot holds 0, which is of no kind.
  const auto own_kind = value >> (handles::bits - handles::kind_bits);
  if (own_kind != static_cast<std::uintptr_t>(kind)) return nullptr;
  return s->object.load(std::memory_order_relaxed);
}

/// Ends a handle and returns its object, or null when it was not one. Exactly one of several
/// threads that drop the same handle gets the object.
void* handle_drop(handle_kind kind, const void* handle) noexcept;

/// Handles that are alive in this process: a leak check for tests.
std::size_t handle_count() noexcept;

}  // namespace structio::base
