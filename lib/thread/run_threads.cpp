// A value among the run's own locals, so that it is found, and ends, as those do.
#include "thread/run_threads.hpp"

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/local.hpp"
#include "runtime/runtime.hpp"
#include "runtime/wait_queue.hpp"
#include "thread/run_limiter.hpp"

namespace structio::rt::thread {
namespace {

struct run_threads {
  wait_queue all_done;
  run_limiter tokens;
};

constexpr char key = 0;

run_threads* find(runtime& rt) noexcept {
  local_value* held = local_find(rt.run_locals, &key);
  return held ? static_cast<run_threads*>(held->value) : nullptr;
}

run_threads* find_or_make(runtime& rt) noexcept {
  if (run_threads* found = find(rt)) return found;
  auto* made = base::make<run_threads>();
  local_value* held =
      made ? local_value_make(made,
                              [](void* value) { base::destroy(static_cast<run_threads*>(value)); })
           : nullptr;
  if (held && local_bind(rt.run_locals, &key, held) == 0) return made;
  if (held)
    local_value_release(held);
  else
    base::destroy(made);
  base::fail(STRUCTIO_ENOMEM, "no memory for what a run keeps for its threads");
  return nullptr;
}

}  // namespace

sync::limiter_block* default_limiter(runtime& rt) noexcept {
  run_threads* threads = find_or_make(rt);
  return threads ? &threads->tokens.block() : nullptr;
}

int default_tokens(runtime& rt, token_source& out) noexcept {
  run_threads* threads = find_or_make(rt);
  if (!threads) return STRUCTIO_ENOMEM;
  out = threads->tokens.source();
  return 0;
}

int wait_all_threads_completed(runtime& rt) noexcept {
  if (const int code = cancel_check(rt)) return code;
  if (rt.jobs == 0) {
    give_way(rt);
    return 0;
  }
  run_threads* threads = find_or_make(rt);
  if (!threads) return STRUCTIO_ENOMEM;
  threads->all_done.claim(rt);
  place p;
  return static_cast<int>(wait_in(rt, threads->all_done, p, "threads to end"));
}

void all_jobs_done(runtime& rt) noexcept {
  if (run_threads* threads = find(rt)) threads->all_done.wake(SIZE_MAX, 0);
}

}  // namespace structio::rt::thread
