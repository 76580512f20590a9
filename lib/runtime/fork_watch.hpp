// What becomes of a run in a child that the process forks: the child has a copy of its memory, but
// shares its descriptors with the parent, so it must not touch them. It forgets the run: its calls
// are refused, and if it ever comes back to structio_run that one leaves everything as it is.
#pragma once

namespace structio::rt {

/// True in a process that was forked inside a run.
bool was_forked_inside() noexcept;

}  // namespace structio::rt
