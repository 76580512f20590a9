// The tree of a run as text and as JSON: every task with what it waits for, its scopes and
// nurseries with what lives in them. Called by the C ABI from tasks and hooks, and by the deadlock
// report on the hub. Allocates nothing and does not recurse, so that it fits on any task's stack.
#pragma once

#include <cstddef>

namespace structio::rt {
struct runtime;
}

namespace structio::rt::debug {

/// Indented text. Neighbours that are alike are folded into one line. Returns the whole length, as
/// snprintf; always terminated when size > 0.
std::size_t describe_tree(runtime& rt, char* text, std::size_t size) noexcept;

/// The same as one JSON object, without folding. Cut off when it does not fit: compare the result
/// with `size`. Ids are strings, since they need more than the 53 bits many readers keep.
std::size_t describe_tree_json(runtime& rt, char* text, std::size_t size) noexcept;

}  // namespace structio::rt::debug
