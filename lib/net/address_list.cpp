// Lists of addresses.
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/memory.hpp"
#include "net/resolve.hpp"

namespace structio::rt::net {

address_list::~address_list() {
  base::release(items_);
}

bool address_list::add(const address& a) noexcept {
  if (count_ == room_) {
    const std::size_t room = room_ ? room_ * 2 : 4;
    void* grown = base::reallocate(items_, room * sizeof(address));
    if (!grown) return false;
    items_ = static_cast<address*>(grown);
    room_ = room;
  }
  std::memcpy(&items_[count_++], &a, sizeof a);
  return true;
}

void address_list::drop_repeated() noexcept {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    std::size_t same = 0;
    while (same < kept && std::memcmp(&items_[same], &items_[i], sizeof(address)) != 0) ++same;
    if (same == kept) std::memmove(&items_[kept++], &items_[i], sizeof(address));
  }
  count_ = kept;
}

void address_list::swap(address_list& other) noexcept {
  std::swap(items_, other.items_);
  std::swap(count_, other.count_);
  std::swap(room_, other.room_);
}

}  // namespace structio::rt::net
