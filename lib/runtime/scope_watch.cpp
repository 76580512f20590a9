// Two lists of the same kind, so that a watch can be taken away at any time.
#include "runtime/scope_watch.hpp"

#include "runtime/cancel.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt {
namespace {

void insert(scope_watch** at, scope_watch& w) noexcept {
  w.at = at;
  w.next = *at;
  if (w.next) w.next->at = &w.next;
  *at = &w;
}

void tell(runtime& rt, scope_watch& w) noexcept {
  const confinement here(&rt, confined::task);  // as an abort function
  w.fn(w.arg);
}

}  // namespace

void watch_add(runtime& rt, scope& s, scope_watch& w) noexcept {
  if (s.state == scope_state::inside && s.cancelled) {
    tell(rt, w);
    return;
  }
  w.rt = &rt;
  insert(&s.watches, w);
  s.laden = true;
}

void watch_remove(scope_watch& w) noexcept {
  if (!w.at) return;
  *w.at = w.next;
  if (w.next) w.next->at = w.at;
  w.at = nullptr;
  w.next = nullptr;
  w.rt = nullptr;
}

void watches_fire(scope& s) noexcept {
  scope_watch** end = &s.rt->watches_to_tell;
  while (*end) end = &(*end)->next;
  while (scope_watch* w = s.watches) {
    runtime* rt = s.rt;
    watch_remove(*w);
    w->rt = rt;
    insert(end, *w);
  }
}

void watches_tell(runtime& rt) noexcept {
  while (scope_watch* w = rt.watches_to_tell) {
    watch_remove(*w);
    tell(rt, *w);
  }
}

void watches_detach(scope& s) noexcept {
  while (s.watches) watch_remove(*s.watches);
}

}  // namespace structio::rt
