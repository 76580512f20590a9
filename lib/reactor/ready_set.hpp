// A set of descriptors of the user's that the kernel watches, each until its first event. The set
// is itself a descriptor, readable when it has events, so that libuv watches it as one more.
//
// Not libuv's own watchers: those make a descriptor non-blocking, abort the process when it is
// closed before the loop gets to it, and take no descriptor that the loop has already. Where the
// system has no such set, ready_set_open says UV_ENOSYS. Results are libuv's codes.
#pragma once

#include <cstdint>

namespace structio::reactor {

/// Directions, as bits.
enum : std::uint8_t { ready_to_read = 1, ready_to_write = 2 };

struct ready_event {
  std::uint64_t tag;
  std::uint8_t directions;  ///< both when the descriptor has failed or hung up
};

/// A descriptor (>= 0), closed on exec; or a code.
int ready_set_open() noexcept;
void ready_set_close(int set) noexcept;

/// Begins to watch; the first event that concerns `directions` is told with `tag`, and then none.
/// 0, UV_EEXIST (watched already), UV_EPERM (such a thing is always ready), or a code.
int ready_set_add(int set, int descriptor, std::uint8_t directions, std::uint64_t tag) noexcept;

/// The same for what was added before. UV_ENOENT or UV_EBADF: it has been closed since, though the
/// number may be in use again.
int ready_set_renew(int set, int descriptor, std::uint8_t directions, std::uint64_t tag) noexcept;

void ready_set_remove(int set, int descriptor) noexcept;

/// Takes what has happened, at most `room` events, without waiting. Returns how many.
int ready_set_take(int set, ready_event* events, int room) noexcept;

/// Whether one direction of a descriptor is ready now: 1, 0, or a code.
int is_ready(int descriptor, std::uint8_t direction) noexcept;

}  // namespace structio::reactor
