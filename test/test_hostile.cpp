// Programs that ignore what they are told: they swallow cancellation for ever, look into locals
// while these are being dropped, nest groups deeper than a stack, wait again whatever happens. The
// run goes on, or ends with a code; nothing crashes and nobody else starves.
#include "support/c_blocks.hpp"
#include "support/catch.hpp"
#include "support/leaks.hpp"

namespace {

constexpr int key_of_one = 0;
constexpr int key_of_two = 0;

void look_at_locals(void* counter) {
  ++*static_cast<int*>(counter);
  void* value = nullptr;
  structio_local_get(&key_of_one, &value);
  structio_local_get(&key_of_two, &value);
}

void set_another_local(void* counter) {
  ++*static_cast<int*>(counter);
  structio_local_set(&key_of_two, counter, look_at_locals, nullptr);
}

}  // namespace

TEST_CASE("a task that swallows cancellation for ever does not keep the others out", "[FIB-09]") {
  c_tasks::virtual_clock clock(0);
  structio_run_options options = clock.options();
  options.budget = 32;
  bool other_ran = false;
  int turns = 0;
  auto other = [&] {
    other_ran = true;
    return 0;
  };
  auto stubborn = [&] {
    structio_scope scope;
    structio_scope_init(&scope, nullptr);
    structio_scope_enter(&scope);
    structio_scope_cancel(&scope, nullptr);
    while (!other_ran && turns < 1'000'000) {
      ++turns;
      structio_sleep(1);
    }
    return structio_scope_leave(&scope, 0, nullptr);
  };
  auto program = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    c_tasks::spawn(n, "stubborn", stubborn);
    c_tasks::spawn(n, "other", other);
    return structio_nursery_close(&n, 0, nullptr);
  };
  CHECK(c_tasks::run(program, options) == 0);
  CHECK(other_ran);
  CHECK(turns <= 32);
}

TEST_CASE("the drop of a local may look at locals and set others", "[LOCAL-07]") {
  int drops = 0;
  SECTION("of a task") {
    auto program = [&] {
      structio_local_set(&key_of_two, &drops, look_at_locals, nullptr);
      return structio_local_set(&key_of_one, &drops, look_at_locals, nullptr);
    };
    CHECK(c_tasks::run(program) == 0);
    CHECK(drops == 2);
  }
  SECTION("of a task, setting one more") {
    auto program = [&] {
      return structio_local_set(&key_of_one, &drops, set_another_local, nullptr);
    };
    CHECK(c_tasks::run(program) == 0);
    CHECK(drops == 2);
  }
  SECTION("of a run") {
    auto program = [&] {
      structio_run_local_set(&key_of_two, &drops, look_at_locals, nullptr);
      return structio_run_local_set(&key_of_one, &drops, look_at_locals, nullptr);
    };
    CHECK(c_tasks::run(program) == 0);
    CHECK(drops == 2);
  }
}

TEST_CASE("the drop of a local opens nothing and does not wait", "[LOCAL-07]") {
  struct opener {
    structio_nursery nursery;
    int opened = 0;
    int slept = 0;
  } value;
  const auto open = [](void* arg) {
    auto& v = *static_cast<opener*>(arg);
    v.opened = structio_nursery_open(&v.nursery);
    v.slept = structio_sleep(0);
  };
  auto program = [&] { return structio_local_set(&key_of_one, &value, open, nullptr); };
  CHECK(c_tasks::run(program) == 0);
  CHECK(value.opened == STRUCTIO_ENOTASK);
  CHECK(value.slept == STRUCTIO_ENOTASK);
}

TEST_CASE("the drop of a local may free the token that is being reset", "[LOCAL-03]") {
  struct token_and_drops {
    structio_local_token token;
    int drops = 0;
  } shared;
  const auto drop = [](void* arg) {
    auto& s = *static_cast<token_and_drops*>(arg);
    ++s.drops;
    structio_local_reset(&key_of_one, &s.token);
    structio_local_token_free(&s.token);
  };
  auto program = [&] {
    structio_local_set(&key_of_one, &shared, drop, nullptr);
    structio_local_set(&key_of_one, &shared, drop, &shared.token);
    CHECK(structio_local_reset(&key_of_one, &shared.token) == 0);
    CHECK(shared.drops == 1);
    return 0;
  };
  CHECK(c_tasks::run(program) == 0);
  CHECK(shared.drops == 2);
}

TEST_CASE("a token that is not used gives back what it remembers", "[LOCAL-03]") {
  int drops = 0;
  auto program = [&] {
    structio_local_token token;
    structio_local_set(&key_of_one, &drops, look_at_locals, nullptr);
    structio_local_set(&key_of_one, &drops, look_at_locals, &token);
    return structio_local_token_free(&token);
  };
  CHECK(c_tasks::run(program) == 0);
  CHECK(drops == 2);
}

