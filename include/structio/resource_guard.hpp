// Finding out that two tasks use at once what only one may use, instead of waiting in line for it.
#pragma once

#include <structio/structio_sync.h>
#include <structio/detail/status.hpp>

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
  explicit resource_guard(std::string conflict) : conflict_(std::move(conflict)) {
    detail::check(structio_resource_guard_init(&raw_, conflict_.c_str()));
  }
  resource_guard(const resource_guard&) = delete;
  resource_guard& operator=(const resource_guard&) = delete;
  ~resource_guard() { structio_resource_guard_discard(&raw_); }

  /// Is inside until it goes.
  class entry {
   public:
    entry(entry&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    entry& operator=(entry&&) = delete;
    ~entry() {
      if (of_ != nullptr) structio_resource_guard_leave(of_);
    }

   private:
    friend class resource_guard;
    explicit entry(structio_resource_guard* of) noexcept : of_(of) {}
    structio_resource_guard* of_;
  };

  /// Throws busy_error, with the text that was given, when it is entered already, by whichever
  /// task.
  [[nodiscard]] entry enter() {
    detail::check(structio_resource_guard_enter(&raw_));
    return entry(&raw_);
  }

  bool entered() const noexcept { return structio_resource_guard_entered(&raw_) == 1; }

  structio_resource_guard* native() noexcept { return &raw_; }

 private:
  std::string conflict_;
  structio_resource_guard raw_;
};

}  // namespace v0
}  // namespace structio
