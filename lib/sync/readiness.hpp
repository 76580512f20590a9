// Tasks that wait until a descriptor of the user's can be read from or written to.
#pragma once

#include "reactor/uv_readiness.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt {

/// Waits for reactor::ready_to_read or ready_to_write: 0, STRUCTIO_ECANCELLED,
/// STRUCTIO_EINTERRUPTED, or what readiness_failed makes of the reactor's code. Checkpoint.
int wait_ready(runtime& rt, int descriptor, std::uint8_t direction) noexcept;

/// Writes the message of a code with which a wait of the reactor ended; returns it.
int readiness_failed(int code, int descriptor) noexcept;

}  // namespace structio::rt