TEST_CASE("a group deeper than any stack can be split, described and freed", "[CANCEL-28]") {
  auto program = [] {
    structio_failure* f = nullptr;
    structio_failure_new_status(STRUCTIO_EBUSY, "deep down", &f);
    for (int depth = 0; depth < 20'000; ++depth) {
      structio_failure* member = f;
      if (const int code = structio_failure_new_group(&member, 1, &f)) return code;
    }
    char text[256];
    CHECK(structio_failure_describe(f, text, sizeof text) > 0);
    structio_failure* matched = nullptr;
    structio_failure* rest = nullptr;
    const auto any = [](const structio_failure*, void*) { return 1; };
    const int code = structio_failure_split(f, any, nullptr, &matched, &rest);
    CHECK(rest == nullptr);
    CHECK(structio_failure_count(matched) == 1);
    structio_failure_free(matched);
    return code;
  };
  CHECK(c_tasks::run(program) == 0);
}

TEST_CASE("a task that waits again whatever it is told does not keep a dead run", "[FIB-05]") {
  auto stuck = []() -> int {
    structio_scope shielded;
    structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
    options.shield = 1;
    structio_scope_init(&shielded, &options);
    structio_scope_enter(&shielded);
    for (;;) structio_sleep_forever();
  };
  auto program = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    c_tasks::spawn(n, "stuck", stuck);
    return structio_nursery_close(&n, 0, nullptr);
  };
  const support::leaks_expected stacks_that_nobody_can_unwind;
  CHECK(c_tasks::run(program) == STRUCTIO_EDEADLOCK);
  CHECK(c_tasks::run(program) == STRUCTIO_EDEADLOCK);  // and the thread can run again
}

TEST_CASE("an interrupt is not lost with an abandoned nursery", "[KI-03]") {
  auto sleeper = [] { return structio_sleep_forever(); };
  auto program = [&] {
    structio_scope outer;
    structio_scope_init(&outer, nullptr);
    structio_scope_enter(&outer);
    structio_nursery n;
    structio_nursery_open(&n);
    c_tasks::spawn(n, "sleeper", sleeper);
    structio_inject_interrupt();
    CHECK(structio_scope_leave(&outer, 0, nullptr) == STRUCTIO_EMISUSE);
    return structio_checkpoint();
  };
  CHECK(c_tasks::run(program) == STRUCTIO_EINTERRUPTED);
}

TEST_CASE("a nursery that was written over is refused, and nothing is lost", "[NUR-23]") {
  auto nothing = [] { return 0; };
  auto program = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    c_tasks::spawn(n, "child", nothing);
    const structio_nursery kept = n;
    n = structio_nursery{};
    CHECK(structio_nursery_close(&n, 0, nullptr) == STRUCTIO_EINVALID);
    n = kept;
    return structio_nursery_close(&n, 0, nullptr);
  };
  CHECK(c_tasks::run(program) == 0);
}

TEST_CASE("a cushion is counted from when everybody began to wait", "[TST-03]") {
  auto nothing = [] { return structio_checkpoint(); };
  auto program = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    for (int i = 0; i < 2'000; ++i) c_tasks::spawn(n, "short", nothing);
    structio_nursery_close(&n, 0, nullptr);
    // The pool of stacks now shrinks step by step, and the loop wakes up for each.
    const int64_t cushion = STRUCTIO_MILLISECONDS(200);
    for (int i = 0; i < 2; ++i) {
      const int64_t before = structio_now();
      if (const int code = structio_wait_all_tasks_blocked(cushion)) return code;
      const int64_t waited = structio_now() - before;
      CHECK(waited >= cushion);
      CHECK(waited < 10 * cushion);
    }
    return 0;
  };
  CHECK(c_tasks::run(program) == 0);
}

TEST_CASE("a local that is set again and again keeps only its last value", "[LOCAL-07]") {
  int drops = 0;
  const auto drop = [](void* counter) { ++*static_cast<int*>(counter); };
  auto nothing = [] { return 0; };
  auto program = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    structio_local_set(&key_of_two, &drops, nullptr, nullptr);
    for (int i = 0; i < 100; ++i) {
      structio_local_set(&key_of_one, &drops, drop, nullptr);
      structio_local_set(&key_of_two, &drops, nullptr, nullptr);
      c_tasks::spawn(n, "child", nothing);
      structio_wait_all_tasks_blocked(0);  // the child has ended, and holds nothing any more
    }
    CHECK(drops == 99);
    return structio_nursery_close(&n, 0, nullptr);
  };
  CHECK(c_tasks::run(program) == 0);
  CHECK(drops == 100);
}
