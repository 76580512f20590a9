// The run's own limiter for this kind of work.
#include "process/spawn_limit.hpp"

#include "base/status.hpp"
#include "thread/run_limiter.hpp"

namespace structio::rt::process {
namespace {

// More would only queue up in the kernel; few enough that a burst does not make a thread for each.
constexpr std::int64_t at_once = 16;

constexpr char key = 0;

}  // namespace

int spawn_tokens(runtime& rt, thread::token_source& out) noexcept {
  thread::run_limiter* own = thread::find_or_make_limiter(rt, &key, "child processes", at_once);
  if (!own) return STRUCTIO_ENOMEM;
  out = own->source();
  return 0;
}

}  // namespace structio::rt::process
