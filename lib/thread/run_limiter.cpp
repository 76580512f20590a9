// Lending and taking back, and where the limiter is kept.
#include "thread/run_limiter.hpp"

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/local.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt::thread {
namespace {

int destroyed() noexcept {
  return base::fail(STRUCTIO_EMISUSE,
                    "the run's own limiter for threads was destroyed: it ends with the run");
}

}  // namespace

token_source run_limiter::source() noexcept {
  token_source out;
  out.self = this;
  out.is_run_owned = true;
  out.acquire = [](void* self, const void* borrower) {
    auto& of = *static_cast<run_limiter*>(self);
    runtime& run = *current_runtime();
    if (!of.is_whole()) return destroyed();
    of.tokens_.claim(run);
    return of.tokens_.acquire(run, sync::borrower::of_object(borrower));
  };
  out.release = [](void* self, const void* borrower) {
    auto& of = *static_cast<run_limiter*>(self);
    return of.is_whole() ? of.tokens_.release(sync::borrower::of_object(borrower)) : destroyed();
  };
  return out;
}

token_source run_limiter::spare() noexcept {
  token_source out = source();
  out.acquire = [](void* self, const void* borrower) {
    auto& of = *static_cast<run_limiter*>(self);
    if (!of.is_whole()) return destroyed();
    of.tokens_.claim(*current_runtime());
    return of.tokens_.try_acquire(sync::borrower::of_object(borrower));
  };
  return out;
}

run_limiter* find_or_make_limiter(runtime& rt, const void* key, const char* what,
                                  std::int64_t total) noexcept {
  if (local_value* held = local_find(rt.run_locals, key)) {
    return static_cast<run_limiter*>(held->value);
  }
  auto* made = base::make<run_limiter>(total);
  local_value* held =
      made ? local_value_make(made,
                              [](void* value) { base::destroy(static_cast<run_limiter*>(value)); })
           : nullptr;
  if (held && local_bind(rt.run_locals, key, held) == 0) return made;
  if (held)
    local_value_release(held);
  else
    base::destroy(made);
  base::fail(STRUCTIO_ENOMEM, "no memory for the run's limiter for %s", what);
  return nullptr;
}

}  // namespace structio::rt::thread
