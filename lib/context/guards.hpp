// Which kind of guard a stack gets. The pool asks once in the life of each stack; the answer is
// chosen per slab, because locked memory refuses the cheap kind even where the kernel knows it.
//
// Always true: mprotect guards stay within the budget, which is shared by all pools of the process
// when it comes from the system's limit of mappings.
#pragma once

#include <cstddef>
#include <cstdint>

namespace structio::ctx {

enum class guard_kind : std::uint8_t { none, madvise, mprotect };

class guard_keeper {
 public:
  /// `budget`: mprotect guards at most, 0 for a share of the system's limit.
  guard_keeper(bool allow_madvise, std::size_t budget) noexcept;

  /// Guards one page. `preferred` is what the slab tries first, and is lowered when refused.
  guard_kind install(void* page, guard_kind& preferred) noexcept;

  /// Guards went away together with the memory they were in.
  void removed(std::size_t by_madvise, std::size_t by_mprotect) noexcept;

  guard_kind first_choice() const noexcept { return first_choice_; }
  std::size_t by_madvise() const noexcept { return by_madvise_; }
  std::size_t by_mprotect() const noexcept { return by_mprotect_; }

 private:
  bool within_budget() noexcept;
  void say_limit_is_met() noexcept;

  std::size_t page_size_;
  std::size_t by_madvise_ = 0;
  std::size_t by_mprotect_ = 0;
  std::size_t own_budget_;
  std::size_t shared_budget_ = 0;  ///< asked of the system when first needed
  guard_kind first_choice_;
  bool exhausted_ = false;  ///< do not try again before some guard has gone away
  bool said_ = false;
};

}  // namespace structio::ctx
