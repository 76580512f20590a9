// What the tests of the reactor share: a loop with a turn-until, operations that remember what they
// were told, and blocking sockets as the other side. Peers are written to and read from in the same
// thread, in amounts that the kernel's buffers hold.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/status.hpp"
#include "reactor/uv_reactor.hpp"
#include "reactor/uv_stream.hpp"
#include "support/sockets.hpp"

namespace reactor_test {

using namespace structio;
using namespace structio::reactor;
using namespace sockets;

constexpr std::int64_t millisecond = 1'000'000;
constexpr std::int64_t one_second = 1'000'000'000;

/// An operation that counts; `then` runs inside done.
struct remembered : operation {
  int times = 0;
  std::int64_t result = 12345;
  std::function<void(std::int64_t)> then;

  remembered() noexcept {
    done = [](operation& self, std::int64_t value) noexcept {
      auto& op = static_cast<remembered&>(self);
      ++op.times;
      op.result = value;
      if (op.then) op.then(value);
    };
  }
};

class loop {
 public:
  loop() { REQUIRE(r.open() == 0); }
  ~loop() {
    r.close();
    CHECK(r.slots_away() == 0);
    CHECK(r.pending() == 0);
  }

  /// Turns until `ready` says so, waiting in between; false when that takes absurdly long.
  bool turn_until(const std::function<bool()>& ready) {
    const std::int64_t limit = r.now() + 10 * one_second;
    while (!ready()) {
      if (r.now() >= limit) return false;
      r.poll(limit);
      ++turns;
    }
    return true;
  }
  bool turn_until_told(const remembered& op) {
    return turn_until([&op] { return op.times > 0; });
  }
  void turn_at_once() { r.poll(base::long_ago); }

  uv_reactor r;
  int turns = 0;
};

inline std::uint16_t port_of(const listener_slot& l) {
  sockaddr_storage address;
  REQUIRE(local_address(l, address) == 0);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

inline listener_slot* listen_somewhere(uv_reactor& r) {
  listener_slot* l = nullptr;
  const sockaddr_in address = loopback(0);
  REQUIRE(tcp_listen(r, generic(address), {}, l) == 0);
  REQUIRE(l != nullptr);
  return l;
}

/// For whom it does not matter who has come.
inline int try_accept(listener_slot& l, stream_slot*& out) {
  peer_address peer;
  return try_accept(l, out, peer);
}

inline stream_slot* accept_one(loop& on, listener_slot& l) {
  stream_slot* s = nullptr;
  for (;;) {
    const int status = try_accept(l, s);
    if (status == 0) return s;
    REQUIRE(status == UV_EAGAIN);
    remembered come;
    REQUIRE(accept_wait(l, come) == 0);
    REQUIRE(on.turn_until_told(come));
    REQUIRE(come.result == 0);
  }
}

/// A loop, a stream on it and the blocking other end.
struct pair : loop {
  listener_slot* listener = listen_somewhere(r);
  peer other{port_of(*listener)};
  stream_slot* s = accept_one(*this, *listener);
};

}  // namespace reactor_test
