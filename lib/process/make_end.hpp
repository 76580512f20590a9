// Making a child end: politely, then not; or in the user's own way.
#pragma once

#include "process/run_process.hpp"
#include "runtime/nursery.hpp"

namespace structio::rt::process {

/// Returns when the child has ended, whatever happens meanwhile: shielded from cancellation and
/// from Ctrl-C. The user's way is taken in a task of `home`, inside `around`, which has to live as
/// long as that.
void make_end(runtime& rt, child& c, const run_request& request, nursery& home,
              scope& around) noexcept;

}  // namespace structio::rt::process
