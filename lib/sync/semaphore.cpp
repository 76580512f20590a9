// Taking and handing over units.
#include "sync/semaphore.hpp"

#include "base/message.hpp"

namespace structio::rt::sync {

int semaphore::acquire(runtime& rt) noexcept {
  if (const int code = cancel_check(rt)) return code;
  if (try_acquire()) {
    give_way(rt);
    return 0;
  }
  place self;
  const auto code = static_cast<int>(wait_in(rt, queue_, self, "semaphore"));
  if (code != STRUCTIO_EBROKEN) return code;
  return base::fail(code, "the semaphore was destroyed while the task waited for it");
}

bool semaphore::release() noexcept {
  if (place* first = queue_.take_first()) {
    finish(*first, 0);
    return true;
  }
  if (value_ == max_) return false;
  ++value_;
  return true;
}

}  // namespace structio::rt::sync
