// Registration of the exception slots of a thread, and the rare case of more than one of them. The
// usual case is part of every switch: see switch.hpp.
#include "context/exception_state.hpp"

namespace structio::ctx {

bool exception_slots::add(eh_getter getter) noexcept {
  if (!getter) return true;  // A program in C has no exception state to keep.
  auto* slot = static_cast<eh_globals*>(getter());
  for (int i = 0; i < count; ++i) {
    if (at[i] == slot) return true;
  }
  if (count == max) return false;
  at[count++] = slot;
  return true;
}

saved_exceptions::saved_exceptions(const exception_slots& slots) noexcept : count_(slots.count) {
  for (int i = 0; i < count_; ++i) kept_[i] = *slots.at[i];
}

// Slots that were registered while the fiber was away had nothing in them then.
void saved_exceptions::restore(const exception_slots& slots) const noexcept {
  for (int i = 0; i < slots.count; ++i) *slots.at[i] = i < count_ ? kept_[i] : eh_globals{};
}

}  // namespace structio::ctx
