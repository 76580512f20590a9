// Services, which end with what they serve; and handles of tasks: joined by several, cancelled
// alone, outliving tasks, nurseries and runs.
#include <string>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

int sleeper(void*) {
  return structio_sleep_forever();
}

// A service that notes when and why it was told to end.
struct service {
  int64_t ended = -1;
  int source = 0;
  std::string reason;
  int operator()() {
    const int status = structio_sleep_forever();
    ended = structio_now();
    source = cancel_source(&reason);
    return status;
  }
};

struct napper {
  int64_t length;
  int operator()() const { return structio_sleep(length); }
};

constexpr int64_t second = STRUCTIO_SECONDS(1);

}  // namespace

TEST_CASE("a service ends when the body and every ordinary child have", "[NUR]") {
  virtual_clock clock(0);
  service s;
  napper nap{3 * second};
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      REQUIRE(start_service(n, s) == 0);
      spawn(n, "napper", nap);
      return structio_sleep(second);
    });
  };
  CHECK(run(body, clock.options()) == 0);
  CHECK(s.ended == 3 * second);
  CHECK(s.source == STRUCTIO_SOURCE_SHUTDOWN);
  CHECK_THAT(s.reason, ContainsSubstring("ended"));
}

TEST_CASE("services alone do not keep a nursery open", "[NUR]") {
  service s[3];
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      for (service& one : s) REQUIRE(start_service(n, one) == 0);
      return 0;
    });
  };
  CHECK(run(body) == 0);
  for (const service& one : s) CHECK(one.source == STRUCTIO_SOURCE_SHUTDOWN);
}

TEST_CASE("a pending start keeps the services going", "[NUR][START-14]") {
  virtual_clock clock(0);
  service s;
  structio_nursery target;
  auto starting = [&] {
    structio_sleep(2 * second);
    structio_started(nullptr);
    return structio_sleep(second);
  };
  auto starter = [&] {
    return structio_nursery_start(&target, nullptr, call<decltype(starting)>, &starting, nullptr);
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      REQUIRE(structio_nursery_open(&target) == 0);
      start_service(target, s);
      spawn(n, "starter", starter);
      structio_sleep(second);
      return structio_nursery_close(&target, 0, nullptr);
    });
  };
  CHECK(run(body, clock.options()) == 0);
  CHECK(s.ended == 3 * second);
}

TEST_CASE("what a service starts while it ends is awaited, and served to its end", "[NUR]") {
  virtual_clock clock(0);
  service late;
  napper nap{second};
  bool slept = false;
  auto main = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    auto first = [&] {
      const int status = structio_sleep_forever();
      CHECK(spawn(n, "nap", nap) == 0);
      CHECK(start_service(n, late) == 0);
      shielded([] { return structio_sleep(second / 2); });
      slept = true;
      return status;
    };
    start_service(n, first);
    settle();
    const int status = structio_nursery_close(&n, 0, nullptr);
    CHECK(structio_now() == second);
    return status;
  };
  CHECK(run(main, clock.options()) == 0);
  CHECK(slept);
  CHECK(late.ended == second);
}

TEST_CASE("a service that fails fails the nursery; one that ends by itself does not", "[NUR-02]") {
  auto failing = [] { return fail(-70, "service"); };
  auto brief = [] { return structio_checkpoint(); };
  auto body = [&] {
    owned_failure why;
    int seen = 0;
    const int status = nursery_block(
        [&](structio_nursery& n) {
          start_service(n, brief);
          structio_checkpoint();
          structio_checkpoint();
          CHECK(structio_checkpoint() == 0);
          start_service(n, failing);
          return seen = structio_sleep_forever();
        },
        &why);
    CHECK(seen == STRUCTIO_ECANCELLED);
    CHECK(status == STRUCTIO_EGROUP);
    CHECK(why.count() == 1);
    CHECK(why.member(0) == -70);
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("several tasks join one, and again, and get the same", "[NUR-02]") {
  int got[4] = {};
  auto work = [] {
    structio_checkpoint();
    return 42;
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      structio_task* task = nullptr;
      REQUIRE(start_task(n, work, &task) == 0);
      CHECK(structio_task_done(task) == 0);
      struct joiner {
        structio_task* task;
        int* got;
        int operator()() const {
          *got = structio_task_join(task, nullptr);
          return 0;
        }
      };
      joiner joiners[3] = {{task, &got[0]}, {task, &got[1]}, {task, &got[2]}};
      nursery_block([&](structio_nursery& inner) {
        for (joiner& j : joiners) spawn(inner, "joiner", j);
        return 0;
      });
      owned_failure none;
      got[3] = structio_task_join(task, &none.raw);
      CHECK(none.raw == nullptr);
      CHECK(structio_task_done(task) == 1);
      return structio_task_free(task);
    });
  };
  CHECK(run(body) == 0);
  for (const int one : got) CHECK(one == 42);
}

