// Growing, shrinking, moving by the user's function.
#include "sync/channel_buffer.hpp"

#include "base/memory.hpp"

namespace structio::rt {

void item_type::move_by_user(void* to, void* from) const noexcept {
  const item_code guard;
  move_fn(to, from);
}

channel_buffer::~channel_buffer() {
  STRUCTIO_ASSERT(size_ == 0);
  base::release(memory_);
}

bool channel_buffer::grow(const item_type& type) noexcept {
  auto room = static_cast<std::int64_t>(first_bytes / stride_);
  if (room < 4) room = 4;
  if (room_ > 0) {
    if (room_ > INT64_MAX / 2) return false;
    room = room_ * 2;
  }
  if (room > capacity_) room = capacity_;
  const auto count = static_cast<std::size_t>(room);
  if (count > static_cast<std::size_t>(PTRDIFF_MAX) / stride_) return false;
  auto* memory = static_cast<std::byte*>(base::allocate(count * stride_));
  if (!memory) return false;
  std::byte* to = memory;
  for (std::int64_t i = 0; i < size_; ++i, to += stride_) {
    auto* from = static_cast<std::byte*>(at(i));
    __builtin_memcpy(to, from - prefix_, prefix_);
    type.move(to + prefix_, from);
  }
  base::release(memory_);
  memory_ = read_ = memory;
  end_ = memory + count * stride_;
  write_ = to;
  room_ = room;
  // A ring of few but huge items is kept too: it would be made anew for each of them.
  large_ = count * stride_ > large_bytes && room > 16;
  return true;
}

void channel_buffer::let_go() noexcept {
  base::release(memory_);
  memory_ = read_ = write_ = end_ = nullptr;
  room_ = reach_ = 0;
  large_ = false;
}

void channel_buffer::clear(const item_type& type) noexcept {
  while (size_ > 0) {
    void* item = front();
    popped();  // so that whoever looks at the ring meanwhile finds what is left
    type.destroy(item);
  }
  found_empty();
}

}  // namespace structio::rt
