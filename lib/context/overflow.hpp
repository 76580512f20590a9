// A fiber that runs off its stack hits a guard. The fault is reported by name and size from a
// handler on an alternate signal stack, and then handed to whatever handler was there before.
#pragma once

#include <cstddef>

#include "context/fiber.hpp"

namespace structio::ctx {

/// Writes the name of what runs on `s` into `buffer`. Called in a signal handler: no locks, no
/// heap.
using overflow_namer = void (*)(stack& s, char* buffer, std::size_t size);

/// Arms the report for the calling thread: alternate stack, handlers for SIGSEGV and SIGBUS
/// (chained, counted over all threads). Leaves an alternate stack alone that the user has installed
/// already. 0 or a negative code; a failure is no reason not to run.
int overflow_watch_begin(machine& m, overflow_namer namer) noexcept;

/// Undoes it for the calling thread; the last one restores the handlers if they are still ours.
void overflow_watch_end(machine& m) noexcept;

}  // namespace structio::ctx
