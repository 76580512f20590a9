// Exception state: each fiber has its own stack of caught exceptions and its own count of those in
// flight, whatever the others do. With plain fcontext the first four of these fail.
#include <exception>
#include <stdexcept>
#include <string>

#include "context/rig.hpp"
#include "support/catch.hpp"

using namespace structio::ctx;

namespace {

std::string rethrown_now() {
  try {
    throw;
  } catch (const std::exception& e) {
    return e.what();
  }
}

/// So that memory nobody wrote to is not zero by luck.
[[gnu::noinline]] void leave_rubbish() {
  volatile unsigned char rubbish[2048];
  for (auto& byte : rubbish) byte = 0xa5;
}

eh_globals fake_globals;
void* fake_getter() {
  return &fake_globals;
}

}  // namespace

TEST_CASE("two fibers suspended in catch each rethrow their own exception", "[exceptions]") {
  rig r;
  std::string of_a, of_b;
  auto work = [&r](const char* text, std::string& out) {
    return [&r, text, &out] {
      try {
        throw std::runtime_error(text);
      } catch (const std::exception&) {
        r.yield();
        out = rethrown_now();
      }
    };
  };
  stack& a = r.spawn(work("from a", of_a));
  stack& b = r.spawn(work("from b", of_b));
  r.resume(a);
  r.resume(b);
  r.resume(a);
  r.resume(b);
  CHECK(of_a == "from a");
  CHECK(of_b == "from b");
  CHECK(r.finished(a));
  CHECK(r.finished(b));
  r.end(a);
  r.end(b);
}

TEST_CASE("a fiber born inside somebody's catch has caught nothing", "[exceptions]") {
  rig r;
  bool empty = false;
  int in_flight = -1;
  stack& child = r.spawn([&] {
    empty = std::current_exception() == nullptr;
    in_flight = std::uncaught_exceptions();
  });
  stack& parent = r.spawn([&] {
    try {
      throw std::runtime_error("the parent's");
    } catch (const std::exception&) {
      switch_to(r.m, child.fib);
      CHECK(rethrown_now() == "the parent's");
    }
  });
  r.resume(parent);  // Ends up in the hub when the child is done.
  CHECK(empty);
  CHECK(in_flight == 0);
  r.resume(parent);
  CHECK(r.finished(parent));
  r.end(child);
  r.end(parent);
}

TEST_CASE("the hub's own exception survives a fiber that throws and catches", "[exceptions]") {
  rig r;
  stack& s = r.spawn([&] {
    try {
      throw std::runtime_error("inner");
    } catch (const std::exception&) {
      r.yield();
    }
  });
  try {
    throw std::runtime_error("outer");
  } catch (const std::exception&) {
    r.resume(s);
    CHECK(rethrown_now() == "outer");
    r.resume(s);
    CHECK(rethrown_now() == "outer");
  }
  CHECK(std::current_exception() == nullptr);
  r.end(s);
}

namespace {

struct on_unwind {
  std::function<void()> act;
  ~on_unwind() { act(); }
};

}  // namespace

TEST_CASE("uncaught_exceptions is right in mid-unwind across a switch", "[exceptions]") {
  rig r;
  int before = -1, after = -1, elsewhere = -1, in_hub = -1;
  stack& unwinding = r.spawn([&] {
    try {
      on_unwind guard{[&] {
        before = std::uncaught_exceptions();
        r.yield();
        after = std::uncaught_exceptions();
      }};
      throw std::runtime_error("unwinding");
    } catch (const std::exception&) {
    }
  });
  stack& other = r.spawn([&] { elsewhere = std::uncaught_exceptions(); });
  r.resume(unwinding);
  in_hub = std::uncaught_exceptions();
  r.resume(other);
  r.resume(unwinding);
  CHECK(before == 1);
  CHECK(in_hub == 0);
  CHECK(elsewhere == 0);
  CHECK(after == 1);
  CHECK(r.finished(unwinding));
  CHECK(std::uncaught_exceptions() == 0);
  r.end(unwinding);
  r.end(other);
}

TEST_CASE("what a destructor calls may throw, catch and switch", "[exceptions]") {
  rig r;
  std::string inner, outer;
  int in_flight = -1, deep = -1, elsewhere = -1;
  stack& s = r.spawn([&] {
    try {
      on_unwind guard{[&] {
        try {
          on_unwind inner_guard{[&] {
            r.yield();
            deep = std::uncaught_exceptions();
          }};
          throw std::runtime_error("inner");
        } catch (const std::exception& e) {
          r.yield();
          in_flight = std::uncaught_exceptions();
          inner = e.what();
        }
      }};
      throw std::runtime_error("outer");
    } catch (const std::exception& e) {
      outer = e.what();
    }
  });
  for (int i = 0; i < 3; ++i) {
    r.resume(s);
    elsewhere = std::uncaught_exceptions();
    CHECK(elsewhere == 0);
    CHECK(std::current_exception() == nullptr);
  }
  CHECK(deep == 2);
  CHECK(in_flight == 1);
  CHECK(inner == "inner");
  CHECK(outer == "outer");
  r.end(s);
}

