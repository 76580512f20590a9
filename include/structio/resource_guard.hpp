// Finding out that two tasks use at once what only one may use, instead of waiting in line for it.
#pragma once

#include <structio/error.hpp>

#include <string>
#include <utility>

namespace structio {
inline namespace v0 {

/// For what only one task may do at a time where a second one is a mistake: two readers of a
/// stream, say. Never waits. Not thread-safe.
///
///     structio::resource_guard reading{"another task is reading from this stream"};
///     auto here = reading.enter();
class resource_guard {
 public:
  explicit resource_guard(std::string conflict) : conflict_(std::move(conflict)) {}
  resource_guard(const resource_guard&) = delete;
  resource_guard& operator=(const resource_guard&) = delete;

  /// Is inside until it goes.
  class entry {
   public:
    entry(entry&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    entry& operator=(entry&&) = delete;
    ~entry() {
      if (of_ != nullptr) of_->entered_ = false;
    }

   private:
    friend class resource_guard;
    explicit entry(resource_guard* of) noexcept : of_(of) {}
    resource_guard* of_;
  };

  /// Throws busy_error, with the text that was given, when it is entered already, by whichever
  /// task.
  [[nodiscard]] entry enter() {
    if (entered_) throw busy_error(conflict_);
    entered_ = true;
    return entry(this);
  }

  bool entered() const noexcept { return entered_; }

 private:
  std::string conflict_;
  bool entered_ = false;
};

}  // namespace v0
}  // namespace structio
