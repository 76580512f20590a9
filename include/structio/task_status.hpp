// task_status: how a child that was started with nursery.start says that it is ready.
// Always true: the starter's frame, where the value lands, outlives every write to it, because the
// wait in start ends only when the child has called started or has ended.
#pragma once

#include <structio/structio.h>
#include <structio/error.hpp>

#include <optional>
#include <utility>

namespace structio {
inline namespace v0 {

class nursery;

/// Given to a function that is run by nursery.start<T>: call started() once it is ready.
template <class T>
class task_status {
 public:
  task_status(const task_status&) = delete;
  task_status& operator=(const task_status&) = delete;

  /// Hands `value` to the starter and moves the calling task to its nursery. Does nothing when the
  /// status is ignored, or the starter's scopes are cancelled. Not a checkpoint. Throws usage_error
  /// when it was called before.
  void started(T value) {
    if (ignored_) return;
    if (slot_ != nullptr) {
      slot_->emplace(std::move(value));
      slot_ = nullptr;
    }
    detail::check(structio_started(nullptr));
  }

 private:
  friend class nursery;
  friend struct ignored_status;
  task_status() = default;
  explicit task_status(std::optional<T>* slot) noexcept : slot_(slot), ignored_(false) {}

  std::optional<T>* slot_ = nullptr;
  const bool ignored_ = true;
};

template <>
class task_status<void> {
 public:
  task_status(const task_status&) = delete;
  task_status& operator=(const task_status&) = delete;

  void started() {
    if (!ignored_) detail::check(structio_started(nullptr));
  }

 private:
  friend class nursery;
  friend struct ignored_status;
  task_status() = default;
  explicit task_status(bool* slot) noexcept : ignored_(slot == nullptr) {}

  const bool ignored_ = true;
};

/// Converts to a task_status of any type whose started() does nothing.
struct ignored_status {
  template <class T>
  operator task_status<T>&() const noexcept {
    // Never written to, so that sharing it between threads is harmless.
    static task_status<T> instance;
    return instance;
  }
};

/// For calling a function that was written for nursery.start as an ordinary function.
inline constexpr ignored_status task_status_ignored{};

}  // namespace v0
}  // namespace structio
