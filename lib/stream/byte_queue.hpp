// Bytes in the order in which they came: grows at the end, is taken from the front. Used by streams
// that keep what they were given.
#pragma once

#include <cstddef>
#include <cstring>

#include "base/memory.hpp"

namespace structio::rt::stream {

class byte_queue {
 public:
  byte_queue() = default;
  byte_queue(const byte_queue&) = delete;
  byte_queue& operator=(const byte_queue&) = delete;
  ~byte_queue() { base::release(data_); }

  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }
  const char* front() const noexcept { return data_ + begin_; }

  /// False when memory is out: nothing was added.
  bool add(const void* bytes, std::size_t count) noexcept {
    if (count == 0) return true;
    if (count > room_ - end_ && !make_room(count)) return false;
    std::memcpy(data_ + end_, bytes, count);
    end_ += count;
    return true;
  }

  /// Takes at most `most` into `buffer`; how many.
  std::size_t take(void* buffer, std::size_t most) noexcept {
    const std::size_t count = most < size() ? most : size();
    if (count > 0) std::memcpy(buffer, front(), count);
    drop(count);
    return count;
  }

  void drop(std::size_t count) noexcept {
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }

  /// The other way round: what was added last. There are that many.
  void take_back(std::size_t count) noexcept {
    end_ -= count;
    if (begin_ == end_) begin_ = end_ = 0;
  }

  void clear() noexcept { drop(size()); }

 private:
  bool make_room(std::size_t count) noexcept {
    // Only when that frees half of it: a full queue would else be moved for every few bytes.
    if (begin_ > 0 && begin_ >= room_ / 2) {
      std::memmove(data_, front(), size());
      end_ -= begin_;
      begin_ = 0;
      if (count <= room_ - end_) return true;
    }
    if (count > static_cast<std::size_t>(-1) / 2 - end_) return false;
    const std::size_t twice = room_ < 128 ? 256 : room_ * 2;
    const std::size_t wanted = end_ + count > twice ? end_ + count : twice;
    void* grown = base::reallocate(data_, wanted);
    if (!grown) return false;
    data_ = static_cast<char*>(grown);
    room_ = wanted;
    return true;
  }

  char* data_ = nullptr;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t room_ = 0;
};

}  // namespace structio::rt::stream
