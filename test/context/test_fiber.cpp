// Fibers: switching, looping bodies, work done on top of a suspended one, and stacks that unwind to
// a clean end.
#include <unwind.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <string>
#include <vector>

#include "context/probe.hpp"
#include "context/rig.hpp"
#include "support/catch.hpp"

using namespace structio::ctx;

TEST_CASE("switching goes to and fro and from fiber to fiber", "[fiber]") {
  rig r;
  std::string order;
  stack* b = nullptr;
  stack& a = r.spawn([&] {
    order += "a1 ";
    CHECK(r.m.current->home != nullptr);
    switch_to(r.m, b->fib);
    order += "a2 ";
  });
  b = &r.spawn([&] {
    order += "b1 ";
    switch_to(r.m, a.fib);
    order += "b2 ";
  });
  CHECK(r.m.current == &r.m.hub);
  r.resume(a);
  CHECK(r.m.current == &r.m.hub);
  r.resume(*b);
  CHECK(order == "a1 b1 a2 b2 ");
  r.end(a);
  r.end(*b);
}

TEST_CASE("registers and locals survive many switches in nested calls", "[fiber]") {
  rig r;
  std::function<long(int)> deep = [&](int n) -> long {
    const double half = n * 0.5;
    volatile long local = n;
    r.yield();
    const long below = n > 0 ? deep(n - 1) : 0;
    r.yield();
    return below + local + static_cast<long>(half * 2);
  };
  std::array<long, 8> sums{};
  std::vector<stack*> all;
  for (auto& sum : sums) all.push_back(&r.spawn([&] { sum = deep(20); }));
  for (int round = 0; round < 43; ++round) {
    for (stack* s : all) r.resume(*s);
  }
  for (long sum : sums) CHECK(sum == 420);
  for (stack* s : all) {
    CHECK(r.finished(*s));
    r.end(*s);
  }
}

TEST_CASE("a looping body serves one tenant after the other", "[fiber]") {
  rig r;
  int sum = 0;
  stack& s = r.spawn([&] { sum += 1; });
  r.resume(s);
  void* const at_first = s.fib.sp;
  for (int i = 0; i < 1000; ++i) {
    r.again(s, [&] {
      r.yield();
      sum += 1;
    });
    r.resume(s);
    r.resume(s);
  }
  CHECK(sum == 1001);
  CHECK(s.fib.sp == at_first);
  r.end(s);
}

TEST_CASE("prepare begins anew below whatever top it is given", "[fiber]") {
  rig r;
  stack* s = nullptr;
  REQUIRE(r.pool.acquire(0, s) == 0);
  for (std::ptrdiff_t less : {0, 1, 7, 100, 4096}) {
    const void* seen = nullptr;
    s->user = &seen;
    auto* top = static_cast<std::byte*>(s->top()) - less;
    prepare(r.m, s->fib, *s, top, [](machine& m, fiber& self) noexcept {
      alignas(16) volatile char local[16] = {};
      CHECK(reinterpret_cast<std::uintptr_t>(&local) % 16 == 0);
      *static_cast<const void**>(self.home->user) = __builtin_frame_address(0);
      switch_to(m, m.hub);
    });
    switch_to(r.m, s->fib);
    CHECK(seen < top);
    CHECK(static_cast<const std::byte*>(seen) > top - 2048);
  }
  r.pool.release(*s);
}

TEST_CASE("work on top of a suspended fiber leaves it as it was", "[fiber]") {
  rig r;
  struct visit {
    int count = 0;
    const void* at = nullptr;
  } v;
  auto visitor = [](void* arg) {
    auto& seen = *static_cast<visit*>(arg);
    ++seen.count;
    seen.at = __builtin_frame_address(0);
  };
  int local_after = 0;
  stack& s = r.spawn([&] {
    volatile int local = 17;
    r.yield();
    local_after = local;
    r.yield();
    local_after += 1;
  });
  SECTION("not yet born") {
    for (int i = 0; i < 3; ++i) run_on_top(r.m, s.fib, visitor, &v);
    CHECK(v.count == 3);
    CHECK(lies_on(s, v.at));
  }
  SECTION("again and again, without eating up its stack") {
    r.resume(s);
    run_on_top(r.m, s.fib, visitor, &v);
    const void* const first = v.at;
    for (int i = 0; i < 10000; ++i) run_on_top(r.m, s.fib, visitor, &v);
    CHECK(v.count == 10001);
    CHECK(lies_on(s, v.at));
    CHECK(static_cast<const char*>(first) - static_cast<const char*>(v.at) < 512);
  }
  SECTION("from another fiber") {
    r.resume(s);
    stack* prober = nullptr;
    prober = &r.spawn([&] {
      run_on_top(r.m, s.fib, visitor, &v);
      CHECK(r.m.current->home == prober);
    });
    r.resume(*prober);
    CHECK(v.count == 1);
    CHECK(lies_on(s, v.at));
    r.end(*prober);
  }
  CHECK(r.m.current == &r.m.hub);
  while (!r.finished(s)) r.resume(s);
  CHECK(local_after == 18);
  r.end(s);
}

TEST_CASE("exceptions are thrown and caught within a fiber", "[fiber]") {
  rig r;
  std::string caught;
  stack& s = r.spawn([&] {
    std::function<void(int)> deep = [&](int n) {
      if (n == 0) throw std::runtime_error("deep");
      r.yield();
      deep(n - 1);
    };
    try {
      deep(5);
    } catch (const std::exception& e) {
      caught = e.what();
    }
  });
  while (!r.finished(s)) r.resume(s);
  CHECK(caught == "deep");
  r.end(s);
}
