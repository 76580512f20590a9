// Parking with a user's abort function.
#include "runtime/waiter.hpp"

#include "base/status.hpp"
#include "runtime/wait.hpp"

namespace structio::rt {
namespace {

struct foreign_wait {
  waiter* w;
  abort_fn abort;
  void* arg;
};

// The user's function may run on any fiber, this very task's included, and must not block there.
int ask_user(void* given) {
  auto& wait = *static_cast<foreign_wait*>(given);
  if (!wait.abort) return abort_done;
  const confinement here(wait.w->home, confined::task);
  return wait.abort(wait.arg);
}

}  // namespace

std::int64_t waiter_park(runtime& rt, waiter& w, const char* what, abort_fn abort,
                         void* arg) noexcept {
  if (w.state == waiter_state::woken) {  // completion has won already
    w.state = waiter_state::over;
    give_way(rt);
    return w.result;
  }
  foreign_wait wait{&w, abort, arg};
  w.state = waiter_state::parked;
  const std::int64_t result = park_foreign(rt, what, ask_user, &wait);
  w.state = waiter_state::over;
  // Who wakes with "cancelled" after he was asked to abort means what the abort was about.
  task& self = *rt.current;
  return result == STRUCTIO_ECANCELLED && self.wait.abort_asked ? take_abort(self) : result;
}

int waiter_wake(waiter& w, std::int64_t result) noexcept {
  if (w.state == waiter_state::armed) {
    w.state = waiter_state::woken;
    w.result = result;
    return 1;
  }
  if (w.state != waiter_state::parked) return 0;
  task* t = task_find(*w.home, w.who);
  if (!t || t->wait.state != wait_state::parked) return 0;  // aborted, and about to go on
  w.state = waiter_state::over;
  wake(*t, result);
  return 1;
}

}  // namespace structio::rt
