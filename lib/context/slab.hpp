// A slab: one reservation of address space cut into stacks of one size. Belongs to the stack pool.
// Its record outlives its memory and may get new memory later, so that a stack's generation never
// goes back for the same index.
//
// Always true: a bit of `available` is set when that stack holds nothing (never used, or given
// back); all other stacks have a live descriptor and are in use or on a warm list.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/list.hpp"
#include "context/guards.hpp"
#include "context/stack_pool.hpp"

namespace structio::ctx {

class slab : public base::list_node<slab> {
 public:
  static constexpr unsigned max_stacks = 64;

  /// Index of the first stack in the pool's table.
  explicit slab(std::uint32_t first_index) noexcept : first_index_(first_index) {}

  /// Takes address space for `count` stacks. False when there is none.
  bool map(std::size_t stride, unsigned count, std::uint8_t size_class, guard_kind guard) noexcept;

  /// Gives all of it back. Nothing may be live. False when the system refuses.
  bool unmap(guard_keeper& guards) noexcept;

  bool mapped() const noexcept { return memory_ != nullptr; }
  bool has_room() const noexcept { return available_ != 0; }
  bool unused() const noexcept { return available_ == all_; }
  std::size_t bytes() const noexcept { return stride_ * count_; }
  std::uint8_t size_class() const noexcept { return size_class_; }
  std::uint32_t first_index() const noexcept { return first_index_; }

  /// The live stack in this place, or null.
  stack* live(unsigned place) const noexcept {
    return place < count_ && !(available_ >> place & 1) ? descriptor(place) : nullptr;
  }

  /// Makes a stack in the first available place, with a guard if there is one to be had.
  stack* carve(guard_keeper& guards, bool& guarded) noexcept;

  /// Forgets a live stack; its pages stay until `discard`. False if it had no guard.
  bool retire(stack& s) noexcept;

  /// Gives the pages of all retired stacks back to the system.
  void discard() noexcept;

  /// Whether some stack was retired since the last `discard`.
  bool to_discard() const noexcept { return retired_ != 0; }

 private:
  stack* descriptor(unsigned place) const noexcept;

  std::byte* memory_ = nullptr;
  std::size_t stride_ = 0;
  std::uint64_t all_ = 0;
  std::uint64_t available_ = 0;
  std::uint64_t retired_ = 0;
  std::uint64_t guarded_by_madvise_ = 0;
  std::uint64_t guarded_by_mprotect_ = 0;
  const std::uint32_t first_index_;
  std::uint8_t count_ = 0;
  std::uint8_t size_class_ = 0;
  guard_kind preferred_guard_ = guard_kind::none;
  std::uint32_t generations_[max_stacks] = {};  ///< of stacks that are not live
};

}  // namespace structio::ctx