TEST_CASE("a failure is the nursery's and every joiner's, and the same", "[NUR-02]") {
  auto failing = [] { return fail(-70, "shared"); };
  auto body = [&] {
    owned_failure of_handle;
    owned_failure again;
    owned_failure why;
    structio_task* task = nullptr;
    const int status = nursery_block(
        [&](structio_nursery& n) {
          REQUIRE(start_task(n, failing, &task) == 0);
          // The body is cancelled by the failure, and may look at it behind a shield.
          shielded([&] {
            CHECK(structio_task_join(task, &of_handle.raw) == -70);
            return 0;
          });
          return structio_failure_raise(structio_failure_retain(of_handle.raw));
        },
        &why);
    CHECK(status == STRUCTIO_EGROUP);
    CHECK(why.count() == 1);  // passed on by the body, it is still one failure
    CHECK(structio_failure_member(why.raw, 0) == of_handle.raw);
    CHECK(structio_task_join(task, &again.raw) == -70);
    CHECK(again.raw == of_handle.raw);
    return structio_task_free(task);
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a handle cancels that task and no other", "[CANCEL-12]") {
  service other;
  std::string reason;
  std::string by;
  auto work = [&] {
    const int status = structio_sleep_forever();
    CHECK(cancel_source(&reason, &by) == STRUCTIO_SOURCE_EXPLICIT);
    return status;
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      structio_task* task = nullptr;
      owned_failure why;
      start_service(n, other);
      REQUIRE(start_task(n, work, &task) == 0);
      settle();
      CHECK(structio_task_cancel(task, "not needed") == 0);
      CHECK(structio_task_cancel(task, "twice") == 0);
      CHECK(structio_task_join(task, &why.raw) == STRUCTIO_ECANCELLED);
      CHECK(why.kind() == STRUCTIO_FAILURE_CANCELLED);
      CHECK(structio_failure_cancel_source(why.raw, nullptr, nullptr) == STRUCTIO_SOURCE_EXPLICIT);
      CHECK(structio_checkpoint() == 0);
      CHECK(other.ended == -1);
      CHECK(structio_task_cancel(task, "late") == 0);
      return structio_task_free(task);
    });
  };
  CHECK(run(body) == 0);
  CHECK(reason == "not needed");
  CHECK(by == "main");
}

TEST_CASE("a task that is cancelled before it began runs until it blocks", "[NUR-11]") {
  bool began = false;
  auto work = [&] {
    began = true;
    return structio_checkpoint();
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      structio_task* task = nullptr;
      REQUIRE(start_task(n, work, &task) == 0);
      structio_task_cancel(task, nullptr);
      CHECK(structio_task_join(task, nullptr) == STRUCTIO_ECANCELLED);
      return structio_task_free(task);
    });
  };
  CHECK(run(body) == 0);
  CHECK(began);
}

TEST_CASE("who joins may be cancelled, which is not the task's", "[CANCEL-12]") {
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      structio_task* task = nullptr;
      structio_nursery_start_task(&n, nullptr, sleeper, nullptr, &task);
      structio_scope s;
      int joined = 0;
      owned_failure why;
      scope_block(s, [&] {
        structio_scope_cancel(&s, nullptr);
        return joined = structio_task_join(task, &why.raw);
      });
      CHECK(joined == STRUCTIO_ECANCELLED);
      CHECK(why.raw == nullptr);
      CHECK(structio_task_done(task) == 0);
      structio_task_cancel(task, nullptr);
      return structio_task_free(task);
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a handle may be freed while somebody joins by it", "[FIB-11]") {
  structio_task* task = nullptr;
  int joined = 1;
  auto work = [] { return structio_sleep(second); };
  auto joiner = [&] { return joined = structio_task_join(task, nullptr); };
  virtual_clock clock(0);
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      REQUIRE(start_task(n, work, &task) == 0);
      spawn(n, "joiner", joiner);
      for (int i = 0; i < 2; ++i) structio_checkpoint();  // whatever the order, it has run then
      CHECK(structio_task_free(task) == 0);
      CHECK(structio_task_join(task, nullptr) == STRUCTIO_ESTALE);
      return 0;
    });
  };
  CHECK(run(body, clock.options()) == 0);
  CHECK(joined == 0);
}

TEST_CASE("nobody joins himself, and two do not join each other for ever", "[NUR-02]") {
  structio_task* task[2] = {};
  int self = 0;
  auto own = [&] {
    self = structio_task_join(task[0], nullptr);
    CHECK(says({"cannot join itself"}));
    return 0;
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) { return start_task(n, own, &task[0]); });
  };
  CHECK(run(body) == 0);
  CHECK(self == STRUCTIO_EMISUSE);
  structio_task_free(task[0]);
  auto first = [&] { return structio_task_join(task[1], nullptr); };
  auto second_task = [&] { return structio_task_join(task[0], nullptr); };
  auto each_other = [&] {
    return nursery_block([&](structio_nursery& n) {
      start_task(n, first, &task[0]);
      return start_task(n, second_task, &task[1]);
    });
  };
  CHECK(run(each_other) == STRUCTIO_EDEADLOCK);
  CHECK(says({"waits for join"}));
  for (structio_task* t : task) CHECK(structio_task_free(t) == 0);
}

TEST_CASE("a handle outlives task, nursery and run", "[FIB-11]") {
  structio_task* task = nullptr;
  auto failing = [] { return fail(-70, "long ago"); };
  auto body = [&] {
    nursery_block([&](structio_nursery& n) { return start_task(n, failing, &task); });
    return 0;
  };
  CHECK(run(body) == 0);
  structio_task_id id = 0;
  CHECK(structio_task_done(task) == 1);
  CHECK(structio_task_get_id(task, &id) == 0);
  CHECK(id != 0);
  CHECK(structio_task_join(task, nullptr) == STRUCTIO_ENOTASK);
  CHECK(structio_task_cancel(task, nullptr) == STRUCTIO_ENOTASK);
  auto later = [&] {
    owned_failure why;
    CHECK(structio_task_join(task, &why.raw) == -70);
    CHECK(why.text() == "long ago");
    CHECK(structio_task_name(id) == nullptr);
    return structio_task_cancel(task, nullptr);
  };
  CHECK(run(later) == 0);
  CHECK(structio_task_free(task) == 0);
  CHECK(structio_task_free(task) == STRUCTIO_ESTALE);
}
