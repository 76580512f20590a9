// The virtual clock as its users handle it: made, jumped, asked, freed through handles. What a run
// does with it is in runtime/hub.cpp. Any thread, as long as no run uses the clock; then only that
// run's.
#pragma once

#include <cstdint>

#include "runtime/virtual_time.hpp"

namespace structio::rt::testing {

/// A new clock's handle in `out`. 0, STRUCTIO_EINVALID, STRUCTIO_ENOMEM.
int clock_make(std::int64_t start, std::int64_t autojump, double rate, void*& out) noexcept;

/// Ends a handle and its clock. 0, STRUCTIO_EMISUSE (a run uses it), STRUCTIO_ESTALE.
int clock_free(void* handle) noexcept;

/// Moves it forward. Deadlines that it passes fire in the run's next pass, before any task runs.
/// 0, STRUCTIO_EINVALID, STRUCTIO_ENOTASK (a run on another thread uses it).
int clock_jump(virtual_time& clock, std::int64_t duration) noexcept;

/// So many virtual seconds for a real one; the present stays. 0, STRUCTIO_EINVALID (no rate),
/// STRUCTIO_ENOTASK.
int clock_set_rate(virtual_time& clock, double rate) noexcept;

/// 0 or STRUCTIO_ENOTASK.
int clock_set_autojump(virtual_time& clock, std::int64_t threshold) noexcept;
int clock_read(const virtual_time& clock, std::int64_t& moment) noexcept;

}  // namespace structio::rt::testing
