// Finds out that two tasks do at once what only one may do. Never waits, needs no run and no
// memory.
#pragma once

namespace structio::rt::sync {

class resource_guard {
 public:
  explicit resource_guard(const char* conflict) noexcept : conflict_(conflict) {}

  bool entered() const noexcept { return entered_; }

  /// What whoever comes second is told.
  const char* conflict() const noexcept { return conflict_; }

  /// False: somebody is inside already.
  bool enter() noexcept {
    if (entered_) return false;
    entered_ = true;
    return true;
  }

  /// False: nobody is inside.
  bool leave() noexcept {
    if (!entered_) return false;
    entered_ = false;
    return true;
  }

 private:
  const char* conflict_;
  bool entered_ = false;
};

}  // namespace structio::rt::sync
