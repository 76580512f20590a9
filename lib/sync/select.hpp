// Waiting for the first of several things: an item, room for one, an event, a moment, a descriptor,
// the end of a task. Behind structio_select.
//
// Always true: exactly one branch is decided, or none when the wait is cancelled. While the task
// sleeps it has a place at every branch; whoever decides one gives up all the others before
// anything else can happen, and so does the cancellation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reactor/reactor.hpp"
#include "runtime/cell.hpp"
#include "sync/channel.hpp"
#include "sync/event.hpp"

namespace structio::rt {

enum class select_kind : std::uint8_t { none, receive, send, event, moment, descriptor, end };

struct select_wait;
struct select_branch;

/// Who waits for a descriptor.
struct select_operation : reactor::operation {
  select_branch* branch = nullptr;
};

/// One thing that may happen; lives where the caller wants, until the call has returned.
struct select_branch {
  select_kind kind = select_kind::none;
  bool enlisted = false;
  std::uint8_t direction = 0;  ///< of a descriptor
  std::uint32_t turn = 0;      ///< the index of the branch that is looked at in this one's turn
  union {
    channel_end* end = nullptr;  ///< receive, send; the item or its memory is `place.item`
    sync::event* event;
    task_cell* cell;
    std::int64_t moment;
    int descriptor;
  };
  select_wait* of = nullptr;
  channel_place place;  ///< for all that have queues
  select_operation operation;
};

/// Branches that lie `stride` bytes apart.
struct select_branches {
  std::byte* first = nullptr;
  std::size_t stride = sizeof(select_branch);
  std::size_t count = 0;

  select_branch& operator[](std::size_t i) const noexcept {
    return *reinterpret_cast<select_branch*>(first + i * stride);
  }
};

struct select_request {
  select_branches branches;
  bool wait = true;       ///< else: STRUCTIO_EWOULDBLOCK when nothing is ready
  bool in_order = false;  ///< of several that are ready the first one, not any
};

/// The index of the branch that was decided, and how it ended: 0, or the code with which that thing
/// alone would have failed. Otherwise STRUCTIO_ECANCELLED, STRUCTIO_EINTERRUPTED,
/// STRUCTIO_EWOULDBLOCK, STRUCTIO_ENOMEM, and nothing has happened. Checkpoint.
std::int64_t select(runtime& rt, const select_request& request, int& status) noexcept;

}  // namespace structio::rt
