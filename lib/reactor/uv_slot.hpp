// Pools of handles, one per type. libuv needs a handle's memory until its close callback has run,
// whoever made it and however he ended; so handles live here and a user holds only a reference.
//
// Always true: a slot is away from take() to give_back(); its address serves one handle at a time;
// memory goes back to the system with the pool only.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

#include "base/assert.hpp"
#include "base/list.hpp"
#include "base/memory.hpp"
#include "reactor/uv_reactor.hpp"

namespace structio::reactor {

struct slot_tag;

/// What every slot begins with.
struct slot_base : base::list_node<slot_tag> {
  uv_reactor::state* home = nullptr;
  bool closing = false;  ///< close() was called: waiters were told, libuv was asked
};

template <class Slot>
class slot_pool {
 public:
  slot_pool() = default;
  slot_pool(const slot_pool&) = delete;
  slot_pool& operator=(const slot_pool&) = delete;

  ~slot_pool() {
    STRUCTIO_ASSERT(away_ == 0);
    while (slabs_) {
      slab* next = slabs_->next;
      base::release(slabs_);
      slabs_ = next;
    }
  }

  /// A fresh slot, or null when memory is short.
  Slot* take(uv_reactor::state& home) noexcept {
    if (!free_ && !grow()) return nullptr;
    vacancy* place = free_;
    free_ = place->next;
    Slot* slot = new (static_cast<void*>(place)) Slot;
    slot->home = &home;
    live_.push_back(*slot);
    ++away_;
    return slot;
  }

  /// The slot is home: its handle is closed, or was never initialised.
  void give_back(Slot& slot) noexcept {
    STRUCTIO_ASSERT(away_ > 0);
    static_cast<base::list_node<slot_tag>&>(slot).unlink();
    slot.~Slot();
    free_ = new (static_cast<void*>(&slot)) vacancy{free_};
    --away_;
  }

  std::size_t away() const noexcept { return away_; }

  /// Calls `visit` for each slot that is away; it must not give any back.
  template <class Visit>
  void for_each(Visit visit) noexcept {
    for (Slot* slot = live_.front(); slot; slot = live_.next(*slot)) visit(*slot);
  }

 private:
  struct vacancy {
    vacancy* next;
  };
  static constexpr std::size_t slots_per_slab = 16;
  struct slab {
    slab* next;
    alignas(Slot) unsigned char memory[slots_per_slab * sizeof(Slot)];
  };
  static_assert(alignof(slab) <= alignof(std::max_align_t));

  bool grow() noexcept {
    void* memory = base::allocate(sizeof(slab));
    if (!memory) return false;
    slabs_ = new (memory) slab{slabs_, {}};
    for (std::size_t i = slots_per_slab; i-- > 0;) {
      free_ = new (static_cast<void*>(slabs_->memory + i * sizeof(Slot))) vacancy{free_};
    }
    return true;
  }

  vacancy* free_ = nullptr;
  slab* slabs_ = nullptr;
  base::list<Slot, slot_tag> live_;
  std::size_t away_ = 0;
};

}  // namespace structio::reactor
