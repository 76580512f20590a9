// A limiter among the run's own locals, so that it is found, and ends, as those do.
#include "process/spawn_limit.hpp"

#include <new>

#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/local.hpp"
#include "runtime/runtime.hpp"
#include "sync/limiter.hpp"

namespace structio::rt::process {
namespace {

// More would only queue up in the kernel; few enough that a burst does not make a thread for each.
constexpr std::int64_t at_once = 16;

constexpr char key = 0;

sync::limiter_block* find_or_make(runtime& rt) noexcept {
  if (local_value* held = local_find(rt.run_locals, &key)) {
    return static_cast<sync::limiter_block*>(held->value);
  }
  auto* made = new (std::nothrow) sync::limiter_block(at_once);
  local_value* held =
      made ? local_value_make(made,
                              [](void* value) { delete static_cast<sync::limiter_block*>(value); })
           : nullptr;
  if (held && local_bind(rt.run_locals, &key, held) == 0) return made;
  if (held) {
    local_value_release(held);
  } else {
    delete made;
  }
  return nullptr;
}

}  // namespace

int spawn_tokens(runtime& rt, thread::token_source& out) noexcept {
  out.self = find_or_make(rt);
  if (!out.self) return base::fail(STRUCTIO_ENOMEM, "no memory for a child process");
  out.is_run_owned = true;
  out.acquire = [](void* self, const void* borrower) {
    auto& of = *static_cast<sync::limiter_block*>(self);
    runtime& run = *current_runtime();
    of.claim(run);
    return of.acquire(run, sync::borrower::of_object(borrower));
  };
  out.release = [](void* self, const void* borrower) {
    return static_cast<sync::limiter_block*>(self)->release(sync::borrower::of_object(borrower));
  };
  return 0;
}

}  // namespace structio::rt::process
