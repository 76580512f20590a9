// Waiting until everybody waits: how a test knows that what it has set going has come to rest,
// without sleeping. The hub decides when that is so (runtime/hub.cpp).
#pragma once

#include <cstdint>

namespace structio::rt {
struct runtime;
}

namespace structio::rt::testing {

/// See structio_wait_all_tasks_blocked; in a task. 0, STRUCTIO_ECANCELLED, STRUCTIO_EINTERRUPTED.
int wait_all_tasks_blocked(runtime& rt, std::int64_t cushion) noexcept;

}  // namespace structio::rt::testing
