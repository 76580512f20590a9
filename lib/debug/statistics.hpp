// How a run is doing, in numbers that are all at hand. Called by the C ABI from tasks and hooks.
#pragma once

#include <structio/structio_debug.h>

namespace structio::rt {
struct runtime;
}

namespace structio::rt::debug {

/// Fills in everything but struct_size.
void read_statistics(runtime& rt, structio_statistics& out) noexcept;

}  // namespace structio::rt::debug
