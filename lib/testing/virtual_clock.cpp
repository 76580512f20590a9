// Checks who may touch a clock, and touches it.
#include "testing/virtual_clock.hpp"

#include "base/handle_table.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt::testing {
namespace {

constexpr double fastest = 1e6;  // the end of time is two and a half hours away then

int check_thread(const virtual_time& clock) noexcept {
  if (!clock.user || clock.user == current_runtime()) return 0;
  return base::fail(STRUCTIO_ENOTASK,
                    "the virtual clock is in use by a run on another thread: touch it from that "
                    "run, through a portal if need be");
}

int check_rate(double rate) noexcept {
  if (rate >= 0 && rate <= fastest) return 0;
  return base::fail(STRUCTIO_EINVALID,
                    "a clock cannot run at a rate that is negative, beyond 1e6 or not a number: 0 "
                    "stands still, 1 is as fast as real time");
}

}  // namespace

int clock_make(std::int64_t start, std::int64_t autojump, double rate, void*& out) noexcept {
  if (const int code = check_rate(rate)) return code;
  if (start == base::long_ago || start == base::forever) {
    return base::fail(STRUCTIO_EINVALID,
                      "the first reading of a virtual clock cannot be the end of time");
  }
  auto* clock = base::make<virtual_time>();
  out = clock ? base::handle_make(base::handle_kind::clock, clock) : nullptr;
  if (!out) {
    base::destroy(clock);
    return base::fail(STRUCTIO_ENOMEM, "no memory for a virtual clock");
  }
  clock->set(start, base::monotonic_now());
  clock->rate = rate;
  clock->autojump = autojump;
  return 0;
}

int clock_free(void* handle) noexcept {
  auto* clock = static_cast<virtual_time*>(base::handle_object(base::handle_kind::clock, handle));
  if (clock && clock->user) {
    return base::fail(STRUCTIO_EMISUSE,
                      "a run uses the virtual clock: free it after structio_run has returned");
  }
  if (!clock || !base::handle_drop(base::handle_kind::clock, handle)) {
    return base::fail(STRUCTIO_ESTALE, "the virtual clock was freed before, or is none");
  }
  base::destroy(clock);
  return 0;
}

int clock_jump(virtual_time& clock, std::int64_t duration) noexcept {
  if (duration < 0) {
    return base::fail(STRUCTIO_EINVALID, "a clock cannot jump back: the duration is negative");
  }
  if (const int code = check_thread(clock)) return code;
  const std::int64_t real = base::monotonic_now();
  const std::int64_t moment = base::saturating_add(clock.at(real), duration);
  if (moment == base::forever) {
    return base::fail(STRUCTIO_EINVALID, "a clock cannot jump to the end of time");
  }
  clock.set(moment, real);
  return 0;
}

int clock_set_rate(virtual_time& clock, double rate) noexcept {
  if (const int code = check_rate(rate)) return code;
  if (const int code = check_thread(clock)) return code;
  clock.set_rate(rate, base::monotonic_now());  // the hub plans anew before each poll
  return 0;
}

int clock_set_autojump(virtual_time& clock, std::int64_t threshold) noexcept {
  if (const int code = check_thread(clock)) return code;
  clock.autojump = threshold;  // the hub plans anew before each poll
  return 0;
}

int clock_read(const virtual_time& clock, std::int64_t& moment) noexcept {
  if (const int code = check_thread(clock)) return code;
  moment = clock.at(base::monotonic_now());
  return 0;
}

}  // namespace structio::rt::testing
