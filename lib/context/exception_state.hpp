// The C++ exception state of a thread (the stack of caught exceptions and the count of those in
// flight) belongs to the C++ runtime of the *user's* code, and a process may hold several of those.
// Each face hands down its own getter; every distinct slot it leads to is saved when a fiber is
// left and put back when it is resumed, and is zero at a fiber's birth.
//
// Fibers never leave their thread, so the address of each slot is asked for once.
#pragma once

#include <cstdint>

namespace structio::ctx {

/// Returns the calling thread's __cxa_eh_globals of one C++ runtime (the type of
/// __cxa_get_globals).
using eh_getter = void* (*)();

/// Layout fixed by the Itanium C++ ABI, section 2.2.2 (the ARM EHABI adds one pointer).
struct eh_globals {
  void* caught;
  unsigned int uncaught;
#ifdef __ARM_EABI_UNWINDER__
  void* propagating;
#endif
};

struct exception_slots {
  static constexpr int max = 4;
  eh_globals nothing = {};  ///< stands in for the first slot until there is one: no test per switch
  eh_globals* at[max] = {&nothing};
  int count = 0;

  exception_slots() = default;
  exception_slots(const exception_slots&) = delete;
  exception_slots& operator=(const exception_slots&) = delete;

  /// Registers what `getter` leads to on this thread. Idempotent. False when the table is full.
  bool add(eh_getter getter) noexcept;
};

/// What a fiber that is not running had in each slot, one of them or more. Lives in the switch's
/// own frame; that frame is not instrumented for ASan, so what works on it must not be either.
class saved_exceptions {
 public:
  [[gnu::no_sanitize_address]] explicit saved_exceptions(const exception_slots& slots) noexcept;
  [[gnu::no_sanitize_address]] void restore(const exception_slots& slots) const noexcept;

 private:
  eh_globals kept_[exception_slots::max];
  int count_;
};

/// A fiber that has just been born has caught nothing and has nothing in flight.
inline void clear_exceptions(const exception_slots& slots, int first = 0) noexcept {
  for (int i = first; i < slots.count; ++i) *slots.at[i] = eh_globals{};
}

}  // namespace structio::ctx
