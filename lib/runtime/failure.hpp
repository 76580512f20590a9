// Why a task failed: the object behind structio_failure. Counted by references that may be given
// back on any thread. Always true: what somebody else has as well does not change: the task's name
// and "while" lines, which are added on the way out, then go to a copy.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace structio::rt {

struct reason;
struct task;
struct runtime;

/// Values of enum structio_failure_kind.
enum class failure_kind : std::uint8_t { status = 1, payload = 2, cancelled = 3, group = 4 };

struct while_line {
  while_line* next;
  const char* text() const noexcept { return reinterpret_cast<const char*>(this + 1); }
};

/// What failure needs to know of a payload's type; the public struct begins the same way.
struct payload_type {
  std::size_t struct_size;
  const char* name;
  const void* runtime;
  void (*drop)(void* value);
  void (*describe)(const void* value, char* text, std::size_t size);
};

struct failure {
  std::atomic<std::uint32_t> references{1};
  failure_kind kind = failure_kind::status;
  bool immortal = false;
  bool has_cancelled = false;  ///< it is "cancelled", or a group that holds such a leaf
  int code = 0;
  void* handle = nullptr;  ///< what the C ABI calls it
  char task_name[32] = {0};
  while_line* first_while = nullptr;  ///< innermost first
  while_line** last_while = &first_while;
  const payload_type* type = nullptr;
  void* value = nullptr;
  reason* why = nullptr;
  failure** members = nullptr;
  std::size_t count = 0;
  char* message = nullptr;
  failure* lender = nullptr;       ///< of a copy: who owns value, reason, members and message
  failure* next_doomed = nullptr;  ///< while it is being destroyed
};

/// Each returns null when memory is out, having consumed nothing.
failure* failure_status(int code, const char* message) noexcept;
failure* failure_payload(const payload_type& type, void* value) noexcept;
failure* failure_cancelled(reason* why) noexcept;  ///< retains `why`
failure* failure_group(failure* const* members, std::size_t count) noexcept;

/// Puts `cause` beneath a failure that is no group. Consumes it when true; false: memory is out.
bool failure_set_cause(failure& f, failure* cause) noexcept;

/// The failure that stands in when there is no memory for a real one.
failure* failure_no_memory() noexcept;

/// What to report for a task or body that ended with `code` and had `in_flight` beside it: that
/// when the two belong together, else a new one. Consumes `in_flight`. Never null.
failure* failure_of(runtime& rt, const task& t, int code, failure* in_flight) noexcept;

inline failure* failure_retain(failure* f) noexcept {
  if (f && !f->immortal) f->references.fetch_add(1, std::memory_order_relaxed);
  return f;
}
void failure_let_go(failure& f) noexcept;
/// One of them may be a copy of the other, or both of a third one.
inline bool failure_same(const failure& a, const failure& b) noexcept {
  return (a.lender ? a.lender : &a) == (b.lender ? b.lender : &b);
}
inline void failure_release(failure* f) noexcept {
  if (f) failure_let_go(*f);  // the usual case is that there is none: no call for that
}
inline void failure_drop(failure*& f) noexcept {
  failure_release(f);
  f = nullptr;
}

/// Removes every "cancelled" from a group, at every depth; `f` becomes what is left, or null. True
/// when anything was removed. When memory is out the group stays as it is.
bool failure_filter_cancelled(failure*& f) noexcept;

/// Takes apart by leaves; see structio_failure_split. 0 or STRUCTIO_ENOMEM.
using leaf_match = bool (*)(const failure& leaf, void* arg);
int failure_split(failure* f, leaf_match match, void* arg, failure*& matched,
                  failure*& rest) noexcept;

/// 0, and `f` may have become a copy; or STRUCTIO_ENOMEM, and nothing has changed.
int failure_add_while(failure*& f, const char* doing) noexcept;

/// One line, without members. As snprintf.
void failure_one_line(const failure& f, char* text, std::size_t size) noexcept;

/// The whole tree. Returns the whole length, as snprintf.
std::size_t failure_describe(const failure& f, char* text, std::size_t size) noexcept;

}  // namespace structio::rt
