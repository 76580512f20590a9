// Children that nobody waits for any more: each is waited for on a thread, so that none is left to
// the system as a zombie.
#pragma once

#include <cstdint>

namespace structio::rt::process {

/// Has a child that is about to end reaped. Any thread. Where there is no thread to be had it is
/// done before this returns.
void reap_later(std::int64_t pid) noexcept;

}  // namespace structio::rt::process
