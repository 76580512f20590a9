// Memory that grows by doubling.
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/memory.hpp"
#include "fs/os_file.hpp"

namespace structio::rt::fs {

bytes::~bytes() {
  base::release(data_);
}

bool bytes::reserve(std::size_t more) noexcept {
  if (more <= room()) return true;
  if (more > PTRDIFF_MAX - size_) return false;
  std::size_t wanted = size_ + more;
  if (room_ <= PTRDIFF_MAX / 2 && wanted < room_ * 2) wanted = room_ * 2;
  void* bigger = base::reallocate(data_, wanted);
  if (!bigger) return false;
  data_ = static_cast<char*>(bigger);
  room_ = wanted;
  return true;
}

bool bytes::add(const char* text, std::size_t size) noexcept {
  if (!reserve(size + 1)) return false;
  if (size > 0) std::memcpy(end(), text, size);
  size_ += size;
  *end() = '\0';
  return true;
}

bool bytes::add(const char* text) noexcept {
  return add(text, std::strlen(text));
}

char* bytes::take() noexcept {
  size_ = 0;
  room_ = 0;
  return std::exchange(data_, nullptr);
}

void bytes::swap(bytes& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(room_, other.room_);
}

}  // namespace structio::rt::fs
