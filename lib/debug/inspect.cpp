// Answers from the tree as it stands.
#include "debug/inspect.hpp"

#include <climits>

#include "context/probe.hpp"
#include "debug/waiting.hpp"

namespace structio::rt::debug {

nursery* parent_nursery(const runtime& rt, task_id id) noexcept {
  const task* t = task_find(rt, id);
  return t && t->home != &rt.system ? t->home : nullptr;
}

nursery* eventual_parent_nursery(const runtime& rt, task_id id) noexcept {
  const task* t = task_find(rt, id);
  return t ? start_target(*t) : nullptr;
}

std::size_t children(nursery& n, task_id* ids, std::size_t capacity) noexcept {
  std::size_t count = 0;
  for (task* t = n.children.front(); t; t = n.children.next(*t)) {
    if (count < capacity) ids[count] = t->id();
    ++count;
  }
  return count;
}

std::size_t nurseries(const runtime& rt, task_id id, nursery** out, std::size_t capacity) noexcept {
  const task* t = task_find(rt, id);
  std::size_t count = 0;
  for (const scope* s = t ? t->outermost : nullptr; s; s = s->inner) {
    if (!s->children) continue;
    if (count < capacity) out[count] = s->children;
    ++count;
  }
  return count;
}

const char* waiting_for(runtime& rt, task_id id) noexcept {
  const task* t = task_find(rt, id);
  if (!t || t->wait.state != wait_state::parked) return nullptr;
  return waiting_text(*t, rt.waiting_answer);
}

bool has_begun(const task& t) noexcept {
  return t.wait.state != wait_state::unborn;
}

void short_id(writer& out, const task& t) noexcept {
  out.number(t.stack().index + 1);
  out.put('.');
  out.number(t.stack().generation);
}

std::size_t backtrace(runtime& rt, task_id id, void** addresses, std::size_t capacity) noexcept {
  task* t = task_find(rt, id);
  if (!t || !has_begun(*t) || capacity == 0) return 0;
  const int most = capacity < INT_MAX ? static_cast<int>(capacity) : INT_MAX;
  return static_cast<std::size_t>(ctx::backtrace_of(rt.machine, t->fiber(), addresses, most));
}

}  // namespace structio::rt::debug
