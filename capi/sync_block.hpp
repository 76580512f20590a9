// What the blocks of structio_sync.h have in common: how each is found in its storage and by whom
// it may be used, and the three ways in which it ends.
#pragma once

#include <structio/structio_sync.h>

#include <new>

#include "check.hpp"
#include "sync/event.hpp"

namespace structio::capi {

/// An object of lib/sync in a caller's storage. Kind has its name, and the word that tells the
/// storage from other memory.
template <class Object, class Kind>
struct sync_block : Object {
  using Object::Object;
  static constexpr std::uint32_t magic_value = Kind::magic;
  static constexpr const char* noun = Kind::noun;
  std::uint32_t magic = magic_value;
};

struct event_kind {
  static constexpr std::uint32_t magic = 0x45565421;  // "EVT!"
  static constexpr const char* noun = "event";
};
/// The one that more than one file knows: it can be waited for beside other things.
using event = sync_block<rt::sync::event, event_kind>;
static_assert(sizeof(event) <= sizeof(structio_event));

template <class Block>
struct in_use_by {
  Block* object = nullptr;
  rt::runtime* run = nullptr;
  explicit operator bool() const noexcept { return run; }
};

/// The object for a call that uses it, and the calling run; nothing, with a message, when that is
/// not allowed. A hook has no task that could wait or own. `Run`: one of in_task and the like.
template <class Block, rt::runtime* (*Run)(const char* call) noexcept, class Storage>
in_use_by<Block> find_for(const Storage* storage, const char* call) noexcept {
  auto* object = block<Block>(storage, call, Block::noun);
  if (!object) return {};
  rt::runtime* r = Run(call);
  if (!r) return {};
  if (object->claim(*r)) [[likely]]
    return {object, r};
  other_run(call);
  return {};
}

template <class Block, class Storage>
in_use_by<Block> find_for_task(const Storage* storage, const char* call) noexcept {
  return find_for<Block, in_task>(storage, call);
}
template <class Block, class Storage>
in_use_by<Block> find_for_owner(const Storage* storage, const char* call) noexcept {
  return find_for<Block, in_task_without_waiting>(storage, call);
}
template <class Block, class Storage>
in_use_by<Block> find_for_any(const Storage* storage, const char* call) noexcept {
  return find_for<Block, in_run>(storage, call);
}

template <class Block, class Storage>
int destroy_block(Storage* storage, const char* call) noexcept {
  auto* object = block<Block>(storage, call, Block::noun);
  if (!object) return refused();
  if (object->in_use()) {
    return fail(STRUCTIO_EMISUSE, "%s: tasks wait for the %s or hold it: let them end first", call,
                Block::noun);
  }
  end_block(*object);
  return 0;
}

template <class Block, class Storage>
int discard_block(Storage* storage, const char* call) noexcept {
  auto* object = block<Block>(storage, call, Block::noun);
  if (!object) return refused();
  if (object->in_use()) {
    if (!object->belongs_to(rt::current_runtime())) return other_run(call);
    object->abandon();
  }
  end_block(*object);
  return 0;
}

}  // namespace structio::capi
