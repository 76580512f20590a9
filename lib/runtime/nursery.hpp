// Nurseries: who lives where, and how a block ends. The owner's body and every child count alike:
// the first failure cancels the nursery's scope, the end waits for all of them and reports all
// failures.
//
// Always true: a nursery is open as long as its owner is between open and close; a child is in
// `children` from its spawn until its last instruction; nobody is told that a nursery has ended
// while it has children or pending starts.
#pragma once

#include <cstdint>

#include "base/assert.hpp"
#include "base/list.hpp"
#include "runtime/cancel.hpp"
#include "runtime/task.hpp"

namespace structio::rt {

enum class nursery_state : std::uint8_t { open, closing, closed };
enum class nursery_kind : std::uint8_t { user, hidden, system };

struct nursery {
  static constexpr std::uint32_t magic_value = 0x4e555253;  // "NURS"
  std::uint32_t magic = magic_value;
  nursery_state state = nursery_state::open;
  nursery_kind kind = nursery_kind::user;
  bool services_told = false;  ///< services have been cancelled since all else has ended
  bool patient = false;        ///< a child that fails does not have the others cancelled
  std::uint8_t run_number = 0;
  runtime* rt = nullptr;
  task* owner = nullptr;                ///< null for a run's own nursery, and after the end
  ctx::tenancy owner_is = ctx::nobody;  ///< stays when both have ended
  nursery* outer = nullptr;             ///< next open nursery outwards of the same task
  base::list<task, sibling_tag> children;
  std::uint64_t count = 0;          ///< children, services included
  std::uint64_t cancelled = 0;      ///< children (and body) that ended as "cancelled"
  failure** failures = nullptr;     ///< what failed, in order
  reason* cancelled_why = nullptr;  ///< of the first that ended as cancelled
  std::uint32_t failure_count = 0;
  std::uint32_t failure_room = 0;
  std::uint32_t services = 0;
  std::uint32_t pending_starts = 0;  ///< tasks that will come here when they call started
  failure* first_failure;            ///< room for one, so that no failure is ever lost
  task* to_settle;                   ///< the next child, while a change of scopes spreads
  nursery* settle_next;
  scope around;  ///< the nursery's own scope

  nursery() = default;
  explicit nursery(bool entered_in_flight) noexcept : around(entered_in_flight) {}

  /// Nobody lives in it or is about to come.
  bool ended() const noexcept { return count == 0 && pending_starts == 0; }

  /// The owner is parked in its close.
  bool owner_waits() const noexcept {
    STRUCTIO_ASSERT(state != nursery_state::closing || owner);
    return state == nursery_state::closing && owner->wait.state == wait_state::parked;
  }

  /// The run's own is nobody's: 0.
  task_id owner_id() const noexcept;
};

/// Part of opening.
inline void nursery_push(task& self, nursery& n, std::uint8_t run_number) noexcept {
  n.run_number = run_number;
  n.owner = &self;
  n.owner_is = self.stack();
  n.outer = self.open_nurseries;
  self.open_nurseries = &n;
}

/// Opens in the current task. 0 or STRUCTIO_ENOMEM (the scope's deadline).
int nursery_open(runtime& rt, nursery& n, nursery_kind kind) noexcept;

/// Ends the body, waits for the children, takes it all together; see structio_nursery_close. The
/// current task must be the owner, and the nursery its innermost one.
int nursery_close(nursery& n, int status, failure*& f) noexcept;

/// The end of that, when nobody lives in it any more: takes together what they came to.
int nursery_sum_up(nursery& n, failure*& f) noexcept;

/// Waits until nobody lives in it any more, in state `closing`; its owner has waited once already,
/// or is about to begin. Not a cancel point; an interrupt is taken.
void nursery_await_children(nursery& n, bool waited) noexcept;

/// What a nursery ended with, bare where it is a single failure: for blocks that are no nursery to
/// the user. Returns the status that belongs to `f`.
int unwrap_only(int status, failure*& f) noexcept;

/// Closes a nursery that its owner has lost sight of: cancels, waits, drops what comes out.
void nursery_abandon(nursery& n) noexcept;

/// Drops what its children came to.
void nursery_forget(nursery& n) noexcept;

/// Starts a child. STRUCTIO_ECLOSED, STRUCTIO_ENOMEM, STRUCTIO_EINVALID.
int nursery_spawn(nursery& n, const spawn_request& request, task*& out) noexcept;

/// The same for the run's own nursery: the child begins with the run's task-locals.
int system_spawn(runtime& rt, const spawn_request& request, task*& out) noexcept;

/// A child's very end: `status` and what belongs to it. Consumes `in_flight`.
void nursery_child_ended(nursery& n, task& t, int status, failure* in_flight) noexcept;

/// Records a failure of the body or a child, and cancels the rest unless the nursery is patient
/// with its children. Consumes `f`.
void nursery_add_failure(nursery& n, failure* f, const task* by, bool from_body) noexcept;

/// Looks whether the end has come after something has left.
void nursery_check_end(nursery& n) noexcept;

/// See structio_nursery_start and structio_started.
int nursery_start(runtime& rt, nursery& target, const spawn_request& request,
                  void** value) noexcept;
int task_started(runtime& rt, void* value) noexcept;

/// The nursery a starting task will move to, or null.
nursery* start_target(const task& t) noexcept;

}  // namespace structio::rt
