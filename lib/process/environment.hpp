// The environment that a child gets, put together at the call: another task may change the
// program's own while a thread starts the child.
#pragma once

#include <cstddef>

#include "base/memory.hpp"

namespace structio::rt::process {

/// A list of pointers to strings that are not its own, and end with those.
class environment {
 public:
  environment() = default;
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;
  ~environment() { base::release(list_); }

  /// `base` null: the program's own. Of `changes` (may be null) "NAME=value" is set, and "NAME"
  /// taken away; the last of the same name counts. False: memory is out.
  bool make(const char* const* base, const char* const* changes) noexcept;

  const char* const* list() const noexcept { return list_; }

 private:
  const char** list_ = nullptr;
};

/// Where programs are looked for, as it is now.
const char* search_path() noexcept;

}  // namespace structio::rt::process
