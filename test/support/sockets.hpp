// Blocking sockets as the other side of what is tested, written to and read from in the same
// thread, in amounts that the kernel's buffers hold; and the count of descriptors.
#pragma once

#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "support/catch.hpp"

namespace sockets {

inline int open_descriptors() {
  int count = 0;
  DIR* folder = opendir("/proc/self/fd");
  if (!folder) return 0;
  while (readdir(folder)) ++count;
  closedir(folder);
  return count;
}

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

inline const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// A blocking socket, closed at the end of its scope.
class peer {
 public:
  explicit peer(std::uint16_t port) : descriptor_(socket(AF_INET, SOCK_STREAM, 0)) {
    const sockaddr_in address = loopback(port);
    REQUIRE(connect(descriptor_, generic(address), sizeof address) == 0);
  }
  explicit peer(int descriptor) : descriptor_(descriptor) {}
  peer(peer&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  peer& operator=(peer&&) = delete;
  ~peer() { hang_up(); }

  void say(const std::string& text) {
    REQUIRE(send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }
  /// At most `size` bytes, what one call brings; empty at the end.
  std::string hear(std::size_t size = 4096) {
    std::string text(size, '\0');
    const ssize_t count = recv(descriptor_, text.data(), size, 0);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }
  /// `size` bytes; fewer only at the end.
  std::string hear_whole(std::size_t size) {
    std::string text(size, '\0');
    const ssize_t count = recv(descriptor_, text.data(), size, MSG_WAITALL);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }
  void hang_up() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  /// Closes with a reset instead of an end of stream.
  void slam() {
    const linger at_once{1, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    hang_up();
  }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace sockets
