// Whether a piece of code was a checkpoint. Part of testing.hpp; may still change between releases.
#pragma once

#include <structio/structio_testing.h>
#include <structio/error.hpp>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {
namespace testing {

/// Thrown by the assertions below.
class assertion_failed : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// How often the calling task has been at a cancel point and at a schedule point; a call that the
/// run's budget lets go on counts as one that has given way.
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
    if constexpr (std::is_reference_v<decltype(result)>) {
      return static_cast<decltype(result)>(result);
    } else {
      return result;  // moved, or made where it belongs: it need not be copyable
    }
  }
}
}  // namespace detail_testing

/// Runs `body` and returns its value; throws assertion_failed unless it was at a cancel point and
/// gave way at least once. Works with any budget.
template <class Body>
decltype(auto) assert_checkpoints(Body&& body) {
  return detail_testing::checked(std::forward<Body>(body), true);
}

/// Throws assertion_failed when it was at a cancel point or gave way.
template <class Body>
decltype(auto) assert_no_checkpoints(Body&& body) {
  return detail_testing::checked(std::forward<Body>(body), false);
}

}  // namespace testing
}  // namespace v0
}  // namespace structio
