// A number of tokens, each lent to a borrower who is known: nobody has two, nobody gives back what
// he has not borrowed. The total can be changed at any time; raising it lets in who waits, lowering
// it takes nothing away. The C ABI uses it, and lib/thread, which borrows on behalf of its jobs.
//
// Always true: as long as anybody waits, no token is free.
#pragma once

#include "runtime/wait_queue.hpp"
#include "sync/borrowers.hpp"

namespace structio::rt::sync {

inline constexpr std::int64_t unlimited = INT64_MAX;

class limiter : wait_queue {
 public:
  explicit limiter(std::int64_t total) noexcept : wait_queue(info_of_limiter), total_(total) {}

  /// See wait_queue::claim.
  bool claim(const runtime& rt) noexcept {
    return wait_queue::claim(rt, borrowed_ > 0) || inherit(rt);
  }
  using wait_queue::belongs_to;
  bool in_use() noexcept { return (borrowed_ > 0 && !forget_ended_run()) || size() > 0; }

  std::int64_t total() const noexcept { return total_; }
  std::int64_t borrowed() const noexcept { return borrowed_; }
  /// Negative when more are borrowed than there are now; `unlimited` stays what it is.
  std::int64_t available() const noexcept {
    return total_ == unlimited ? unlimited : total_ - borrowed_;
  }
  std::size_t waiting() const noexcept { return size(); }

  /// 0, STRUCTIO_EMISUSE (has a token, or waits for one, already), STRUCTIO_ENOMEM,
  /// STRUCTIO_ECANCELLED, STRUCTIO_EINTERRUPTED, STRUCTIO_EBROKEN (abandoned). Checkpoint.
  int acquire(runtime& rt, const borrower& who) noexcept;

  /// 0, STRUCTIO_EWOULDBLOCK, STRUCTIO_EMISUSE, STRUCTIO_ENOMEM.
  int try_acquire(const borrower& who) noexcept;

  /// 0, STRUCTIO_EMISUSE (has none). Task or hook.
  int release(const borrower& who) noexcept;

  void set_total(std::int64_t total) noexcept {
    total_ = total;
    lend();
  }

  /// Calls fn(borrower) for each who has a token, in no order.
  template <class Fn>
  void each_borrower(Fn fn) const noexcept {
    std::size_t at = 0;
    while (const borrower_set::entry* e = known_.next(at)) {
      if (!e->waits) fn(e->who);
    }
  }

  /// The storage goes away in whatever state: those who wait get STRUCTIO_EBROKEN.
  void abandon() noexcept;

 private:
  struct waiting_task;
  static const queue_info info_of_limiter;
  static const limiter& of(const wait_queue& queue) noexcept {
    return static_cast<const limiter&>(queue);
  }
  static int leave(void* arg) noexcept;

  bool inherit(const runtime& rt) noexcept;
  bool forget_ended_run() noexcept;
  int refuse_second(const borrower_set::entry& e) const noexcept;
  void describe(char* text, std::size_t size) const noexcept;
  const task* only_borrower() const noexcept;
  void lend() noexcept;

  borrower_set known_;  ///< who has a token and who waits for one
  std::int64_t total_;
  std::int64_t borrowed_ = 0;
};

/// What structio_limiter is: a limiter, and the word that tells its storage from other memory. A
/// run has one of its own for its threads.
struct limiter_block : limiter {
  using limiter::limiter;
  static constexpr std::uint32_t magic_value = 0x4c494d21;  // "LIM!"
  static constexpr const char* noun = "limiter";
  std::uint32_t magic = magic_value;
};

}  // namespace structio::rt::sync
