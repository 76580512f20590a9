// Linear probing; what is removed is closed up behind, so that no slot is ever merely marked.
#include "sync/borrowers.hpp"

#include "base/assert.hpp"
#include "base/memory.hpp"

namespace structio::rt::sync {

borrower_set::~borrower_set() {
  if (slots_ != few_) base::release(slots_);
}

std::size_t borrower_set::home_of(const borrower& who) const noexcept {
  const std::uint64_t spread = (who.key + static_cast<std::uint64_t>(who.is)) * 0x9e3779b97f4a7c15;
  return static_cast<std::size_t>(spread >> 32) & mask_;
}

borrower_set::entry* borrower_set::find(const borrower& who) noexcept {
  for (std::size_t i = home_of(who); slots_[i].who.is != borrower::kind::none;
       i = (i + 1) & mask_) {
    if (slots_[i].who == who) return &slots_[i];
  }
  return nullptr;
}

borrower_set::entry& borrower_set::free_slot_for(const borrower& who) noexcept {
  std::size_t i = home_of(who);
  while (slots_[i].who.is != borrower::kind::none) i = (i + 1) & mask_;
  return slots_[i];
}

bool borrower_set::make_room() noexcept {
  const std::size_t size = mask_ + 1;
  if ((count_ + 1) * 4 <= size * 3) return true;  // three quarters full at most
  auto* grown = base::make_array<entry>(size * 2);
  if (!grown) return false;
  entry* before = slots_;
  slots_ = grown;
  mask_ = size * 2 - 1;
  for (std::size_t i = 0; i < size; ++i) {
    if (before[i].who.is != borrower::kind::none) free_slot_for(before[i].who) = before[i];
  }
  if (before != few_) base::release(before);
  return true;
}

void borrower_set::add(const borrower& who, bool waits) noexcept {
  STRUCTIO_ASSERT(count_ < mask_);
  free_slot_for(who) = {who, waits};
  ++count_;
}

void borrower_set::remove(entry& e) noexcept {
  auto hole = static_cast<std::size_t>(&e - slots_);
  for (std::size_t i = (hole + 1) & mask_; slots_[i].who.is != borrower::kind::none;
       i = (i + 1) & mask_) {
    // It may move back as far as its home, no farther.
    const std::size_t from_home = (i - home_of(slots_[i].who)) & mask_;
    if (from_home < ((i - hole) & mask_)) continue;
    slots_[hole] = slots_[i];
    hole = i;
  }
  slots_[hole] = {};
  --count_;
}

void borrower_set::clear() noexcept {
  for (std::size_t i = 0; i <= mask_; ++i) slots_[i] = {};
  count_ = 0;
}

const borrower_set::entry* borrower_set::next(std::size_t& at) const noexcept {
  while (at <= mask_) {
    const entry& e = slots_[at++];
    if (e.who.is != borrower::kind::none) return &e;
  }
  return nullptr;
}

}  // namespace structio::rt::sync
