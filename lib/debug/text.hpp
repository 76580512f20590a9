// Writing text into a buffer that may be too small: what snprintf does, for many pieces. Plus the
// few forms that a dump needs: durations, ids, names that may hold anything.
#pragma once

#include <cstddef>
#include <cstdint>

namespace structio::rt::debug {

class writer {
 public:
  writer(char* text, std::size_t size) noexcept : text_(text), size_(size) {
    if (size_) text_[0] = 0;
  }

  void put(char c) noexcept {
    if (length_ + 1 < size_) {
      text_[length_] = c;
      text_[length_ + 1] = 0;
    }
    ++length_;
  }

  void add(const char* literal) noexcept {
    while (*literal) put(*literal++);
  }

  void number(std::uint64_t n) noexcept;
  void signed_number(std::int64_t n) noexcept;

  /// "2.5s", "10ms": two or three figures, rounded to the nearest. Not negative.
  void duration(std::int64_t nanoseconds) noexcept;

  /// Somebody's text on one line: control characters become blanks.
  void clean(const char* text) noexcept;

  /// The same as a JSON string with its quotes; what is not UTF-8 becomes U+FFFD.
  void quoted(const char* text) noexcept;

  /// Of everything that was written, whether or not it found room.
  std::size_t length() const noexcept { return length_; }

 private:
  char* text_;
  std::size_t size_;
  std::size_t length_ = 0;
};

}  // namespace structio::rt::debug
