// Why something was cancelled: who, from where, with which words. Immutable, shared by every scope
// and failure that the cancellation reached, counted across threads since failures travel.
#pragma once

#include <atomic>
#include <cstdint>

namespace structio::rt {

/// Values of enum structio_cancel_source.
enum class cancel_source : std::uint8_t {
  none = 0,
  explicit_call = 1,
  deadline = 2,
  nursery = 3,
  interrupt = 4,
  stop = 5,
  shutdown = 6,
  misnesting = 7
};

const char* source_text(cancel_source source) noexcept;

struct task;

struct reason {
  std::atomic<std::uint32_t> references{1};
  cancel_source source = cancel_source::none;
  bool immortal = false;
  std::uint64_t task_id = 0;
  char task_name[32] = {0};                  ///< empty when no task caused it
  const char* text = nullptr;                ///< null or in the same allocation
  mutable std::atomic<char*> line{nullptr};  ///< made when first asked for; see reason_line
};

/// A new reason, or an immortal one without words when memory is out: cancelling cannot fail.
/// `by` may be null; `text` is copied.
reason* reason_make(cancel_source source, const task* by, const char* text) noexcept;

inline reason* reason_retain(reason* r) noexcept {
  if (r && !r->immortal) r->references.fetch_add(1, std::memory_order_relaxed);
  return r;
}
void reason_let_go(reason& r) noexcept;
inline void reason_release(reason* r) noexcept {
  if (r) reason_let_go(*r);
}

/// "cancelled due to deadline", "... due to explicit: words (from task 'x')". As snprintf.
int reason_describe(const reason& r, char* text, unsigned long size) noexcept;

/// The same, valid as long as the reason. Any thread.
const char* reason_line(const reason& r) noexcept;

}  // namespace structio::rt
