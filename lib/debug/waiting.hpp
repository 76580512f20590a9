// What a parked task waits for, in words, and who would have to act: what the trees and the
// deadlock report say of mutexes and limiters beyond their names. Read only, at any moment.
#pragma once

#include "debug/text.hpp"
#include "runtime/runtime.hpp"
#include "runtime/wait_queue.hpp"

namespace structio::rt::debug {

/// Room for what a queue says of itself; a longer text is cut.
inline constexpr std::size_t waiting_room = 160;

/// What a task that is parked waits for: a literal, or written to `room`. Never null.
const char* waiting_text(const task& t, char (&room)[waiting_room]) noexcept;

/// The one task that a parked task waits for, or null.
const task* waits_for_task(const task& t) noexcept;

/// True when two parked tasks wait for the same, as far as words can tell.
bool wait_alike(const task& a, const task& b) noexcept;

/// Writes a line about a circle of tasks each of which waits for the next; nothing when there is
/// none. A circle need not be a deadlock: a deadline or a cancellation may still open it.
void describe_circle(runtime& rt, writer& out) noexcept;

}  // namespace structio::rt::debug
