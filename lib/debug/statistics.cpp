// Gathers the counters that the parts of a run keep.
#include "debug/statistics.hpp"

#include "reactor/uv_readiness.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt::debug {

void read_statistics(runtime& rt, structio_statistics& out) noexcept {
  const ctx::stack_pool_statistics stacks = rt.stacks.statistics();
  const std::int64_t next = rt.timers.next();
  out.tasks_living = rt.living();
  out.tasks_runnable = rt.sched.ready();
  out.tasks_spawned = rt.spawned;
  out.to_next_deadline =
      next == base::forever ? base::forever : base::saturating_add(next, -rt.now());
  out.posted = rt.door->queued();
  out.io_pending = static_cast<std::uint64_t>(rt.kernel.pending());
  out.stacks_in_use = stacks.in_use;
  out.stacks_warm = stacks.warm;
  out.stack_bytes_mapped = stacks.mapped_bytes;
  out.stacks_unguarded = stacks.unguarded;
  out.switches = rt.sched.steps();
  out.polls = rt.polls;
  out.waiting_readable = reactor::readiness_waiting(rt.kernel, reactor::ready_to_read);
  out.waiting_writable = reactor::readiness_waiting(rt.kernel, reactor::ready_to_write);
}

}  // namespace structio::rt::debug
