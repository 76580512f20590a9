// Cancel tokens: a thread-safe handle that cancels one scope, or does nothing once that is gone.
// The object is shared by its handle, its scope and its way through the portal.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/portal.hpp"

namespace structio::rt {

struct scope;

struct token_node : post_node {
  std::atomic<std::uint32_t> references{1};
  std::atomic<bool> asked{false};
  std::atomic<bool> matters{true};  ///< somebody may call, and there is somebody to cancel
  portal_core* core = nullptr;
  scope* target = nullptr;  ///< the run's thread only; null once the scope is gone
  token_node* next_of_scope = nullptr;
};

/// A token for `s`, with one reference for the caller, or null when memory is out.
token_node* token_make(runtime& rt, scope& s) noexcept;

/// Any thread and signal handlers. False: the run has ended.
bool token_cancel(token_node& token) noexcept;

void token_release(token_node& token) noexcept;

/// The handle is gone: a run that only waited for its holder to call need not wait any more. Gives
/// the handle's reference back. Any thread.
void token_free(token_node& token) noexcept;

/// The scope is being left: its tokens lead nowhere from now on.
void tokens_detach(scope& s) noexcept;

}  // namespace structio::rt
