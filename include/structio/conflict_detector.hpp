// For those who write streams of their own: notices two tasks that do at once what only one may do.
#pragma once

#include <structio/error.hpp>

#include <string>
#include <utility>

namespace structio {
inline namespace v0 {

/// Whether somebody is doing something. Never waits.
///
///     auto guard = sending_.enter();   // throws busy_error when somebody is sending already
class conflict_detector {
 public:
  /// `text` is what busy_error says.
  explicit conflict_detector(std::string text) : text_(std::move(text)) {}
  conflict_detector(const conflict_detector&) = delete;
  conflict_detector& operator=(const conflict_detector&) = delete;

  /// As long as it lives, the thing is being done.
  class [[nodiscard]] guard {
   public:
    guard(const guard&) = delete;
    guard& operator=(const guard&) = delete;
    ~guard() { of_.entered_ = false; }

   private:
    friend class conflict_detector;
    explicit guard(conflict_detector& of) noexcept : of_(of) { of_.entered_ = true; }
    conflict_detector& of_;
  };

  /// Throws busy_error, to the same task too. Not a checkpoint.
  guard enter() {
    if (entered_) throw busy_error(text_);
    return guard(*this);
  }

 private:
  std::string text_;
  bool entered_ = false;
};

}  // namespace v0
}  // namespace structio
