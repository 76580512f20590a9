// A clock that stands still unless it is made to jump: plain data, so that reading it costs a load.
// The hub moves it when everybody waits; lib/testing hands it to users.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.hpp"

namespace structio::rt {

struct runtime;

struct virtual_time {
  std::int64_t now = 0;
  std::int64_t autojump = 0;  ///< real time with everybody waiting before it jumps; negative: never
  std::atomic<runtime*> user{nullptr};  ///< the run that goes by it, while it lasts
};

}  // namespace structio::rt
