// structio_get_statistics: numbers that a program can rely on, and their changes.
#include "support/c_tasks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

structio_statistics statistics() {
  structio_statistics s{};
  s.struct_size = sizeof s;
  CHECK(structio_get_statistics(&s) == 0);
  return s;
}

int nothing(void*) {
  return 0;
}

}  // namespace

TEST_CASE("statistics follow tasks, posts and cancellation at once [RUN-11]") {
  auto sleeper = [] { return structio_sleep_forever(); };
  auto body = [&] {
    const structio_statistics idle = statistics();
    CHECK(idle.tasks_living == 1);
    CHECK(idle.tasks_runnable == 0);
    CHECK(idle.tasks_spawned == 1);
    CHECK(idle.posted == 0);
    CHECK(idle.stacks_in_use == 1);
    CHECK(idle.stack_bytes_mapped > 0);
    CHECK(idle.stacks_unguarded == 0);

    structio_nursery n;
    structio_nursery_open(&n);
    spawn(n, "sleeper", sleeper);
    CHECK(statistics().tasks_runnable == 1);
    CHECK(structio_wait_all_tasks_blocked(0) == 0);
    structio_statistics now = statistics();
    CHECK(now.tasks_living == idle.tasks_living + 1);
    CHECK(now.tasks_spawned == idle.tasks_spawned + 1);
    CHECK(now.tasks_runnable == 0);
    CHECK(now.stacks_in_use == 2);
    CHECK(now.switches > idle.switches);
    CHECK(now.polls > idle.polls);

    structio_portal* portal = nullptr;
    CHECK(structio_portal_new(&portal) == 0);
    CHECK(structio_portal_post(portal, nothing, nullptr) == 0);
    CHECK(structio_portal_post(portal, nothing, nullptr) == 0);
    CHECK(statistics().posted == 2);
    structio_portal_free(portal);

    structio_scope_cancel(structio_nursery_scope(&n), nullptr);
    CHECK(statistics().tasks_runnable == 1);
    CHECK(structio_nursery_close(&n, 0, nullptr) == 0);
    CHECK(structio_wait_all_tasks_blocked(0) == 0);
    now = statistics();
    CHECK(now.tasks_living == 1);
    CHECK(now.posted == 0);
    CHECK(now.stacks_in_use == 1);
    CHECK(now.stacks_warm >= 1);
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("statistics tell the nearest deadline [RUN-12]") {
  virtual_clock clock;
  auto body = [&] {
    CHECK(statistics().to_next_deadline == STRUCTIO_FOREVER);
    structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
    options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
    options.deadline = STRUCTIO_SECONDS(5);
    structio_scope scope;
    CHECK(structio_scope_init(&scope, &options) == 0);
    CHECK(structio_scope_enter(&scope) == 0);
    CHECK(statistics().to_next_deadline == STRUCTIO_SECONDS(5));
    CHECK(clock.jump(STRUCTIO_SECONDS(7)) == 0);
    CHECK(statistics().to_next_deadline == -STRUCTIO_SECONDS(2));
    CHECK(structio_scope_leave(&scope, 0, nullptr) == 0);
    CHECK(statistics().to_next_deadline == STRUCTIO_FOREVER);
    return 0;
  };
  CHECK(run(body, clock.options()) == 0);
}

TEST_CASE("statistics fill what an older header knows and nothing else") {
  auto body = [] {
    structio_statistics s{};
    s.struct_size = offsetof(structio_statistics, tasks_spawned);
    s.tasks_spawned = 4711;
    CHECK(structio_get_statistics(&s) == 0);
    CHECK(s.struct_size == offsetof(structio_statistics, tasks_spawned));
    CHECK(s.tasks_living == 1);
    CHECK(s.tasks_spawned == 4711);
    s.struct_size = 0;
    CHECK(structio_get_statistics(&s) == STRUCTIO_EINVALID);
    CHECK(structio_get_statistics(nullptr) == STRUCTIO_EINVALID);
    return 0;
  };
  CHECK(run(body) == 0);
  structio_statistics s{};
  s.struct_size = sizeof s;
  CHECK(structio_get_statistics(&s) == STRUCTIO_ENOTASK);
}
