// Arming and disarming the alarm. On the hub only.
#include "reactor/alarm.hpp"

#include "base/assert.hpp"
#include "reactor/timerfd.hpp"

namespace structio::reactor {

int alarm::open(uv_loop_t& loop, bool exact) noexcept {
  STRUCTIO_ASSERT(!open_);
  const int descriptor = exact ? timerfd_open() : UV_ENOSYS;
  if (descriptor == UV_EMFILE || descriptor == UV_ENFILE || descriptor == UV_ENOMEM) {
    return descriptor;
  }
  if (descriptor < 0) {
    // No such call here, or a sandbox forbids it: milliseconds must do.
    uv_timer_init(&loop, &handle_.timer);
    handle_.timer.data = this;
    open_ = true;
    return 0;
  }
  int status = uv_poll_init(&loop, &handle_.watch, descriptor);
  if (status < 0) {
    timerfd_close(descriptor);
    return status;
  }
  descriptor_ = descriptor;
  open_ = true;
  // That the loop wakes up is all that is wanted; whose deadline it was is the runtime's business.
  status = uv_poll_start(&handle_.watch, UV_READABLE, [](uv_poll_t*, int, int) {});
  if (status < 0) close();
  return status;
}

void alarm::arm(std::int64_t deadline, std::int64_t now) noexcept {
  armed_for_ = deadline;
  ++times_armed_;
  if (descriptor_ >= 0) {
    timerfd_set(descriptor_, deadline);
    return;
  }
  if (deadline == base::forever) {
    uv_timer_stop(&handle_.timer);
    return;
  }
  constexpr std::int64_t millisecond = 1'000'000;
  const std::int64_t wait = deadline - now;
  const auto rounded_up = static_cast<std::uint64_t>(wait / millisecond + (wait % millisecond > 0));
  uv_update_time(handle_.timer.loop);  // the loop's idea of the time is as old as its last turn
  uv_timer_start(
      &handle_.timer,
      [](uv_timer_t* timer) {
        // libuv's clock is coarse: it may well be before the deadline that this was armed for.
        static_cast<alarm*>(timer->data)->armed_for_ = base::forever;
        // Before 1.45 libuv runs timers first and waits then, for ever if this was the only one.
        uv_stop(timer->loop);
      },
      rounded_up, 0);
}

void alarm::close() noexcept {
  if (!open_) return;
  open_ = false;
  if (descriptor_ >= 0) {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_.watch), nullptr);
    timerfd_close(descriptor_);
    descriptor_ = -1;
  } else {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_.timer), nullptr);
  }
}

}  // namespace structio::reactor
