// What travels between a call and its child: one task feeds, one for each output captures. They are
// children of the call's nursery.
#pragma once

#include "process/run_process.hpp"
#include "runtime/nursery.hpp"

namespace structio::rt::process {

struct transfers {
  child* of = nullptr;
  const run_request* request = nullptr;
  run_result* result = nullptr;
  nursery* home = nullptr;
  bool over_limit = false;  ///< then the home was cancelled
};

/// 0, or a code with its message.
int begin_transfers(transfers& t) noexcept;

}  // namespace structio::rt::process
