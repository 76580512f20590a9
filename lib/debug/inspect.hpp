// Questions about single tasks and nurseries: who lives where, what does it wait for, where does it
// stand. Tasks are asked for by id, so that one that has ended is no danger; the C ABI is the
// caller, from tasks and hooks of the run.
#pragma once

#include <cstddef>
#include <cstdint>

#include "debug/text.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt::debug {

/// Where a living task lives, and where it will when it calls started; null for none, and for the
/// run's own nursery, which is nobody's business.
nursery* parent_nursery(const runtime& rt, task_id id) noexcept;
nursery* eventual_parent_nursery(const runtime& rt, task_id id) noexcept;

/// Writes at most `capacity` ids and returns how many children there are.
std::size_t children(nursery& n, task_id* ids, std::size_t capacity) noexcept;

/// The open nurseries of a task, outermost first: writes at most `capacity`, returns how many.
std::size_t nurseries(const runtime& rt, task_id id, nursery** out, std::size_t capacity) noexcept;

/// What a task that is waiting waits for, else null. Valid until it is asked again.
const char* waiting_for(runtime& rt, task_id id) noexcept;

/// False until its function has been called.
bool has_begun(const task& t) noexcept;

/// "17.2": the number of the task's stack and which tenant it is. Unique in a run, as the id is,
/// but short enough for a tree.
void short_id(writer& out, const task& t) noexcept;

/// Return addresses, innermost first: how many were written.
std::size_t backtrace(runtime& rt, task_id id, void** addresses, std::size_t capacity) noexcept;

}  // namespace structio::rt::debug
