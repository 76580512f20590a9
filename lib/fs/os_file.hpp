// Files as the operating system has them: calls that block, for worker threads. One implementation
// for each family of systems (posix_*.cpp). All answer with a count, a descriptor or 0, or with a
// negative code of the system's; none writes a message.
#pragma once

#include <structio/structio_file.h>

#include <cstddef>
#include <cstdint>

namespace structio::rt::fs {

/// Of a FIFO or a terminal any of these may block for ever.
namespace os {

inline constexpr std::int64_t no_descriptor = -1;

/// A descriptor, which programs that are started do not inherit. `flags` are the C ABI's.
std::int64_t open(const char* path, std::uint32_t flags, std::uint32_t permissions) noexcept;
int close(std::int64_t descriptor) noexcept;
int check_open(std::int64_t descriptor) noexcept;

/// One call to the system: how many bytes, 0 at the end. `offset` below 0: at the position.
std::int64_t read(std::int64_t descriptor, void* buffer, std::size_t size,
                  std::int64_t offset) noexcept;
std::int64_t write(std::int64_t descriptor, const void* data, std::size_t size,
                   std::int64_t offset) noexcept;

std::int64_t seek(std::int64_t descriptor, std::int64_t offset, int from) noexcept;
int truncate(std::int64_t descriptor, std::int64_t size) noexcept;
int sync(std::int64_t descriptor, bool data_only) noexcept;
/// STRUCTIO_EWOULDBLOCK when another has it.
int try_lock(std::int64_t descriptor, int lock) noexcept;
int info(std::int64_t descriptor, structio_file_info& out) noexcept;
int set_permissions(std::int64_t descriptor, std::uint32_t permissions) noexcept;
int set_owner(std::int64_t descriptor, std::uint32_t user, std::uint32_t group) noexcept;

}  // namespace os

/// Memory that grows, and is handed out in the end.
class bytes {
 public:
  bytes() = default;
  bytes(const bytes&) = delete;
  bytes& operator=(const bytes&) = delete;
  ~bytes();

  char* data() noexcept { return data_; }
  const char* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t room() const noexcept { return room_ - size_; }  ///< behind what is there
  char* end() noexcept { return data_ + size_; }

  /// Room for `more` behind what is there. False when memory is out, or sizes are.
  bool reserve(std::size_t more) noexcept;
  void grow(std::size_t by) noexcept { size_ += by; }
  void shrink(std::size_t size) noexcept { size_ = size; }

  /// Text is followed by a zero that is not counted. False when memory is out.
  bool add(const char* text, std::size_t size) noexcept;
  bool add(const char* text) noexcept;

  /// The caller's, to be released.
  char* take() noexcept;

  void swap(bytes& other) noexcept;

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

}  // namespace structio::rt::fs
