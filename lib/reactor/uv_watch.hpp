// Watching a path for changes, by what libuv finds in the system.
#pragma once

#include <cstdint>

#include "reactor/reactor.hpp"

namespace structio::reactor {

class uv_reactor;
class watch_slot;

enum watch_event : std::uint8_t { watch_names = 1, watch_content = 2 };

/// Who is told of each event, on the hub, whether or not anybody waits. `name` may be null; a code
/// below 0: that was the last.
struct watch_listener {
  void (*tell)(watch_listener& self, int code, std::uint8_t events,
               const char* name) noexcept = nullptr;
};

/// Begins to tell. The listener stays in place until the slot is closed. 0 or a code.
int watch_open(uv_reactor& r, const char* path, bool recursive, watch_listener& listener,
               watch_slot*& out) noexcept;

/// Keeps the loop waiting for events until `op` is told or forgotten. At most one.
void watch_expect(watch_slot& w, operation& op) noexcept;
void watch_complete(watch_slot& w, std::int64_t result) noexcept;
void watch_forget(watch_slot& w) noexcept;

/// Whoever waits is told STRUCTIO_ECLOSED; the listener is told nothing more.
void close(watch_slot& w) noexcept;

}  // namespace structio::reactor
