// Handles of the C ABI: numbers dressed as pointers, which lead to an object through one table for
// the whole process. A handle holds the kind, the slot and the slot's generation, so a freed,
// foreign or mistyped one is noticed instead of followed.
//
// Making and dropping take a lock (both stand beside an allocation); looking up takes none. The
// memory of slots is never given back, so a stale look-up reads valid memory.
#pragma once

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
  subscription
};

/// A new handle for `object`, or null when memory is out. Any thread.
void* handle_make(handle_kind kind, void* object) noexcept;

/// Gives a handle that was made with a null object its object. Any thread.
void handle_assign(const void* handle, void* object) noexcept;

/// The object, or null when the handle is stale, null or of another kind. Any thread.
void* handle_object(handle_kind kind, const void* handle) noexcept;

/// Ends a handle and returns its object, or null when it was not one. Exactly one of several
/// threads that drop the same handle gets the object.
void* handle_drop(handle_kind kind, const void* handle) noexcept;

/// Handles that are alive in this process: a leak check for tests.
std::size_t handle_count() noexcept;

}  // namespace structio::base
