// Waiting for an event.
#include "sync/event.hpp"

#include "base/message.hpp"

namespace structio::rt::sync {

int event::wait(runtime& rt) noexcept {
  if (const int code = cancel_check(rt)) return code;
  if (set_) {
    give_way(rt);
    return 0;
  }
  place self;
  const auto code = static_cast<int>(wait_in(rt, queue_, self, "event"));
  if (code != STRUCTIO_EBROKEN) return code;
  return base::fail(code, "the event was destroyed while the task waited for it");
}

}  // namespace structio::rt::sync
