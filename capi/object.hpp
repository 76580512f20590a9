// Objects behind handles that belong to a run: looked up, and refused outside of that run. For the
// files of the C ABI whose handles outlive the run.
#pragma once

#include "check.hpp"

namespace structio::capi {

/// An object and the run it belongs to, which is also the caller's; or null with a message.
template <class Object>
struct found {
  Object* object = nullptr;
  rt::runtime* run = nullptr;
};

/// `task`: the call may block, so it has to come from a task.
template <class Object>
found<Object> find(base::handle_kind kind, const void* h, const char* call, bool task) noexcept {
  auto* object = handle<Object>(kind, h, call);
  if (!object) return {};
  rt::runtime* r = task ? in_task(call) : in_run(call);
  if (!r) return {};
  if (object->rt == r) [[likely]]
    return {object, r};
  if (object->rt) {
    other_run(call);
  } else {
    fail(STRUCTIO_ECLOSED, "%s: the run that the object belonged to has ended", call);
  }
  return {};
}

/// Freeing is for the object's own run, and for anybody once that has ended.
template <class Object>
bool may_free(const Object& object, const char* call) noexcept {
  if (!object.rt || object.rt == rt::current_runtime()) return true;
  other_run(call);
  return false;
}

}  // namespace structio::capi
