// Names and addresses, by the system's own resolver: calls that block, for worker threads. Results
// are libuv's codes.
#pragma once

#include <cstddef>
#include <cstdint>

struct sockaddr_storage;

namespace structio::reactor {

enum class address_family : std::uint8_t { any = 0, v4 = 4, v6 = 6 };

struct name_query {
  const char* host;     ///< null: our own machine, or every address of it
  const char* service;  ///< a name or a number; null: `port`
  std::uint16_t port = 0;
  address_family family = address_family::any;
  bool listening = false;  ///< addresses to listen on: without a host all of them
};

/// Calls `found` for each address, in the resolver's order, until it returns false. 0 or a UV_EAI_*
/// code.
int look_up(const name_query& query, bool (*found)(const sockaddr_storage& address, void* arg),
            void* arg) noexcept;

/// The name of an address: `host` and `service` have room for 256 and 64 bytes.
int look_up_name(const sockaddr_storage& address, char* host, char* service) noexcept;

}  // namespace structio::reactor
