// Collects return addresses with the unwinder that exceptions use: no heap, no locks, no loading of
// libraries, so that it fits on a small fiber stack.
#include "context/probe.hpp"

#include <unwind.h>

#include "context/switch.hpp"

namespace structio::ctx {
namespace {

struct collection {
  void** addresses;
  int capacity;
  int count = 0;
  void* last;          ///< function whose frame is the last one of our own
  bool inside = true;  ///< still among our own frames
};

// Where a fiber may have been left, of the functions that are not to be shown.
bool is_ours(const void* function) noexcept {
  return function == reinterpret_cast<void*>(&run_on_top) ||
         function == reinterpret_cast<void*>(&switch_to) ||
         function == reinterpret_cast<void*>(&switch_with_runtimes);
}

_Unwind_Reason_Code on_frame(_Unwind_Context* context, void* arg) {
  auto& c = *static_cast<collection*>(arg);
  void* address = reinterpret_cast<void*>(_Unwind_GetIP(context));
  if (!address) return _URC_END_OF_STACK;
  // A return address may be the first one behind a function that never returns.
  void* call = static_cast<char*>(address) - 1;
  if (c.inside) {
    if (_Unwind_FindEnclosingFunction(call) == c.last) c.inside = false;
    return _URC_NO_REASON;
  }
  if (c.count == 0 && is_ours(_Unwind_FindEnclosingFunction(call))) return _URC_NO_REASON;
  if (c.count == c.capacity) return _URC_END_OF_STACK;
  c.addresses[c.count++] = address;
  return _URC_NO_REASON;
}

void collect(void* arg) {
  _Unwind_Backtrace(on_frame, arg);
}

}  // namespace

[[gnu::noinline]] int backtrace_of(machine& m, fiber& f, void** addresses, int capacity) noexcept {
  collection c{addresses, capacity, 0, probes_end(), true};
  if (&f == m.current) {
    c.last = reinterpret_cast<void*>(&backtrace_of);
    collect(&c);
  } else if (f.sp) {
    run_on_top(m, f, collect, &c);
  }
  return c.count;
}

}  // namespace structio::ctx