TEST_CASE("whichever way a fiber ends, the next tenant begins clean", "[exceptions]") {
  rig r;
  r.m.exceptions.add(fake_getter);
  int something = 0;
  auto expect_clean = [&](stack& s) {
    bool clean = false;
    prepare(r.m, s.fib, s, s.top(), s.fib.body);
    r.again(s, [&] {
      clean = std::current_exception() == nullptr && std::uncaught_exceptions() == 0 &&
              fake_globals.caught == nullptr && fake_globals.uncaught == 0;
    });
    r.resume(s);
    CHECK(clean);
    CHECK(std::current_exception() == nullptr);
    CHECK(fake_globals.caught == nullptr);
    r.end(s);
  };
  SECTION("by returning") {
    stack& s = r.spawn([] {});
    r.resume(s);
    expect_clean(s);
  }
  SECTION("by an exception that its root caught") {
    stack& s = r.spawn([] {
      try {
        throw std::runtime_error("end");
      } catch (const std::exception&) {
      }
    });
    r.resume(s);
    expect_clean(s);
  }
  SECTION("abandoned with something caught and something in flight") {
    stack& s = r.spawn([&] {
      fake_globals = {&something, 2};
      r.yield();
      FAIL("nobody resumes this");
    });
    r.resume(s);
    CHECK(fake_globals.caught == nullptr);
    CHECK(fake_globals.uncaught == 0);
    expect_clean(s);
  }
  SECTION("never begun") {
    stack& s = r.spawn([] { FAIL("replaced before it ran"); });
    expect_clean(s);
  }
}

TEST_CASE("every registered runtime has its own slot", "[exceptions]") {
  fake_globals = {};
  rig r;
  CHECK(r.m.exceptions.count == 1);
  CHECK(r.m.exceptions.add(fake_getter));
  CHECK(r.m.exceptions.count == 2);
  CHECK(r.m.exceptions.add(fake_getter));
  CHECK(r.m.exceptions.count == 2);
  int mark_a = 0, mark_b = 0;
  auto work = [&](int& mark, unsigned in_flight) {
    return [&r, &mark, in_flight] {
      CHECK(fake_globals.caught == nullptr);
      fake_globals = {&mark, in_flight};
      r.yield();
      CHECK(fake_globals.caught == &mark);
      CHECK(fake_globals.uncaught == in_flight);
      fake_globals = {};
    };
  };
  stack& a = r.spawn(work(mark_a, 1));
  stack& b = r.spawn(work(mark_b, 2));
  for (int round = 0; round < 2; ++round) {
    r.resume(a);
    r.resume(b);
    CHECK(fake_globals.caught == nullptr);
    CHECK(fake_globals.uncaught == 0);
  }
  CHECK(r.finished(a));
  CHECK(r.finished(b));
  r.end(a);
  r.end(b);
}

TEST_CASE("a runtime registered while a fiber is away had nothing in it then", "[exceptions]") {
  fake_globals = {};
  int mark = 0;
  rig r;
  stack& s = r.spawn([&] {
    leave_rubbish();
    r.yield();
    CHECK(fake_globals.caught == nullptr);
    CHECK(fake_globals.uncaught == 0);
  });
  r.resume(s);
  r.m.exceptions.add(fake_getter);
  fake_globals.caught = &mark;
  r.resume(s);
  CHECK(r.finished(s));
  CHECK(fake_globals.caught == &mark);
  fake_globals = {};
  r.end(s);
}

TEST_CASE("the table of slots has an end, and a program in C has none", "[exceptions]") {
  static eh_globals many[exception_slots::max + 1];
  exception_slots slots;
  CHECK(slots.add(nullptr));
  CHECK(slots.count == 0);
  CHECK(slots.add([]() -> void* { return &many[0]; }));
  CHECK(slots.add([]() -> void* { return &many[1]; }));
  CHECK(slots.add([]() -> void* { return &many[2]; }));
  CHECK(slots.add([]() -> void* { return &many[3]; }));
  CHECK_FALSE(slots.add([]() -> void* { return &many[4]; }));
  CHECK(slots.count == exception_slots::max);
}

TEST_CASE("switching works with no exception state at all", "[exceptions]") {
  machine m;
  m.open();
  stack_pool pool({});
  stack* s = nullptr;
  REQUIRE(pool.acquire(0, s) == 0);
  prepare(m, s->fib, *s, s->top(), [](machine& mm, fiber& self) noexcept {
    for (int n = 1;; ++n) {
      *static_cast<int*>(self.home->user) = n;
      switch_to(mm, mm.hub);
    }
  });
  int seen = 0;
  s->user = &seen;
  switch_to(m, s->fib);
  CHECK(seen == 1);
  switch_to(m, s->fib);
  CHECK(seen == 2);
  pool.release(*s);
  m.close();
}
