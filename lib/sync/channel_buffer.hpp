// The ring of items behind a channel. It grows on demand, so that a capacity of a billion costs
// nothing by itself, and lets go of much memory once it has run empty.
// Always true: items lie in [first, first + size) modulo the room; all else is raw memory. Each
// item may have a prefix of plain bytes before it, for its owner's use.
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
      : stride_(type.size + prefix), prefix_(prefix), capacity_(capacity) {}
  channel_buffer(const channel_buffer&) = delete;
  channel_buffer& operator=(const channel_buffer&) = delete;
  ~channel_buffer();

  std::int64_t size() const noexcept { return size_; }
  std::int64_t capacity() const noexcept { return capacity_; }
  std::int64_t peak() const noexcept { return peak_; }
  bool empty() const noexcept { return size_ == 0; }
  bool full() const noexcept { return size_ == capacity_; }

  /// Room for one more item; else `grow` makes some, unless the ring is full. It answers false, and
  /// has changed nothing, when memory is out.
  bool has_room() const noexcept { return size_ < room_; }
  bool grow(const item_type& type) noexcept;

  /// Raw memory of a new last item, which the caller fills. There must be room.
  void* push() noexcept {
    STRUCTIO_ASSERT(size_ < room_);
    void* slot = at(size_);
    if (++size_ > peak_) peak_ = size_;
    return slot;
  }

  /// The first item; it is the caller's, who moves it away or destroys it and then calls `popped`.
  void* front() noexcept {
    STRUCTIO_ASSERT(size_ > 0);
    return memory_ + static_cast<std::size_t>(first_) * stride_ + prefix_;
  }
  void popped() noexcept {
    --size_;
    if (++first_ == room_) first_ = 0;
    if (size_ == 0 && room_ > many_) [[unlikely]]
      let_go();
  }

  /// The item at `index`, counted from the first.
  void* at(std::int64_t index) noexcept {
    std::int64_t i = first_ + index;
    if (i >= room_) i -= room_;
    return memory_ + static_cast<std::size_t>(i) * stride_ + prefix_;
  }

  /// Destroys every item.
  void clear(const item_type& type) noexcept;

 private:
  static constexpr std::size_t first_bytes = 1024;
  static constexpr std::size_t many_bytes = 64 * 1024;

  void let_go() noexcept;

  std::byte* memory_ = nullptr;
  std::int64_t room_ = 0;
  std::int64_t many_ = 0;  ///< a ring of more room than this is not kept when it is empty
  std::int64_t first_ = 0;
  std::int64_t size_ = 0;
  std::size_t stride_;
  std::size_t prefix_;
  std::int64_t capacity_;
  std::int64_t peak_ = 0;
};

}  // namespace structio::rt
