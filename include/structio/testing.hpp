// For testing one's own programs: virtual time, waiting until everybody waits, checkpoint checks.
// This part of the face may still change between releases.
#pragma once

#include <structio/structio_testing.h>
#include <structio/error.hpp>
#include <structio/run.hpp>
#include <structio/time.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {
namespace testing {

struct virtual_clock_options {
  time_point start = time_point{};  ///< first reading
  /// After this much real time with every task waiting, the clock jumps to the next deadline.
  /// Zero: at once. Nothing: never by itself.
  std::optional<duration> autojump = duration::zero();
};

/// A clock that stands still unless it is made to jump.
///
///     structio::testing::virtual_clock clock;
///     structio::run({.clock = clock}, [] { structio::sleep(24h); });      // takes no time
///
/// One run at a time; must outlive it. Its budget is 1 unless the run's options say otherwise.
class virtual_clock {
 public:
  explicit virtual_clock(const virtual_clock_options& options = {}) {
    structio_virtual_clock_options raw{};
    raw.struct_size = sizeof raw;
    raw.start = options.start.time_since_epoch().count();
    raw.autojump = to_c(options.autojump);
    detail::check(structio_virtual_clock_new(&raw, &raw_));
  }
  virtual_clock(const virtual_clock&) = delete;
  virtual_clock& operator=(const virtual_clock&) = delete;
  ~virtual_clock() { structio_virtual_clock_free(raw_); }

  operator clock_ref() const noexcept { return {raw_}; }

  /// Moves it forward at once. Throws std::invalid_argument when negative. The thread of the run
  /// that uses it, or any when none does.
  template <class Rep, class Period>
  void jump(std::chrono::duration<Rep, Period> time) {
    detail::check(structio_virtual_clock_jump(raw_, detail::to_nanoseconds(time).count()));
  }

  /// Takes effect at once.
  void set_autojump(std::optional<duration> threshold) {
    detail::check(structio_virtual_clock_set_autojump(raw_, to_c(threshold)));
  }

  time_point now() const {
    std::int64_t moment = 0;
    detail::check(structio_virtual_clock_now(raw_, &moment));
    return time_point(duration(moment));
  }

 private:
  static std::int64_t to_c(std::optional<duration> threshold) noexcept {
    return threshold ? threshold->count() : -1;
  }
  structio_clock* raw_ = nullptr;
};

/// Waits until every other task of the run has been waiting, with nothing ready, for `cushion` of
/// real time. The wait with the least cushion is woken first, and before the clock jumps.
/// Checkpoint. Throws `cancelled`.
inline void wait_all_tasks_blocked(duration cushion = duration::zero()) {
  detail::blocking([cushion] { return structio_wait_all_tasks_blocked(cushion.count()); });
}

/// Thrown by the assertions below.
class assertion_failed : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// How often the calling task has been at a cancel point and has given way.
struct checkpoint_counts {
  std::uint64_t cancel_points = 0;
  std::uint64_t schedule_points = 0;
};

inline checkpoint_counts count_checkpoints() {
  checkpoint_counts counts;
  detail::check(structio_checkpoint_counts(&counts.cancel_points, &counts.schedule_points));
  return counts;
}

namespace detail_testing {
template <class Body>
decltype(auto) checked(Body&& body, bool expected) {
  // Checks when the body returns; an exception that leaves the body is not replaced.
  const checkpoint_counts before = count_checkpoints();
  const auto check_now = [&] {
    const checkpoint_counts after = count_checkpoints();
    const bool cancel = after.cancel_points != before.cancel_points;
    const bool schedule = after.schedule_points != before.schedule_points;
    if (expected && !cancel) throw assertion_failed("the block had no cancel point");
    if (expected && !schedule) throw assertion_failed("the block did not give way");
    if (!expected && (cancel || schedule)) throw assertion_failed("the block had a checkpoint");
  };
  if constexpr (std::is_void_v<std::invoke_result_t<Body>>) {
    std::invoke(std::forward<Body>(body));
    check_now();
  } else {
    decltype(auto) result = std::invoke(std::forward<Body>(body));
    check_now();
    return static_cast<decltype(result)>(result);
  }
}
}  // namespace detail_testing

/// Runs `body` and returns its value; throws assertion_failed unless it was at a cancel point and
/// gave way at least once.
template <class Body>
decltype(auto) assert_checkpoints(Body&& body) {
  return detail_testing::checked(std::forward<Body>(body), true);
}

/// Throws assertion_failed when it was at a cancel point or gave way.
template <class Body>
decltype(auto) assert_no_checkpoints(Body&& body) {
  return detail_testing::checked(std::forward<Body>(body), false);
}

/// How many threads work for this run now, abandoned ones included. Any task or hook.
inline std::size_t active_thread_count() {
  return static_cast<std::size_t>(detail::check(structio_threads_active()));
}

/// Waits until no thread works for this run. Checkpoint. Throws `cancelled`.
inline void wait_all_threads_completed() {
  detail::blocking([] { return structio_wait_all_threads_completed(); });
}

/// Makes the run believe that its own state is broken: it ends with internal_error.
inline void inject_internal_error() {
  detail::check(structio_inject_internal_error());
}

/// Delivers an interrupt to the run as Ctrl-C would.
inline void inject_interrupt() {
  detail::check(structio_inject_interrupt());
}

}  // namespace testing
}  // namespace v0
}  // namespace structio
