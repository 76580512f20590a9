// Counts every allocation of a thread, and makes the n-th one fail on demand: failing_malloc.cpp
// replaces malloc in its program, for the shared libraries too. Sanitized builds replace malloc
// themselves: there nothing fails, and nothing is counted.
#pragma once

#include <cstdint>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STRUCTIO_OWN_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STRUCTIO_OWN_MALLOC 0
#endif
#endif
#ifndef STRUCTIO_OWN_MALLOC
#define STRUCTIO_OWN_MALLOC 1
#endif

namespace failing_malloc {

// Plain thread-locals of the executable: no allocation to reach them.
inline thread_local std::int64_t living = 0;    ///< blocks made minus blocks freed, by this thread
inline thread_local std::int64_t made = 0;      ///< while armed
inline thread_local std::int64_t fails_at = 0;  ///< the number of the one that fails; 0: none
inline thread_local bool armed = false;
inline thread_local bool for_ever = false;  ///< all that follow fail as well

/// False where somebody else has replaced malloc: a sanitizer, Valgrind.
bool in_charge() noexcept;

/// False where realloc never fails: libuv, which must not see it fail, is part of the program.
bool refuses_realloc() noexcept;

/// Arms for a block: the n-th allocation within it fails, and all after it if so wished.
class window {
 public:
  explicit window(std::int64_t n, bool and_all_later = false) noexcept {
    made = 0;
    fails_at = n;
    for_ever = and_all_later;
    armed = true;
  }
  window(const window&) = delete;
  window& operator=(const window&) = delete;
  ~window() { armed = false; }

  /// The number was reached, so a failure has taken place.
  bool reached() const noexcept { return made >= fails_at; }
};

}  // namespace failing_malloc
