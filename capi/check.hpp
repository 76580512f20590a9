// What every function of the C ABI does first: is there a task, is this a scope, is the handle
// alive. A refusal writes its message and is returned at once; nothing here has logic of its own.
#pragma once

#include <structio/structio.h>

#include <new>

#include "base/handle_table.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/fork_watch.hpp"
#include "runtime/runtime.hpp"
#include "thread/job_context.hpp"

namespace structio::capi {

using base::fail;

inline int no_task(const char* call) noexcept {
  const rt::runtime* r = rt::current_runtime();
  if (r && r->current && r->confined_to == rt::confined::stepping) {
    return fail(STRUCTIO_ENOTASK,
                "%s: may block, and a step must not: answer STRUCTIO_STEP_CALL with it", call);
  }
  if (r && r->current && r->confined_to == rt::confined::waiting) {
    return fail(STRUCTIO_ENOTASK,
                "%s: may block, and functions of an item, drops, hooks and the like must not",
                call);
  }
  if (r) {
    return fail(STRUCTIO_ENOTASK,
                "%s: may block, so it must be called from a task; this is a callback outside of "
                "tasks",
                call);
  }
  if (rt::thread::current_job()) {
    return fail(STRUCTIO_ENOTASK, "%s: this is a worker thread: see structio_thread_call", call);
  }
  return fail(STRUCTIO_ENOTASK,
              rt::was_forked_inside()
                  ? "%s: the process was forked inside a run: only exec or _exit may follow"
                  : "%s: must be called from a task of a running runtime: see structio_run",
              call);
}

inline int null_argument(const char* call, const char* argument) noexcept {
  return fail(STRUCTIO_EINVALID, "%s: %s is NULL", call, argument);
}

/// The run whose task is calling, or null with a message.
inline rt::runtime* in_task(const char* call) noexcept {
  rt::runtime* r = rt::current_runtime();
  if (r && r->current && r->confined_to == rt::confined::no) [[likely]]
    return r;
  no_task(call);
  return nullptr;
}

/// The same for a call that never waits: a task's steps may.
inline rt::runtime* in_body(const char* call) noexcept {
  rt::runtime* r = rt::current_runtime();
  if (r && r->current && r->confined_to <= rt::confined::stepping) [[likely]]
    return r;
  no_task(call);
  return nullptr;
}

/// The same for a call that is a task's but never waits: the functions of its items may.
inline rt::runtime* in_task_without_waiting(const char* call) noexcept {
  rt::runtime* r = rt::current_runtime();
  if (r && r->current && r->confined_to != rt::confined::task) [[likely]]
    return r;
  no_task(call);
  return nullptr;
}

/// The run that the thread is in, task or hook, or null with a message.
inline rt::runtime* in_run(const char* call) noexcept {
  rt::runtime* r = rt::current_runtime();
  if (!r) no_task(call);
  return r;
}

/// The object in a caller's storage, or null with a message.
template <class Object, class Storage>
Object* block(const Storage* storage, const char* call, const char* what) noexcept {
  static_assert(sizeof(Object) <= sizeof(Storage) && alignof(Object) <= alignof(Storage));
  auto* object = reinterpret_cast<Object*>(const_cast<Storage*>(storage));
  if (object && object->magic == Object::magic_value) [[likely]]
    return object;
  if (!object) {
    null_argument(call, what);
  } else {
    fail(STRUCTIO_EINVALID, "%s: the storage is not an initialised %s", call, what);
  }
  return nullptr;
}

/// Destroys the object in a caller's storage, which is then no such object any more.
template <class Block>
void end_block(Block& object) noexcept {
  // Volatile: the compiler may leave out what is written to an object that ends, and then who uses
  // the storage once more would not be told.
  volatile std::uint32_t& magic = object.magic;
  object.~Block();
  magic = 0;
}

/// True when the storage is that of a block which the task is in. It may as well be uninitialised,
/// so it is not read but looked for, a few blocks outwards at most: that finds who opens twice, and
/// costs next to nothing.
inline bool is_open_block(const rt::task& t, const void* storage) noexcept {
  const rt::scope* s = t.innermost;
  for (int steps = 0; steps < 4 && s != t.base; ++steps, s = s->outer) {
    if (s == storage || s->children == storage) return true;
  }
  return false;
}

/// A block that calls of ours stand in cannot be left: their scopes would go with it. 0 or a
/// refusal.
inline int calls_inside(const rt::scope& s, const rt::task& self, const char* call) noexcept {
  for (const rt::scope* inner = self.innermost;; inner = inner->outer) {
    if (inner->pinned) {
      return fail(STRUCTIO_EMISUSE, "%s: a call inside it has not returned: leave it after that",
                  call);
    }
    if (inner == &s) return 0;
  }
}

/// The object behind a handle, or null with a message.
template <class Object>
Object* handle(base::handle_kind kind, const void* h, const char* call) noexcept {
  void* object = base::handle_object(kind, h);
  if (object) [[likely]]
    return static_cast<Object*>(object);
  if (h) {
    fail(STRUCTIO_ESTALE, "%s: the handle was freed, or is no handle of this kind", call);
  } else {
    null_argument(call, "the handle");
  }
  return nullptr;
}

inline int other_run(const char* call) noexcept {
  return fail(STRUCTIO_EMISUSE, "%s: the object belongs to another run: use a portal", call);
}

/// The code of the message that has just been written.
inline int refused() noexcept {
  return base::last_code();
}

/// A struct with struct_size first: whole or from a header that knew fewer fields.
template <class Options>
bool options_fit(const Options* options, const char* call) noexcept {
  if (!options || options->struct_size >= sizeof(std::size_t)) return true;
  fail(STRUCTIO_EINVALID, "%s: set struct_size of the options to their sizeof", call);
  return false;
}

/// A copy of the caller's options with our size: fields he does not know are zero.
template <class Options>
Options whole(const Options* options) noexcept {
  Options copy{};
  if (options) {
    const std::size_t size =
        options->struct_size < sizeof(Options) ? options->struct_size : sizeof(Options);
    __builtin_memcpy(&copy, options, size);
  }
  copy.struct_size = sizeof(Options);
  return copy;
}

/// Fills in a struct of the caller's, as far as his header knew it.
template <class Struct>
int tell(const Struct& all, Struct* out, const char* call,
         const char* argument = "statistics") noexcept {
  if (!out) return null_argument(call, argument);
  if (!options_fit(out, call)) return refused();
  const std::size_t size = out->struct_size;
  __builtin_memcpy(out, &all, size < sizeof all ? size : sizeof all);
  out->struct_size = size;
  return 0;
}

}  // namespace structio::capi
