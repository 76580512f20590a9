// Things that belong to a run and can be held by handles after it: a run that ends makes each of
// them forget it, so that a late call finds a closed object instead of freed memory.
#pragma once

#include "base/list.hpp"

namespace structio::rt {

struct runtime;
struct run_object_tag;

struct run_object : base::list_node<run_object_tag> {
  runtime* rt = nullptr;  ///< null once the run has ended
  /// Lets go of what is the run's. The loop still runs; the object is out of the run's list
  /// already.
  void (*orphan)(run_object& self) noexcept = nullptr;
  bool frees_itself = false;  ///< in `orphan`, perhaps: the run must not look at it afterwards
};

}  // namespace structio::rt
