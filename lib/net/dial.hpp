// Connecting by name: Happy Eyeballs (RFC 8305 but for its section 3, with the order of RFC 6555,
// section 5.4). Attempts at the addresses begin one after the other, each a moment after the one
// before or as soon as that has failed; the first that succeeds ends the others.
#pragma once

#include <cstdint>

#include "net/resolve.hpp"
#include "net/tcp.hpp"

namespace structio::rt::net {

inline constexpr std::int64_t default_attempt_delay = 250'000'000;

struct dial_request {
  const char* host;
  std::uint16_t port;
  std::int64_t attempt_delay;  ///< > 0; base::forever: each waits for the one before
  const char* local_host;      ///< numeric; null: as the system chooses
};

/// What makes the connection to one address, in a task; it may wait.
struct connector {
  int (*fn)(const address& to, stream::byte_stream*& out, const connector& self) = nullptr;
  void (*user_fn)() = nullptr;  ///< what it stands for in the C ABI
  void* arg = nullptr;
};

/// Exchanges what the run connects with; `fn` null: TCP. 0 or STRUCTIO_ENOMEM.
int set_connector(runtime& rt, const connector& given, connector& former) noexcept;

/// Puts the first address of the second family that occurs second; the rest stays as it was.
void interleave(address_list& list) noexcept;

/// See structio_tcp_connect. The run's function of the C ABI is called where it has one.
int dial(runtime& rt, const dial_request& request, stream::byte_stream*& out) noexcept;

}  // namespace structio::rt::net
