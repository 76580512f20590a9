// Growing, shrinking, moving by the user's function.
#include "sync/channel_buffer.hpp"

#include <cstdlib>

namespace structio::rt {

void item_type::move_by_user(void* to, void* from) const noexcept {
  const item_code guard;
  move_fn(to, from);
}

channel_buffer::~channel_buffer() {
  STRUCTIO_ASSERT(size_ == 0);
  std::free(memory_);
}

bool channel_buffer::grow(const item_type& type) noexcept {
  auto room = static_cast<std::int64_t>(first_bytes / stride_);
  if (room < 4) room = 4;
  if (room_ > 0) {
    if (room_ > INT64_MAX / 2) return false;
    room = room_ * 2;
  }
  if (room > capacity_) room = capacity_;
  if (static_cast<std::uint64_t>(room) > static_cast<std::size_t>(PTRDIFF_MAX) / stride_) {
    return false;
  }
  auto* memory = static_cast<std::byte*>(std::malloc(static_cast<std::size_t>(room) * stride_));
  if (!memory) return false;
  for (std::int64_t i = 0; i < size_; ++i) {
    std::byte* to = memory + static_cast<std::size_t>(i) * stride_ + prefix_;
    auto* from = static_cast<std::byte*>(at(i));
    __builtin_memcpy(to - prefix_, from - prefix_, prefix_);
    type.move(to, from);
  }
  std::free(memory_);
  memory_ = memory;
  room_ = room;
  many_ = static_cast<std::int64_t>(many_bytes / stride_);
  if (many_ < 16) many_ = 16;
  first_ = 0;
  return true;
}

void channel_buffer::let_go() noexcept {
  std::free(memory_);
  memory_ = nullptr;
  room_ = 0;
  first_ = 0;
}

void channel_buffer::clear(const item_type& type) noexcept {
  while (size_ > 0) {
    type.destroy(front());
    popped();
  }
}

}  // namespace structio::rt
