// Readiness of descriptors that are the user's: at most one waiter for each direction of each.
//
// Always true: what a number stands for is asked of the kernel at the beginning of each wait, since
// it may have been closed and given to something else without a word. So a wait costs a call that a
// stream of our own does not need, and no wait goes to a descriptor that is not there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reactor/reactor.hpp"
#include "reactor/ready_set.hpp"

namespace structio::reactor {

class uv_reactor;

extern const int bad_descriptor;  ///< the system's code for what is no descriptor

/// One direction, ready_to_read or ready_to_write, without waiting: 1 (ready), 0, STRUCTIO_EBUSY
/// (somebody waits for it), STRUCTIO_ECLOSED, or a code (UV_EBADF: no descriptor).
int readiness_try(uv_reactor& r, int descriptor, std::uint8_t direction) noexcept;

/// Waits, right after a try that said 0. 0: begun, `op` will be told 0 or a code. Otherwise it is
/// not told: 1 (never not ready), STRUCTIO_EBUSY, STRUCTIO_ENOMEM, STRUCTIO_EUNSUPPORTED, or a
/// code.
int readiness_begin(uv_reactor& r, int descriptor, std::uint8_t direction, operation& op) noexcept;

/// Forgets the waiter; no-op when it is not `op`. The kernel goes on watching until the next event.
void readiness_cancel(uv_reactor& r, int descriptor, std::uint8_t direction,
                      operation& op) noexcept;

/// Tells whoever waits for the descriptor STRUCTIO_ECLOSED, and lets go of it.
void readiness_closing(uv_reactor& r, int descriptor) noexcept;

/// How many wait for a direction.
std::size_t readiness_waiting(uv_reactor& r, std::uint8_t direction) noexcept;

}  // namespace structio::reactor
