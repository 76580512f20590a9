// How many threads of a run may be starting children at once.
#pragma once

#include "thread/worker.hpp"

namespace structio::rt::process {

/// 0 or STRUCTIO_ENOMEM.
int spawn_tokens(runtime& rt, thread::token_source& out) noexcept;

}  // namespace structio::rt::process
