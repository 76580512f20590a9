// For testing one's own programs. Everything but the part for Catch2, which has to be included by
// name: structio/testing/catch2.hpp. This part of the face may still change between releases.
#pragma once

#include <structio/structio_testing.h>
#include <structio/error.hpp>
#include <structio/testing/check_stream.hpp>   // what every stream has to do
#include <structio/testing/checkpoints.hpp>    // assert_checkpoints
#include <structio/testing/clock.hpp>          // virtual_clock, wait_all_tasks_blocked
#include <structio/testing/explore.hpp>        // a test under many seeds
#include <structio/testing/memory_stream.hpp>  // streams without a network
#include <structio/testing/pattern.hpp>        // what a group of failures should hold
#include <structio/testing/seed.hpp>           // seed_from_environment
#include <structio/testing/sequencer.hpp>      // steps in order

namespace structio {
inline namespace v0 {
namespace testing {

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
