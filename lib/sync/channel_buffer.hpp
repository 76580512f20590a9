// The ring of items behind a channel. It grows on demand, so that a capacity of a billion costs
// nothing by itself, and lets go of much memory once it has run empty.
// Always true: items lie from `read_` on, `size_` of them, and round the end to the beginning; all
// else is raw memory. Each item may have a prefix of plain bytes before it, for its owner's use.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/assert.hpp"
#include "sync/item_type.hpp"

namespace structio::rt {

class channel_buffer {
 public:
  /// `prefix`: bytes before each item; a multiple of the alignment of what malloc returns.
  channel_buffer(const item_type& type, std::int64_t capacity, std::size_t prefix = 0) noexcept
      : stride_(stride_of(type.size, prefix)), capacity_(capacity), prefix_(prefix) {}
  channel_buffer(const channel_buffer&) = delete;
  channel_buffer& operator=(const channel_buffer&) = delete;
  ~channel_buffer();

  std::int64_t size() const noexcept { return size_; }
  std::int64_t capacity() const noexcept { return capacity_; }
  std::int64_t peak() const noexcept { return peak_; }
  bool empty() const noexcept { return size_ == 0; }
  bool bare() const noexcept { return size_ == 0 && !large_; }  ///< empty, and nothing to give up
  bool full() const noexcept { return size_ == capacity_; }

  /// Room for one more item; else `grow` makes some, unless the ring is full. It answers false, and
  /// has changed nothing, when memory is out.
  bool has_room() const noexcept { return size_ < room_; }
  bool grow(const item_type& type) noexcept;

  /// Raw memory of a new last item, which the caller fills. There must be room.
  void* push() noexcept {
    STRUCTIO_ASSERT(size_ < room_);
    std::byte* slot = write_;
    write_ += stride_;
    if (write_ == end_) write_ = memory_;
    if (++size_ > reach_) reached();
    return slot + prefix_;
  }

  /// The first item; it is the caller's, who moves it away or destroys it and then calls `popped`.
  void* front() noexcept {
    STRUCTIO_ASSERT(size_ > 0);
    return read_ + prefix_;
  }
  void popped() noexcept {
    --size_;
    read_ += stride_;
    if (read_ == end_) read_ = memory_;
  }

  /// Whoever finds the ring empty has it give up what it no longer needs.
  void found_empty() noexcept {
    STRUCTIO_ASSERT(size_ == 0);
    if (large_) [[unlikely]]
      let_go();
  }

  /// Items of one word, in a ring that neither runs empty nor is as full as it has been with this
  /// memory: nobody can be waiting then, and there is room. False when that is not so.
  bool quick_push(const void* item) noexcept {
    const auto size = static_cast<std::uint64_t>(size_);
    if (size - 1 >= static_cast<std::uint64_t>(reach_) - 1) return false;
    std::byte* slot = write_;
    std::byte* after = slot + sizeof(std::uint64_t);
    __builtin_memcpy(slot, item, sizeof(std::uint64_t));
    write_ = after == end_ ? memory_ : after;
    ++size_;
    return true;
  }

  /// The same for a ring that is neither empty nor full.
  bool quick_pop(void* to) noexcept {
    const auto size = static_cast<std::uint64_t>(size_);
    if (size - 1 >= static_cast<std::uint64_t>(capacity_) - 1) return false;
    std::byte* slot = read_;
    std::byte* after = slot + sizeof(std::uint64_t);
    __builtin_memcpy(to, slot, sizeof(std::uint64_t));
    read_ = after == end_ ? memory_ : after;
    --size_;
    return true;
  }

  /// The item at `index`, counted from the first.
  void* at(std::int64_t index) noexcept {
    std::byte* item = read_ + static_cast<std::size_t>(index) * stride_;
    if (item >= end_) item -= end_ - memory_;
    return item + prefix_;
  }

  /// Destroys every item. Nobody may push meanwhile.
  void clear(const item_type& type) noexcept;

 private:
  static constexpr std::size_t first_bytes = 1024;
  static constexpr std::size_t large_bytes = 64 * 1024;  ///< not kept when it has run empty

  void let_go() noexcept;
  void reached() noexcept {
    reach_ = size_;
    if (size_ > peak_) peak_ = size_;
  }

  std::int64_t size_ = 0;
  std::int64_t room_ = 0;
  std::byte* read_ = nullptr;
  std::byte* write_ = nullptr;
  std::byte* memory_ = nullptr;
  std::byte* end_ = nullptr;
  // Each prefix has to be as aligned as the first.
  static std::size_t stride_of(std::size_t size, std::size_t prefix) noexcept {
    return prefix == 0 ? size : (size + 2 * prefix - 1) / prefix * prefix;
  }

  std::size_t stride_;
  std::int64_t capacity_;
  std::int64_t reach_ = 0;  ///< the most with the memory there is now: it has room for them
  std::int64_t peak_ = 0;   ///< the most ever
  std::size_t prefix_;
  bool large_ = false;
};

}  // namespace structio::rt
