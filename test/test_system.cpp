// System tasks: they belong to the run, outlive the main task by their own cleaning up, and take
// the run down with them when they fail.
#include <string>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

// The options of a run whose failure is kept.
class kept_failure {
 public:
  kept_failure() {
    options = run_options();
    options.failure = &why.raw;
  }
  owned_failure why;
  structio_run_options options;
};

int system_sleeper(void* arg) {
  const int status = structio_sleep_forever();
  *static_cast<int*>(arg) = cancel_source();
  return status;
}

// The failure beneath a run's STRUCTIO_EINTERNAL: the group of the system tasks' failures.
structio_failure* cause_of(const owned_failure& why) {
  return structio_failure_member(why.raw, 0);
}

}  // namespace

TEST_CASE("a system task lives outside of its starter's nursery and scopes", "[SYS-01]") {
  int ended = 0;
  structio_task_id id = 0;
  auto body = [&] {
    structio_scope s;
    const int status = scope_block(s, [&] {
      return nursery_block([&](structio_nursery& n) {
        auto system = [&] {
          id = structio_task_current();
          CHECK(structio_checkpoint() == 0);
          return system_sleeper(&ended);
        };
        REQUIRE(start_system(system) == 0);
        settle();
        CHECK(structio_debug_parent_nursery(id) == nullptr);
        structio_scope_cancel(structio_nursery_scope(&n), nullptr);
        structio_scope_cancel(&s, nullptr);
        shielded([] { return structio_checkpoint(); });
        CHECK(ended == 0);
        return 0;
      });
    });
    settle();
    CHECK(structio_task_name(id) != nullptr);
    CHECK(ended == 0);
    return status;
  };
  CHECK(run(body) == 0);
  CHECK(ended == STRUCTIO_SOURCE_SHUTDOWN);
}

TEST_CASE("a system task that fails cancels main and is the run's failure", "[SYS-02]") {
  kept_failure kept;
  int seen = 0;
  auto failing = [] { return fail(-77, "lost its mind"); };
  auto body = [&] {
    REQUIRE(start_system(failing, "guard") == 0);
    const int status = structio_sleep_forever();
    seen = cancel_source();
    return status;
  };
  CHECK(run(body, kept.options) == STRUCTIO_EINTERNAL);
  CHECK(seen == STRUCTIO_SOURCE_SHUTDOWN);
  CHECK(kept.why.kind() == STRUCTIO_FAILURE_STATUS);
  CHECK(kept.why.count() == 1);
  structio_failure* cause = cause_of(kept.why);
  CHECK(structio_failure_code(cause) == STRUCTIO_EGROUP);
  REQUIRE(structio_failure_count(cause) == 1);
  structio_failure* leaf = structio_failure_member(cause, 0);
  CHECK(structio_failure_code(leaf) == -77);
  CHECK(structio_failure_message(leaf) == std::string("lost its mind"));
  CHECK(structio_failure_task_name(leaf) == std::string("guard"));
}

TEST_CASE("what main makes of it does not count any more", "[SYS-02]") {
  for (const int answer : {0, 5, -5}) {
    kept_failure kept;
    auto failing = [] { return -77; };
    auto body = [&] {
      start_system(failing);
      structio_sleep_forever();
      return answer;
    };
    CHECK(run(body, kept.options) == STRUCTIO_EINTERNAL);
  }
}

TEST_CASE("a system task's own nursery fails as a group within the group", "[SYS-03]") {
  kept_failure kept;
  auto key = [] { return -71; };
  auto value = [] { return -72; };
  auto system = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    spawn(n, "key", key);
    spawn(n, "value", value);
    return structio_nursery_close(&n, 0, nullptr);
  };
  auto body = [&] {
    start_system(system);
    return structio_sleep_forever();
  };
  CHECK(run(body, kept.options) == STRUCTIO_EINTERNAL);
  structio_failure* group = structio_failure_member(cause_of(kept.why), 0);
  CHECK(structio_failure_count(cause_of(kept.why)) == 1);
  CHECK(structio_failure_code(group) == STRUCTIO_EGROUP);
  CHECK(structio_failure_count(group) == 2);
  const int first = structio_failure_code(structio_failure_member(group, 0));
  const int second = structio_failure_code(structio_failure_member(group, 1));
  CHECK(((first == -71 && second == -72) || (first == -72 && second == -71)));
}

