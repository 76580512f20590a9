// The public form of a wait: storage of the user's that names one wait of one task, and takes the
// first of "woken" and "aborted". It stays valid when the task has gone on, so a late wake-up is
// noticed.
#pragma once

#include <cstdint>

#include "runtime/task.hpp"

namespace structio::rt {

enum class waiter_state : std::uint32_t { armed, parked, woken, over };

struct waiter {
  static constexpr std::uint32_t magic_value = 0x57414954;  // "WAIT"
  explicit waiter(task& t) noexcept : home(t.rt), who(t.id()) {}
  std::uint32_t magic = magic_value;
  waiter_state state = waiter_state::armed;
  runtime* home;
  task_id who;  ///< not its address: another task may have that by now
  std::int64_t result = 0;
};

/// Parks the current task, whose waiter `w` is; see structio_park.
std::int64_t waiter_park(runtime& rt, waiter& w, const char* what, abort_fn abort,
                         void* arg) noexcept;

/// 1 when this decided the wait, 0 when it came too late.
int waiter_wake(waiter& w, std::int64_t result) noexcept;

}  // namespace structio::rt
