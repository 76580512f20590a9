// Datagram sockets as tasks use them, UDP and Unix alike: they differ in nothing but addresses.
// Each call tries first and waits for readiness only then. A datagram moves whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reactor/posix_datagram.hpp"
#include "reactor/posix_unix.hpp"
#include "runtime/run_object.hpp"

namespace structio::rt::net {

struct datagram : run_object {
  void* handle = nullptr;
  std::uint32_t references = 1;  ///< the handle's, and one for each call under way
  int descriptor = -1;           ///< -1 once closed
  bool receiving = false;
  bool sending = false;
  char path[112] = {};  ///< of the file that goes with the socket; empty: none
  reactor::unix_file file;
};

struct datagram_request {
  const char* call;
  int family;
  reactor::datagram_settings settings;
  const reactor::socket_name* local;  ///< null: none
  const reactor::socket_name* peer;   ///< null: not connected
  const char* path;                   ///< of the file that binding makes; null: none
};

/// Each as its function in structio_udp.h; the handle has been looked up and the run checked.
int datagram_open(runtime& rt, const datagram_request& request, datagram*& out) noexcept;
std::int64_t receive(runtime& rt, datagram& d, reactor::datagram_part* parts,
                     std::size_t count) noexcept;
std::int64_t send(runtime& rt, datagram& d, const reactor::datagram_part* parts,
                  std::size_t count) noexcept;

/// Closes at once; nothing when closed before.
void shut(datagram& d) noexcept;

/// Ends the handle and closes.
void free_datagram(datagram& d) noexcept;

}  // namespace structio::rt::net
