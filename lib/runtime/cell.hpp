// The result cell of a task to which somebody has a handle, or which can be cancelled alone: the
// one allocation such a task costs, apart from its stack, so that a handle keeps no stack alive.
#pragma once

#include <cstdint>

#include "runtime/cancel.hpp"
#include "runtime/parking.hpp"
#include "runtime/run_object.hpp"

namespace structio::rt {

struct task_cell : run_object {
  std::uint32_t references = 1;  ///< the task's own, and the handle's
  bool done = false;
  int status = 0;
  task_id id = 0;
  failure* why = nullptr;  ///< retained; null when it did not fail
  scope own;               ///< around the task's whole body
  parking_lot joiners;
};

/// A child with a cell; see structio_nursery_start_task.
int nursery_spawn_with_cell(nursery& n, const spawn_request& request, bool service,
                            task*& out) noexcept;

/// At a task's end: absorbs its own cancellation, keeps the result, wakes the joiners. Returns what
/// the nursery is to be told.
int cell_task_ended(task& t, int status, failure*& in_flight) noexcept;

void cell_release(task_cell& cell) noexcept;

/// Waits for the end; 0 or an error of the wait. The result is in the cell.
int cell_join(runtime& rt, task_cell& cell) noexcept;

}  // namespace structio::rt
