// Signals that stop a scope: the first one stops it politely, the next cancels it at once.
#pragma once

#include <cstdint>

#include "reactor/uv_stream.hpp"

namespace structio::rt {

struct scope;

struct scope_signal : reactor::operation {
  scope* target = nullptr;
  reactor::signal_slot* slot = nullptr;
  std::int64_t grace = 0;
  scope_signal* next = nullptr;
};

/// Watches `signum` for as long as the scope is open. 0 or a code.
int scope_stop_on_signal(scope& s, int signum, std::int64_t grace) noexcept;

/// The scope is being left.
void signals_detach(scope& s) noexcept;

}  // namespace structio::rt
