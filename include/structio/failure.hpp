// Failures of the C ABI as C++ values: why a task failed, with everything known about it.
// Used by error.hpp and group.hpp; programs meet it when they look inside an exception_group.
// A failure is immutable, counted by references, and may be handed to other threads: what a task
// adds to it on its way out goes to a copy where somebody else has it too.
#pragma once

#include <structio/structio.h>

#include <cstddef>
#include <exception>
#include <string>
#include <utility>

namespace structio {
inline namespace v0 {

/// Who or what cancelled a scope.
enum class cancel_source : int {
  none = STRUCTIO_SOURCE_NONE,
  explicit_call = STRUCTIO_SOURCE_EXPLICIT,  ///< somebody called cancel
  deadline = STRUCTIO_SOURCE_DEADLINE,       ///< a deadline passed
  nursery = STRUCTIO_SOURCE_NURSERY,         ///< the body of a nursery or a sibling failed
  interrupt = STRUCTIO_SOURCE_INTERRUPT,     ///< Ctrl-C
  stop = STRUCTIO_SOURCE_STOP,          ///< the grace of a stop is over, or a scope ends on stop
  shutdown = STRUCTIO_SOURCE_SHUTDOWN,  ///< the main task has ended, or the run failed
  misnesting = STRUCTIO_SOURCE_MISNESTING,  ///< a scope around was closed in the wrong order
};

/// Why somebody was cancelled, in words.
struct cancel_info {
  cancel_source source = cancel_source::none;
  std::string text;       ///< the reason that was given; empty when none was
  std::string task_name;  ///< of the task that caused it; empty when none did
};

/// What a failure is made of.
enum class failure_kind : int {
  none = 0,
  status = STRUCTIO_FAILURE_STATUS,        ///< a code with a message
  payload = STRUCTIO_FAILURE_PAYLOAD,      ///< an exception of C++, an error of another language
  cancelled = STRUCTIO_FAILURE_CANCELLED,  ///< with its reason
  group = STRUCTIO_FAILURE_GROUP,          ///< several failures
};

/// One failure, or none. Copying shares it. Any thread.
class failure {
 public:
  failure() = default;

  /// Takes over one reference of the C ABI.
  explicit failure(structio_failure* owned) noexcept : raw_(owned) {}

  failure(const failure& other) noexcept
      : raw_(other.raw_ == nullptr ? nullptr : structio_failure_retain(other.raw_)) {}
  failure(failure&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  failure& operator=(failure other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~failure() {
    if (raw_ != nullptr) structio_failure_free(raw_);
  }

  /// A failure that somebody else keeps a reference to.
  static failure share(structio_failure* borrowed) noexcept {
    return failure(borrowed == nullptr ? nullptr : structio_failure_retain(borrowed));
  }

  explicit operator bool() const noexcept { return raw_ != nullptr; }

  /// The same failure, not merely an equal one, whatever was added to either on its way out.
  friend bool operator==(const failure& left, const failure& right) noexcept {
    return left.raw_ == right.raw_ || (left.raw_ != nullptr && right.raw_ != nullptr &&
                                       structio_failure_same(left.raw_, right.raw_) == 1);
  }

  failure_kind kind() const noexcept {
    return raw_ == nullptr ? failure_kind::none
                           : static_cast<failure_kind>(structio_failure_get_kind(raw_));
  }

  /// Status code: STRUCTIO_EPAYLOAD, STRUCTIO_EGROUP, STRUCTIO_ECANCELLED, or a status' own.
  int code() const noexcept { return raw_ == nullptr ? 0 : structio_failure_code(raw_); }

  /// One line. Valid as long as the failure.
  const char* message() const noexcept {
    return raw_ == nullptr ? "no failure" : structio_failure_message(raw_);
  }

  /// Name of the task that failed; empty when it did not come from a task.
  std::string task_name() const {
    const char* name = raw_ == nullptr ? nullptr : structio_failure_task_name(raw_);
    return name == nullptr ? std::string() : std::string(name);
  }

  /// Reason of a cancellation; source none for other kinds.
  cancel_info reason() const {
    cancel_info info;
    if (raw_ == nullptr) return info;
    const char* text = nullptr;
    const char* task = nullptr;
    const int source = structio_failure_cancel_source(raw_, &text, &task);
    if (source > 0) info.source = static_cast<cancel_source>(source);
    if (text != nullptr) info.text = text;
    if (task != nullptr) info.task_name = task;
    return info;
  }

  /// Members of a group; 0 for other kinds.
  std::size_t size() const noexcept { return raw_ == nullptr ? 0 : structio_failure_count(raw_); }

  /// A member; no failure when there is none with this index.
  failure operator[](std::size_t index) const noexcept {
    return raw_ == nullptr ? failure() : share(structio_failure_member(raw_, index));
  }

  /// "while doing X" lines, the innermost first.
  std::size_t while_count() const noexcept {
    return raw_ == nullptr ? 0 : structio_failure_while_count(raw_);
  }
  const char* while_at(std::size_t index) const noexcept {
    const char* line = raw_ == nullptr ? nullptr : structio_failure_while(raw_, index);
    return line == nullptr ? "" : line;
  }

  /// As something that can be rethrown: the very exception when a C++ exception is behind it,
  /// `cancelled`, `exception_group`, or the exception of its code otherwise.
  /// Defined in group.hpp.
  std::exception_ptr exception() const;

  /// The handle of the C ABI, still owned by this object.
  structio_failure* native() const noexcept { return raw_; }

  /// Gives the reference away.
  structio_failure* release() noexcept { return std::exchange(raw_, nullptr); }

 private:
  structio_failure* raw_ = nullptr;
};

/// The whole tree as text, one failure a line, with its "while" lines. Any thread.
inline std::string to_string(const failure& what) {
  if (!what) return "no failure";
  const auto length = structio_failure_describe(what.native(), nullptr, 0);
  if (length <= 0) return what.message();
  std::string text(static_cast<std::size_t>(length) + 1, '\0');
  structio_failure_describe(what.native(), text.data(), text.size());
  text.resize(static_cast<std::size_t>(length));
  return text;
}

}  // namespace v0
}  // namespace structio
