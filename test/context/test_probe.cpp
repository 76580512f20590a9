// Backtraces: of a running fiber they end cleanly at its root, of a suspended one they show where
// it waits and nothing of how we looked.
#include <unwind.h>

#include <array>

#include "context/probe.hpp"
#include "context/rig.hpp"
#include "support/catch.hpp"

using namespace structio::ctx;

namespace {

rig* the_rig = nullptr;

[[gnu::noinline]] void inner_wait() {
  the_rig->yield();
  asm volatile("");  // No tail call: the frames are what this is about.
}

[[gnu::noinline]] void outer_wait() {
  inner_wait();
  asm volatile("");
}

struct walk {
  int frames = 0;
  const void* last = nullptr;
};

_Unwind_Reason_Code step(_Unwind_Context* context, void* arg) {
  auto& w = *static_cast<walk*>(arg);
  if (++w.frames > 1000) return _URC_NORMAL_STOP;
  if (_Unwind_GetIP(context) != 0) w.last = reinterpret_cast<void*>(_Unwind_GetIP(context));
  return _URC_NO_REASON;
}

bool within(void* address, void (*function)()) {
  return _Unwind_FindEnclosingFunction(static_cast<char*>(address) - 1) ==
         reinterpret_cast<void*>(function);
}

}  // namespace

extern "C" void structio_fiber_root();

TEST_CASE("unwinding ends at a fiber's root", "[probe]") {
  rig r;
  walk w;
  _Unwind_Reason_Code reason = _URC_NO_REASON;
  stack& s = r.spawn([&] { reason = _Unwind_Backtrace(step, &w); });
  r.resume(s);
  CHECK(reason == _URC_END_OF_STACK);
  CHECK(w.frames > 1);
  CHECK(w.frames < 40);
#if defined(__ELF__) && (defined(__x86_64__) || defined(__aarch64__))
  CHECK(within(const_cast<void*>(w.last), structio_fiber_root));
#endif
  r.end(s);
}

TEST_CASE("a suspended fiber shows where it waits", "[probe]") {
  rig r;
  the_rig = &r;
  stack& s = r.spawn([] { outer_wait(); });
  std::array<void*, 64> at{};
  auto look = [&] { return backtrace_of(r.m, s.fib, at.data(), static_cast<int>(at.size())); };
  CHECK(look() == 0);
  r.resume(s);
  for (int again = 0; again < 3; ++again) {
    const int n = look();
    REQUIRE(n > 2);
    CHECK(n < 30);
    int inner = -1, outer = -1;
    for (int i = n - 1; i >= 0; --i) {
      if (within(at[static_cast<std::size_t>(i)], inner_wait)) inner = i;
      if (within(at[static_cast<std::size_t>(i)], outer_wait)) outer = i;
    }
    CHECK(inner >= 0);
    CHECK(inner <= 1);  // rig::yield may or may not be inlined.
    CHECK(outer == inner + 1);
  }
  SECTION("as far as there is room") {
    CHECK(backtrace_of(r.m, s.fib, at.data(), 2) == 2);
    CHECK(backtrace_of(r.m, s.fib, at.data(), 0) == 0);
  }
  r.resume(s);
  CHECK(r.finished(s));
  r.end(s);
}

TEST_CASE("the running fiber shows itself", "[probe]") {
  rig r;
  std::array<void*, 64> at{};
  int n = 0;
  stack& s =
      r.spawn([&] { n = backtrace_of(r.m, *r.m.current, at.data(), static_cast<int>(at.size())); });
  r.resume(s);
  CHECK(n > 1);
  CHECK(n < 40);
  CHECK(backtrace_of(r.m, r.m.hub, at.data(), static_cast<int>(at.size())) > 1);
  r.end(s);
}
