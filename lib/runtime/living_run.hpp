// Which runs last. What outlives runs, a mutex say, remembers in which one it is used; a pointer
// would not do, since the next run may stand where an earlier one stood.
#pragma once

#include <cstdint>

#include "base/list.hpp"

namespace structio::rt {

/// Tells runs apart for as long as the process lives; 0: none.
using run_serial = std::uint64_t;

struct living_run_tag;

/// Part of a run: it lasts as long as this does.
class living_run : public base::list_node<living_run_tag> {
 public:
  living_run() noexcept;
  ~living_run();
  living_run(const living_run&) = delete;
  living_run& operator=(const living_run&) = delete;

  run_serial serial() const noexcept { return serial_; }

 private:
  run_serial serial_;
};

/// Takes a lock: for what is off the usual path. Any thread.
bool run_lasts(run_serial serial) noexcept;

}  // namespace structio::rt
