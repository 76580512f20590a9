// One entry in the run's list of those who wait for rest.
#include "testing/idle.hpp"

#include "runtime/wait.hpp"

namespace structio::rt::testing {

int wait_all_tasks_blocked(runtime& rt, std::int64_t cushion) noexcept {
  if (const int code = cancel_check(rt)) return code;
  idle_wait self;
  self.waiter = rt.current;
  self.cushion = cushion;
  rt.idle_waits.push_back(self);
  return static_cast<int>(park(
      rt, "all tasks blocked",
      [](void* arg) {
        static_cast<idle_wait*>(arg)->unlink();
        return abort_done;
      },
      &self));
}

}  // namespace structio::rt::testing
