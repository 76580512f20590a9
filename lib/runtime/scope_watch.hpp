// Being told when a scope is effectively cancelled: for what is no task and cannot poll, such as a
// std::stop_token that a thread holds.
//
// Always true: a watch is in one list at most, its scope's or the run's of those about to be told;
// it is told once at most, when the whole tree is settled.
#pragma once

#include <cstdint>

namespace structio::rt {

struct scope;
struct runtime;

struct scope_watch {
  static constexpr std::uint32_t magic_value = 0x57544348;  // "WTCH"
  std::uint32_t magic = magic_value;
  scope_watch* next = nullptr;
  scope_watch** at = nullptr;  ///< what points here; null: in no list
  void (*fn)(void*) = nullptr;
  void* arg = nullptr;
  runtime* rt = nullptr;  ///< while it is in a list
};

/// Puts a watch on a scope that was not left; one that is cancelled already tells at once.
void watch_add(runtime& rt, scope& s, scope_watch& w) noexcept;

/// Takes it out of whatever list it is in.
void watch_remove(scope_watch& w) noexcept;

/// The scope has become cancelled: its watches are about to be told.
void watches_fire(scope& s) noexcept;

/// Tells those, once the tree is settled.
void watches_tell(runtime& rt) noexcept;

/// The scope is being left: nobody is told any more.
void watches_detach(scope& s) noexcept;

}  // namespace structio::rt
