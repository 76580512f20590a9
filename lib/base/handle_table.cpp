// Slots in chunks that never move; freed slots are reused oldest first, so that a generation comes
// round as late as it can.
#include "base/handle_table.hpp"

#include <atomic>
#include <cstdlib>
#include <mutex>

#include "base/fork_hook.hpp"
#include "base/memory.hpp"

namespace structio::base {
namespace handles {

std::atomic<slot*> chunks[chunks_max];

}  // namespace handles

namespace {

using namespace handles;

std::mutex table_mutex;
fork_lock<table_mutex> table_at_fork(fork_rank::handles);
std::size_t chunk_count = 0;
slot* oldest_free = nullptr;
slot* newest_free = nullptr;
std::atomic<std::size_t> living{0};

void put_free(slot& s) noexcept {
  s.next_free = nullptr;
  (newest_free ? newest_free->next_free : oldest_free) = &s;
  newest_free = &s;
}

bool grow() noexcept {
  if (chunk_count == chunks_max) return false;
  slot* chunk = base::make_array<slot>(chunk_size);
  if (!chunk) return false;
  for (std::size_t i = 0; i < chunk_size; ++i) {
    chunk[i].index = chunk_count * chunk_size + i;
    put_free(chunk[i]);
  }
  chunks[chunk_count++].store(chunk, std::memory_order_release);
  return true;
}

slot* find(handle_kind kind, std::uintptr_t handle) noexcept {
  if (handle >> (bits - kind_bits) != static_cast<std::uintptr_t>(kind)) return nullptr;
  return slot_at(handle & index_mask);
}

}  // namespace

void* handle_make(handle_kind kind, void* object) noexcept {
  const std::lock_guard lock(table_mutex);
  if (!oldest_free && !grow()) return nullptr;
  slot& s = *oldest_free;
  oldest_free = s.next_free;
  if (!oldest_free) newest_free = nullptr;
  s.generation = (s.generation + 1) & generation_mask;
  const std::uintptr_t handle = (static_cast<std::uintptr_t>(kind) << (bits - kind_bits)) |
                                (s.generation << index_bits) | s.index;
  s.object.store(object, std::memory_order_relaxed);
  s.handle.store(handle, std::memory_order_release);
  living.fetch_add(1, std::memory_order_relaxed);
  return reinterpret_cast<void*>(handle);
}

void handle_assign(const void* handle, void* object) noexcept {
  const auto value = reinterpret_cast<std::uintptr_t>(handle);
  find(static_cast<handle_kind>(value >> (bits - kind_bits)), value)
      ->object.store(object, std::memory_order_relaxed);
}

void* handle_drop(handle_kind kind, const void* handle) noexcept {
  const auto value = reinterpret_cast<std::uintptr_t>(handle);
  slot* s = find(kind, value);
  if (!s) return nullptr;
  const std::lock_guard lock(table_mutex);
  if (s->handle.load(std::memory_order_relaxed) != value) return nullptr;
  s->handle.store(0, std::memory_order_relaxed);
  void* object = s->object.exchange(nullptr, std::memory_order_relaxed);
  put_free(*s);
  living.fetch_sub(1, std::memory_order_relaxed);
  return object;
}

std::size_t handle_count() noexcept {
  return living.load(std::memory_order_relaxed);
}

}  // namespace structio::base