TEST_CASE("cancelled members are no part of the cause", "[SYS-04]") {
  kept_failure kept;
  auto stubborn = [] {
    structio_sleep_forever();
    return -73;
  };
  auto obedient = [] { return structio_sleep_forever(); };
  auto system = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    spawn(n, "stubborn", stubborn);
    spawn(n, "obedient", obedient);
    return structio_nursery_close(&n, 0, nullptr);
  };
  auto body = [&] {
    start_system(system);
    settle();
    return 0;
  };
  CHECK(run(body, kept.options) == STRUCTIO_EINTERNAL);
  CHECK_THAT(kept.why.tree(), !ContainsSubstring("cancelled due"));
  structio_failure* group = structio_failure_member(cause_of(kept.why), 0);
  CHECK(structio_failure_count(group) == 1);
  CHECK(structio_failure_code(structio_failure_member(group, 0)) == -73);
}

TEST_CASE("an interrupt's code from a system task is a crash like any other", "[SYS-05]") {
  kept_failure kept;
  auto system = [] { return int{STRUCTIO_EINTERRUPTED}; };
  auto body = [&] {
    start_system(system);
    return structio_sleep_forever();
  };
  CHECK(run(body, kept.options) == STRUCTIO_EINTERNAL);
  CHECK(structio_failure_code(structio_failure_member(cause_of(kept.why), 0)) ==
        STRUCTIO_EINTERRUPTED);
}

TEST_CASE("a system task sees the locals that the run began with", "[SYS-06]") {
  static const char key = 0;
  int before = 1;
  int within = 2;
  void* seen = nullptr;
  void* missing = &before;
  REQUIRE(structio_local_set(&key, &before, nullptr, nullptr) == 0);
  static const char other = 0;
  auto system = [&] {
    structio_local_get(&key, &seen);
    if (structio_local_get(&other, &missing) == STRUCTIO_EABSENT) missing = nullptr;
    return 0;
  };
  auto body = [&] {
    REQUIRE(structio_local_set(&key, &within, nullptr, nullptr) == 0);
    REQUIRE(structio_local_set(&other, &within, nullptr, nullptr) == 0);
    start_system(system);
    settle();
    return 0;
  };
  CHECK(run(body) == 0);
  CHECK(seen == &before);
  CHECK(missing == nullptr);
}

TEST_CASE("when main returns, system tasks are cancelled silently", "[SYS-07]") {
  int sources[3] = {};
  auto body = [&] {
    for (int& source : sources) {
      structio_start_system_task(nullptr, system_sleeper, &source);
    }
    settle();
    return 17;
  };
  CHECK(run(body) == 17);
  for (const int source : sources) CHECK(source == STRUCTIO_SOURCE_SHUTDOWN);
}

TEST_CASE("a system task may clean up behind a shield; the run waits for that", "[SYS-07]") {
  virtual_clock clock(0);
  bool cleaned = false;
  auto system = [&] {
    const int status = structio_sleep_forever();
    shielded([] { return structio_sleep(STRUCTIO_SECONDS(3)); });
    cleaned = structio_now() == STRUCTIO_SECONDS(3);
    return status;
  };
  auto body = [&] {
    start_system(system);
    settle();
    return -5;
  };
  CHECK(run(body, clock.options()) == -5);
  CHECK(cleaned);
}

TEST_CASE("a task that begins after main has ended is cancelled at its first wait", "[SYS-07]") {
  int source = 0;
  auto body = [&] { return structio_start_system_task(nullptr, system_sleeper, &source); };
  CHECK(run(body) == 0);
  CHECK(source == STRUCTIO_SOURCE_SHUTDOWN);
}

TEST_CASE("no system task is started once the run is ending", "[SYS-08]") {
  int refused = 0;
  std::string text;
  auto late = [] { return 0; };
  auto system = [&] {
    const int status = structio_sleep_forever();
    refused = start_system(late);
    text = message();
    return status;
  };
  auto body = [&] {
    start_system(system);
    settle();
    return 0;
  };
  CHECK(run(body) == 0);
  CHECK(refused == STRUCTIO_ECLOSED);
  CHECK_THAT(text, ContainsSubstring("ended"));
}

TEST_CASE("several crashes are told together", "[SYS-02]") {
  kept_failure kept;
  constexpr int many = 9;
  auto crash = [] {
    structio_checkpoint();
    return -80;
  };
  auto body = [&] {
    for (int i = 0; i < many; ++i) start_system(crash);
    return structio_sleep_forever();
  };
  CHECK(run(body, kept.options) == STRUCTIO_EINTERNAL);
  CHECK(structio_failure_count(cause_of(kept.why)) == many);
}
