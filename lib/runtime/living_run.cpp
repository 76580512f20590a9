// The list of runs that last. They are few, so it is searched.
#include "runtime/living_run.hpp"

#include <mutex>

#include "base/fork_hook.hpp"

namespace structio::rt {

namespace {

std::mutex runs_mutex;
base::fork_lock<runs_mutex> runs_at_fork(base::fork_rank::runs);
base::list<living_run, living_run_tag> runs;
run_serial last_serial = 0;

}  // namespace

living_run::living_run() noexcept {
  const std::lock_guard lock(runs_mutex);
  serial_ = ++last_serial;
  runs.push_back(*this);
}

living_run::~living_run() {
  const std::lock_guard lock(runs_mutex);
  unlink();
}

bool run_lasts(run_serial serial) noexcept {
  const std::lock_guard lock(runs_mutex);
  for (living_run* r = runs.front(); r; r = runs.next(*r)) {
    if (r->serial() == serial) return true;
  }
  return false;
}

}  // namespace structio::rt
