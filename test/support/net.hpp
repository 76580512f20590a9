// What tests of streams and listeners share: runs whose order of tasks follows STRUCTIO_SEED, both
// ends of a connection in one run, a child that is waited for.
#pragma once

#include <structio/structio.hpp>
#include <structio/testing.hpp>

#include <array>
#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>

#include "support/face.hpp"
#include "support/seed.hpp"
#include "support/sockets.hpp"

namespace net_test {

using namespace std::chrono_literals;
using face::is_cancelled;
using face::thrown;
using face::throws;
using sockets::peer;
using structio::nursery;
using structio::open_nursery;
using structio::tcp_listener;
using structio::tcp_stream;

using support::seed;

/// Counted once libuv has the pipe that it keeps from a process's first loop on.
inline int open_descriptors() {
  static const bool warm = [] {
    structio_run([](void*) { return 0; }, nullptr, nullptr);  // refused inside a run: warm already
    return true;
  }();
  return warm ? sockets::open_descriptors() : 0;
}

/// A run on the system's clock. A budget of 1 makes each call give way and each pass look at the
/// kernel, which gives the most instants at which something may happen.
template <class Fn>
auto run(Fn&& fn, std::uint32_t budget = 0) {
  return structio::run(
      {.budget = budget, .seed = seed(), .interrupt = structio::interrupt_mode::ignore},
      std::forward<Fn>(fn));
}

inline tcp_listener listen() {
  return structio::listen_tcp({.host = "127.0.0.1"});
}

inline tcp_stream connect(const tcp_listener& to) {
  return structio::connect_tcp({.port = to.port()});
}

/// Both ends of a connection.
struct ends {
  tcp_stream a;
  tcp_stream b;
};

inline ends connected() {
  auto listener = listen();
  auto a = connect(listener);
  return {std::move(a), listener.accept()};
}

/// One end of a connection; the other is a plain socket.
struct half {
  tcp_listener listener = listen();
  peer other{listener.port()};
  tcp_stream stream = listener.accept();
};

/// What one call receives; empty at the end.
inline std::string receive(structio::any_stream& from, std::size_t most = 4096) {
  std::string text(most, '\0');
  text.resize(from.receive_some(std::span<char>(text)));
  return text;
}

/// `size` bytes; fewer only at the end.
inline std::string receive_whole(structio::any_stream& from, std::size_t size) {
  std::string text;
  while (text.size() < size) {
    const std::string piece = receive(from, size - text.size());
    if (piece.empty()) break;
    text += piece;
  }
  return text;
}

/// Bytes of which each depends on where it stands.
inline std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 12345;
  for (char& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

/// Gives way `count` times.
inline void pause(int count) {
  for (int i = 0; i < count; ++i) structio::checkpoint();
}

/// Waits until every other task waits.
inline void settle() {
  structio::testing::wait_all_tasks_blocked();
}

}  // namespace net_test
