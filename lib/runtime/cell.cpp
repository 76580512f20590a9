// Result cells: made at spawn, filled in at the task's end, freed by whoever lets go last.
#include "runtime/cell.hpp"

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/failure.hpp"
#include "runtime/nursery.hpp"
#include "runtime/wait.hpp"

namespace structio::rt {

int nursery_spawn_with_cell(nursery& n, const spawn_request& request, bool service,
                            task*& out) noexcept {
  auto* cell = base::make<task_cell>();
  if (!cell) return base::fail(STRUCTIO_ENOMEM, "no memory for a task's handle");
  if (const int code = nursery_spawn(n, request, out)) {
    base::destroy(cell);
    return code;
  }
  runtime& rt = *n.rt;
  task& t = *out;
  cell->rt = &rt;
  cell->id = t.id();
  cell->orphan = [](run_object&) noexcept {};
  rt.objects.push_back(*cell);
  t.cell = cell;
  t.is_service = service;
  if (service) ++n.services;
  scope_enter(rt, t, cell->own);     // without a deadline this cannot fail
  if (service && n.services_told) {  // it is to be told as well, once only services are left
    n.services_told = false;
    nursery_check_end(n);
  }
  return 0;
}

int cell_task_ended(task& t, int status, failure*& in_flight) noexcept {
  task_cell& cell = *t.cell;
  cell.status = status;
  if (status < 0) {
    in_flight = failure_of(*t.rt, t, status, in_flight);
    cell.why = failure_retain(in_flight);
  }
  const int left = scope_leave(cell.own, status, in_flight);
  cell.done = true;
  cell.joiners.unpark(SIZE_MAX);
  t.cell = nullptr;
  cell_release(cell);
  return left;
}

void cell_release(task_cell& cell) noexcept {
  if (--cell.references > 0) return;
  if (cell.linked()) cell.unlink();
  failure_release(cell.why);
  base::destroy(&cell);
}

int cell_join(runtime& rt, task_cell& cell) noexcept {
  if (const int code = cancel_check(rt)) return code;
  if (cell.done) {
    give_way(rt);
    return 0;
  }
  if (cell.id == rt.current->id()) {
    return base::fail(STRUCTIO_EMISUSE, "a task cannot join itself");
  }
  ++cell.references;  // the handle may be freed while we wait
  const int code = cell.joiners.park(rt, "join");
  cell_release(cell);
  return code;
}

}  // namespace structio::rt
