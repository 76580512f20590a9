// Pairs of descriptors for tests of readiness and select: closed at the end of their scope, written
// to and read from without waiting.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "support/catch.hpp"

namespace descriptors {

inline void make_nonblocking(int descriptor) {
  REQUIRE(fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0);
}

/// Two descriptors, `a` for reading where they differ.
class pair {
 public:
  pair(const pair&) = delete;
  pair& operator=(const pair&) = delete;
  ~pair() {
    close_a();
    close_b();
  }

  void close_a() {
    if (a >= 0) ::close(std::exchange(a, -1));
  }
  void close_b() {
    if (b >= 0) ::close(std::exchange(b, -1));
  }

  int a = -1;
  int b = -1;

 protected:
  pair() = default;
  void take(const int (&both)[2]) {
    a = both[0];
    b = both[1];
    make_nonblocking(a);
    make_nonblocking(b);
  }
};

struct socket_pair : pair {
  socket_pair() {
    int both[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0);
    take(both);
  }
};

struct pipe_pair : pair {
  pipe_pair() {
    int both[2];
    REQUIRE(::pipe(both) == 0);
    take(both);
  }
};

inline void say(int descriptor, const std::string& text = "x") {
  REQUIRE(::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

/// What is there; empty when nothing is.
inline std::string hear(int descriptor, std::size_t most = 4096) {
  std::string text(most, '\0');
  const ssize_t count = ::read(descriptor, text.data(), text.size());
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

/// Writes until the kernel takes no more; returns how much it took.
inline std::size_t fill(int descriptor) {
  const std::string block(16384, 'f');
  std::size_t total = 0;
  for (;;) {
    const ssize_t count = ::write(descriptor, block.data(), block.size());
    if (count <= 0) return total;
    total += static_cast<std::size_t>(count);
  }
}

/// Reads all that is there; returns how much that was.
inline std::size_t drain(int descriptor) {
  std::size_t total = 0;
  for (;;) {
    const std::size_t count = hear(descriptor, 16384).size();
    if (count == 0) return total;
    total += count;
  }
}

}  // namespace descriptors
