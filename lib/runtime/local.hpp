// Task-locals and run-locals: an immutable-looking chain of bindings, inherited by pointer at
// spawn. A node that only one chain holds is changed in place; before a shared one the chain is
// copied: nobody sees another's later change. Lookup walks the chain: there are few bindings.
//
// Always true: the nodes of a chain stay on one thread, so their counts are plain and inheriting
// costs an increment; only values travel to worker threads, bound in a chain of copies.
#pragma once

#include <atomic>
#include <cstdint>

namespace structio::rt {

struct local_value {
  std::atomic<std::uint32_t> references;
  void* value;
  void (*drop)(void*);
};

struct local_node {
  std::uint32_t references;
  const void* key;
  local_value* held;  ///< null: explicitly absent
  local_node* next;
};

/// The value of `key` in a chain, or null when absent.
local_value* local_find(const local_node* chain, const void* key) noexcept;

/// Binds `key` to `held` (a reference moves in; null: absent) at the front of a chain. 0 or
/// STRUCTIO_ENOMEM (nothing changed, the reference still the caller's).
int local_bind(local_node*& chain, const void* key, local_value* held) noexcept;

/// The same bindings in nodes of their own, for another thread. 0 or STRUCTIO_ENOMEM.
int local_copy(const local_node* chain, local_node*& copy) noexcept;

local_value* local_value_make(void* value, void (*drop)(void*)) noexcept;
local_value* local_value_retain(local_value* v) noexcept;
void local_value_release(local_value* v) noexcept;

inline local_node* local_retain(local_node* chain) noexcept {
  if (chain) ++chain->references;
  return chain;
}
void local_release(local_node* chain) noexcept;

/// The calling thread's own chain, for outside of a run.
local_node*& thread_locals() noexcept;

}  // namespace structio::rt
