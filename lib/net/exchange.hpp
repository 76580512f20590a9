// What a run has one of and a program may exchange: its resolver, its connector. Kept as run-locals
// under a key each.
#pragma once

#include "base/memory.hpp"
#include "base/status.hpp"
#include "runtime/local.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt::net {

/// The run's own; null: never set.
template <class Part>
Part* part_of(runtime& rt, const void* key) noexcept {
  local_value* held = local_find(rt.run_locals, key);
  return held ? static_cast<Part*>(held->value) : nullptr;
}

/// 0 or STRUCTIO_ENOMEM, without a message (then nothing has changed).
template <class Part>
int exchange_part(runtime& rt, const void* key, const Part& given, Part& former) noexcept {
  Part* own = part_of<Part>(rt, key);
  if (!own) {
    own = base::make<Part>();
    if (!own) return STRUCTIO_ENOMEM;
    const auto drop = [](void* value) { base::destroy(static_cast<Part*>(value)); };
    local_value* held = local_value_make(own, drop);
    if (!held) {
      base::destroy(own);
      return STRUCTIO_ENOMEM;
    }
    if (local_bind(rt.run_locals, key, held) != 0) {
      local_value_release(held);  // drops it
      return STRUCTIO_ENOMEM;
    }
  }
  former = *own;
  *own = given;
  return 0;
}

}  // namespace structio::rt::net
