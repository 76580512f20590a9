// Backtrace of a suspended fiber, taken by running the plain unwinder on top of its own stack.
#pragma once

#include "context/fiber.hpp"

namespace structio::ctx {

/// Return addresses of `f`, innermost first, without the frames of the probe and the switch itself.
/// `f` must be suspended (or be the current fiber: then our own frames). Returns how many were
/// written.
int backtrace_of(machine& m, fiber& f, void** addresses, int capacity) noexcept;

}  // namespace structio::ctx
