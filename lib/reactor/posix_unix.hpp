// Unix sockets as the operating system has them: addresses, listening, connecting, and descriptors
// that travel with bytes. Paths that begin with '@' are names in Linux's abstract space, which no
// file stands for. Results are libuv's codes (negated errno).
#pragma once

#include <cstddef>
#include <cstdint>

struct sockaddr_storage;

namespace structio::reactor {

/// Longest path that any system takes; an abstract name may be as long.
inline constexpr std::size_t longest_unix_path = 103;

/// 0 or UV_EINVAL (empty), UV_ENAMETOOLONG, UV_ENOTSUP (abstract, and not on Linux).
int unix_address(const char* path, sockaddr_storage& out, unsigned& size) noexcept;

/// The path of an address, '@' first for abstract names, "" for sockets without one. False when the
/// address is of another family. `size` > 0.
bool unix_path(const sockaddr_storage& address, char* path, std::size_t size) noexcept;

/// The file of a listener, by which it is known again.
struct unix_file {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;  ///< 0: there is no file
};

struct unix_listen_settings {
  int backlog = 0;             ///< 0: the system's maximum
  int permissions = -1;        ///< of the file; -1: as the process's mask has it
  bool replace_stale = false;  ///< a file whose listener is gone is removed first
};

/// A descriptor (>= 0) that listens, non-blocking and closed on exec; or a code.
int unix_listening_socket(const char* path, const unix_listen_settings& settings,
                          unix_file& file) noexcept;

/// The file at a path that was just bound to; inode 0 for abstract names.
unix_file file_at(const char* path) noexcept;

/// Removes the file if it is still the same.
void remove_unix_file(const char* path, const unix_file& file) noexcept;

/// A connected descriptor, non-blocking and closed on exec; UV_EAGAIN when the listener's queue is
/// full; or a code.
int unix_connection(const char* path) noexcept;

struct unix_credentials {
  std::int64_t process = -1;  ///< -1: the system does not tell
  std::uint32_t user = 0;
  std::uint32_t group = 0;
};

/// Of the other end, as it was when it connected. 0 or a code.
int unix_peer(int descriptor, unix_credentials& out) noexcept;

/// Most descriptors that travel at once.
inline constexpr std::size_t most_descriptors = 253;

/// Sends bytes (size > 0), and the descriptors with the first of them. Bytes that were taken,
/// UV_EAGAIN, or a code.
std::int64_t send_with_descriptors(int socket, const void* data, std::size_t size,
                                   const std::int64_t* descriptors, std::size_t count) noexcept;

struct received_descriptors {
  std::int64_t* array;
  std::size_t capacity;
  std::size_t count = 0;  ///< how many are in the array, closed on exec
  bool lost = false;      ///< more came, for which there was no room or no number
};

/// Takes bytes (size > 0) and the descriptors that came with them. Bytes, 0 at the end, UV_EAGAIN,
/// or a code.
std::int64_t receive_with_descriptors(int socket, void* buffer, std::size_t size,
                                      received_descriptors& out) noexcept;

}  // namespace structio::reactor
