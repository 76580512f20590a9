// A limiter that a run has of its own for one kind of work in threads. Each kind has another, so
// that one that waits for something never keeps out another that would bring it. It stands among
// the run's locals: made when it is first needed, ended with the run.
#pragma once

#include "sync/limiter.hpp"
#include "thread/worker.hpp"

namespace structio::rt::thread {

inline constexpr std::int64_t default_total = 40;

/// The user has it in hand as any other limiter, so he may have destroyed it.
class run_limiter {
 public:
  run_limiter() noexcept : tokens_(default_total) {}
  run_limiter(const run_limiter&) = delete;
  run_limiter& operator=(const run_limiter&) = delete;
  ~run_limiter() {
    if (is_whole()) tokens_.~limiter_block();
  }

  sync::limiter_block& block() noexcept { return tokens_; }
  bool is_whole() const noexcept { return tokens_.magic == sync::limiter_block::magic_value; }

  /// Its tokens, for a job that waits for one, and for one that is not begun when none is free.
  token_source source() noexcept;
  token_source spare() noexcept;

 private:
  union {
    sync::limiter_block tokens_;
  };
};

/// The run's limiter under this key; null, with a message, when memory is out. What it is for is a
/// word of that message.
run_limiter* find_or_make_limiter(runtime& rt, const void* key, const char* what) noexcept;

}  // namespace structio::rt::thread
