// Bad input at the functions of structio_run.h and structio_failure.h: a code and a message each,
// and nothing changed.
#include <climits>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/refusals.hpp"

using namespace c_tasks;

namespace {

int nothing(void*) {
  return 0;
}

void* no_globals() {
  static char storage[16];
  return storage;
}

// Calls that need a task, each right but for the place.
std::vector<guarded_call> calls_of_a_task() {
  static structio_waiter waiter;
  static structio_lot lot;
  static structio_scope scope;
  static structio_failure* failure;
  structio_lot_init(&lot);
  structio_scope_init(&scope, nullptr);
  return {
      {"structio_checkpoint", [] { return structio_checkpoint(); }},
      {"structio_checkpoint_if_cancelled", [] { return structio_checkpoint_if_cancelled(); }},
      {"structio_cancel_shielded_checkpoint", [] { return structio_cancel_shielded_checkpoint(); }},
      {"structio_sleep", [] { return structio_sleep(0); }},
      {"structio_sleep_until", [] { return structio_sleep_until(0); }},
      {"structio_sleep_forever", [] { return structio_sleep_forever(); }},
      {"structio_task_set_name", [] { return structio_task_set_name("x"); }},
      {"structio_task_stack", [] { return structio_task_stack(nullptr, nullptr); }},
      {"structio_add_cxa_get_globals", [] { return structio_add_cxa_get_globals(no_globals); }},
      {"structio_scope_enter", [] { return structio_scope_enter(&scope); }},
      {"structio_scope_leave", [] { return structio_scope_leave(&scope, 0, nullptr); }},
      {"structio_cancel_describe", [] { return structio_cancel_describe(nullptr, 0); }},
      {"structio_stop_requested", [] { return structio_stop_requested(); }},
      {"structio_current_deadline", [] { return structio_current_deadline(); }},
      {"structio_nursery_open",
       [] {
         structio_nursery n;
         return structio_nursery_open(&n);
       }},
      {"structio_started", [] { return structio_started(nullptr); }},
      {"structio_waiter_init", [] { return structio_waiter_init(&waiter); }},
      {"structio_lot_park", [] { return structio_lot_park(&lot); }},
      {"structio_lot_break", [] { return structio_lot_break(&lot, 0); }},
      {"structio_failure_new_cancelled", [] { return structio_failure_new_cancelled(&failure); }},
      {"structio_wait_all_tasks_blocked", [] { return structio_wait_all_tasks_blocked(0); }},
  };
}

// Calls that a hook may make too, but nobody outside of a run.
std::vector<guarded_call> calls_of_a_run() {
  static structio_scope scope;
  static structio_lot lot;
  static structio_portal* portal;
  static const char key = 0;
  structio_scope_init(&scope, nullptr);
  structio_lot_init(&lot);
  return {
      {"structio_scope_cancel", [] { return structio_scope_cancel(&scope, nullptr); }},
      {"structio_scope_stop", [] { return structio_scope_stop(&scope, 0, nullptr); }},
      {"structio_scope_stop_on_signal", [] { return structio_scope_stop_on_signal(&scope, 1, 0); }},
      {"structio_scope_set_deadline", [] { return structio_scope_set_deadline(&scope, 0); }},
      {"structio_lot_unpark", [] { return structio_lot_unpark(&lot, 1); }},
      {"structio_lot_repark", [] { return structio_lot_repark(&lot, &lot, 1); }},
      {"structio_lot_break", [] { return structio_lot_break(&lot, 7); }},
      {"structio_lot_add_breaker", [] { return structio_lot_add_breaker(&lot, 7); }},
      {"structio_lot_remove_breaker", [] { return structio_lot_remove_breaker(&lot, 7); }},
      {"structio_portal_new", [] { return structio_portal_new(&portal); }},
      {"structio_start_system_task",
       [] { return structio_start_system_task(nullptr, nothing, nullptr); }},
      {"structio_run_local_set",
       [] { return structio_run_local_set(&key, nullptr, nullptr, nullptr); }},
      {"structio_run_local_get", [] { return structio_run_local_get(&key, nullptr); }},
  };
}

structio_failure* status_failure(int code = -5) {
  structio_failure* f = nullptr;
  REQUIRE(structio_failure_new_status(code, "text", &f) == 0);
  return f;
}

}  // namespace

TEST_CASE("run refuses nonsense, and tells no failure of it", "[RUN-02]") {
  structio_failure* why = reinterpret_cast<structio_failure*>(&why);
  structio_run_options good = run_options();
  good.failure = &why;
  CHECK(refused(structio_run(nullptr, nullptr, &good), STRUCTIO_EINVALID, {"structio_run", "fn"}));
  const auto refuses = [&](const structio_run_options& o, int code, const char* word) {
    why = reinterpret_cast<structio_failure*>(&why);
    const bool right = refused(structio_run(nothing, nullptr, &o), code, {"structio_run", word});
    return right && why == nullptr;
  };
  structio_run_options bad = good;
  bad.version = 0x7fff0000;
  CHECK(refuses(bad, STRUCTIO_EVERSION, "version"));
  bad = good;
  bad.interrupt = 3;
  CHECK(refuses(bad, STRUCTIO_EINVALID, "out of range"));
  bad = good;
  bad.budget = UINT32_MAX;
  CHECK(refuses(bad, STRUCTIO_EINVALID, "out of range"));
  bad = good;
  bad.stack_size = SIZE_MAX;
  CHECK(refuses(bad, STRUCTIO_EINVALID, "stack"));
  bad = good;
  bad.clock = reinterpret_cast<structio_clock*>(0x1234);
  CHECK(refuses(bad, STRUCTIO_ESTALE, "handle"));
  bad = good;
  bad.struct_size = 3;
  CHECK(refused(structio_run(nothing, nullptr, &bad), STRUCTIO_EINVALID, {"struct_size"}));
  CHECK(structio_run(nothing, nullptr, nullptr) == 0);
}

TEST_CASE("options of another size are taken as far as they go", "[RUN-02]") {
  struct {
    structio_run_options known = run_options();
    char later[64] = {1, 2, 3};
  } longer;
  longer.known.struct_size = sizeof longer;
  CHECK(structio_run(nothing, nullptr, &longer.known) == 0);
  structio_run_options shorter = run_options();
  shorter.struct_size = offsetof(structio_run_options, name);
  shorter.name = reinterpret_cast<const char*>(1);  // not known to such a caller: never read
  CHECK(structio_run(nothing, nullptr, &shorter) == 0);
}

TEST_CASE("a run inside a run is refused, in tasks and in hooks", "[RUN-04]") {
  auto body = [] {
    CHECK(refused(structio_run(nothing, nullptr, nullptr), STRUCTIO_EMISUSE,
                  {"structio_run", "inside a run", "another thread"}));
    structio_portal* portal = nullptr;
    structio_portal_new(&portal);
    structio_portal_post(
        portal,
        [](void*) { return structio_run(nothing, nullptr, nullptr) == STRUCTIO_EMISUSE ? 0 : -1; },
        nullptr);
    settle();
    return structio_portal_free(portal);
  };
  CHECK(run(body) == 0);
}

TEST_CASE("what needs a task says so where there is none", "[RUN-14][FIB-18]") {
  using none = std::vector<std::string>;
  CHECK(not_refused(calls_of_a_task(), "structio_run") == none{});
  CHECK(not_refused(calls_of_a_run(), "structio_run") == none{});
  CHECK(structio_now() == 0);
  CHECK(says({"structio_now"}));
  CHECK(structio_task_name(1) == nullptr);
  CHECK(structio_failure_take() == nullptr);
  CHECK(structio_in_run() + structio_in_task() == 0);
  CHECK(structio_task_current() == 0);
  auto body = [&] {
    none elsewhere;
    none in_hook;
    std::thread([&] { elsewhere = not_refused(calls_of_a_task(), "structio_run"); }).join();
    CHECK(elsewhere == none{});
    structio_portal* portal = nullptr;
    structio_portal_new(&portal);
    auto hook = [&] {
      in_hook = not_refused(calls_of_a_task(), "callback");
      return 0;
    };
    structio_portal_post(portal, call<decltype(hook)>, &hook);
    settle();
    CHECK(in_hook == none{});
    return structio_portal_free(portal);
  };
  CHECK(run(body) == 0);
}

TEST_CASE("an abort function counts as no task", "[FIB-18][ABORT-06]") {
  auto body = [&] {
    static std::vector<std::string> wrong;
    const auto abort = [](void*) -> int {
      wrong = not_refused(calls_of_a_task(), "callback");
      structio_failure_raise(status_failure());  // belongs to nobody
      return STRUCTIO_ABORT_DONE;
    };
    structio_scope s;
    return scope_block(s, [&] {
      structio_waiter w;
      structio_scope_cancel(&s, nullptr);
      structio_waiter_init(&w);
      const auto status = static_cast<int>(structio_park(&w, "a test", abort, nullptr));
      CHECK(wrong == std::vector<std::string>{});
      CHECK(structio_failure_take() == nullptr);
      return status;
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("times that are none", "[RUN-08]") {
  virtual_clock clock(0, 1000);
  auto body = [] {
    CHECK(refused(structio_sleep(-1), STRUCTIO_EINVALID, {"structio_sleep", "negative"}));
    CHECK(refused(structio_sleep(INT64_MIN), STRUCTIO_EINVALID, {"negative"}));
    CHECK(structio_sleep_until(INT64_MIN) == 0);
    CHECK(structio_now() == 1000);
    CHECK(structio_move_on_after(
              1, [](void*) { return structio_sleep(INT64_MAX - 1); }, nullptr, nullptr) == 0);
    CHECK(structio_move_on_after(
              1, [](void*) { return structio_sleep_until(STRUCTIO_FOREVER); }, nullptr, nullptr) ==
          0);
    CHECK(refused(structio_wait_all_tasks_blocked(-1), STRUCTIO_EINVALID, {"negative"}));
    return 0;
  };
  CHECK(run(body, clock.options()) == 0);
  CHECK(structio_seconds(INT64_MAX) == INT64_MAX);
  CHECK(structio_milliseconds(INT64_MIN) == INT64_MIN);
  CHECK(structio_microseconds(-3) == -3000);
}

TEST_CASE("names and stacks of tasks", "[NUR-28]") {
  auto body = [] {
    CHECK(refused(structio_task_set_name(nullptr), STRUCTIO_EINVALID, {"name", "NULL"}));
    CHECK(structio_task_set_name(std::string(5000, 'n').c_str()) == 0);
    CHECK(std::string(structio_task_name(structio_task_current())).size() > 10);
    CHECK(structio_task_name(0) == nullptr);
    CHECK(structio_task_name(~structio_task_id{0}) == nullptr);
    CHECK(structio_task_name(structio_task_current() + 1) == nullptr);
    void* low = nullptr;
    void* high = nullptr;
    CHECK(structio_task_stack(&low, &high) == 0);
    CHECK(low < static_cast<void*>(&low));
    CHECK(static_cast<void*>(&low) < high);
    return structio_task_set_name("");
  };
  CHECK(run(body) == 0);
}

TEST_CASE("at most four C++ runtimes are kept apart", "[SCHED-12]") {
  auto body = [] {
    CHECK(refused(structio_add_cxa_get_globals(nullptr), STRUCTIO_EINVALID, {"getter"}));
    CHECK(structio_add_cxa_get_globals(no_globals) == 0);
    CHECK(structio_add_cxa_get_globals(no_globals) == 0);
    const auto more = [](auto number) {
      return [] {
        static char storage[16 + decltype(number)::value];
        return static_cast<void*>(storage);
      };
    };
    void* (*const others[])() = {more(std::integral_constant<int, 1>{}),
                                 more(std::integral_constant<int, 2>{}),
                                 more(std::integral_constant<int, 3>{})};
    for (auto* other : others) CHECK(structio_add_cxa_get_globals(other) == 0);
    void* (*const fifth)() = more(std::integral_constant<int, 4>{});
    CHECK(refused(structio_add_cxa_get_globals(fifth), STRUCTIO_ELIMIT, {"at most"}));
    return structio_checkpoint();
  };
  CHECK(run(body) == 0);
}

TEST_CASE("locals: keys and tokens that are none", "[LOCAL-03]") {
  static const char key = 0;
  static const char other = 0;
  int value = 0;
  void* got = nullptr;
  structio_local_token token = garbage<structio_local_token>();
  auto check = [&] {
    CHECK(refused(structio_local_set(nullptr, &value, nullptr, nullptr), STRUCTIO_EINVALID,
                  {"structio_local_set", "key"}));
    CHECK(refused(structio_local_get(nullptr, &got), STRUCTIO_EINVALID, {"key"}));
    CHECK(structio_local_get(&key, &got) == STRUCTIO_EABSENT);
    CHECK(refused(structio_local_reset(&key, nullptr), STRUCTIO_EINVALID, {"token"}));
    CHECK(refused(structio_local_reset(nullptr, &token), STRUCTIO_EINVALID, {"key"}));
    structio_local_token unset = garbage<structio_local_token>(0xa5);
    CHECK(refused(structio_local_reset(&key, &unset), STRUCTIO_EINVALID, {"not set"}));
    CHECK(structio_local_set(&key, &value, nullptr, &token) == 0);
    CHECK(structio_local_get(&key, nullptr) == 0);
    CHECK(refused(structio_local_reset(&other, &token), STRUCTIO_EINVALID, {"another key"}));
    CHECK(structio_local_reset(&key, &token) == 0);
    CHECK(refused(structio_local_reset(&key, &token), STRUCTIO_EINVALID, {"used before"}));
    return 0;
  };
  check();
  CHECK(run(check) == 0);
  structio_local_token outside;
  CHECK(structio_local_set(&key, &value, nullptr, &outside) == 0);
  auto foreign = [&] {
    CHECK(refused(structio_local_reset(&key, &outside), STRUCTIO_EINVALID, {"another task's"}));
    return 0;
  };
  CHECK(run(foreign) == 0);
  CHECK(structio_local_reset(&key, &outside) == 0);
}

TEST_CASE("failures are made of what they need", "[NUR-01]") {
  structio_failure* f = status_failure();
  structio_failure* out = f;
  structio_payload_type type{sizeof type, "test", nullptr, nullptr, nullptr};
  CHECK(refused(structio_failure_new_status(-1, nullptr, nullptr), STRUCTIO_EINVALID, {"out"}));
  CHECK(refused(structio_failure_new_status(0, nullptr, &out), STRUCTIO_EINVALID, {"negative"}));
  CHECK(out == nullptr);
  CHECK(refused(structio_failure_new_payload(nullptr, nullptr, &out), STRUCTIO_EINVALID, {"type"}));
  CHECK(refused(structio_failure_new_payload(&type, nullptr, nullptr), STRUCTIO_EINVALID, {"out"}));
  type.struct_size = 4;
  CHECK(refused(structio_failure_new_payload(&type, nullptr, &out), STRUCTIO_EINVALID, {"size"}));
  type = {sizeof type, nullptr, nullptr, nullptr, nullptr};
  CHECK(refused(structio_failure_new_payload(&type, nullptr, &out), STRUCTIO_EINVALID, {"name"}));
  CHECK(refused(structio_failure_new_group(nullptr, 1, &out), STRUCTIO_EINVALID, {"members"}));
  CHECK(refused(structio_failure_new_group(&f, 1, nullptr), STRUCTIO_EINVALID, {"out"}));
  structio_failure* with_hole[] = {f, nullptr};
  CHECK(refused(structio_failure_new_group(with_hole, 2, &out), STRUCTIO_EINVALID, {"NULL"}));
  CHECK(structio_failure_new_group(nullptr, 0, &out) == 0);
  CHECK(structio_failure_count(out) == 0);
  CHECK(structio_failure_free(out) == 0);
  CHECK(structio_failure_code(f) == -5);  // still ours
  CHECK(structio_failure_free(f) == 0);
}

TEST_CASE("a failure that is none, or was freed", "[FIB-11]") {
  structio_failure* freed = status_failure();
  CHECK(structio_failure_free(freed) == 0);
  int here = 0;
  for (structio_failure* bad :
       {freed, reinterpret_cast<structio_failure*>(&here), reinterpret_cast<structio_failure*>(1),
        reinterpret_cast<structio_failure*>(~std::uintptr_t{0})}) {
    const char* text = "";
    structio_failure* half = nullptr;
    const auto match = [](const structio_failure*, void*) { return 1; };
    CHECK(structio_failure_retain(bad) == nullptr);
    CHECK(refused(structio_failure_free(bad), STRUCTIO_ESTALE, {"structio_failure_free"}));
    CHECK(structio_failure_get_kind(bad) == STRUCTIO_ESTALE);
    CHECK(structio_failure_code(bad) == STRUCTIO_ESTALE);
    CHECK(structio_failure_message(bad) != nullptr);
    CHECK(structio_failure_task_name(bad) == nullptr);
    CHECK(structio_failure_payload(bad, nullptr) == nullptr);
    CHECK(structio_failure_cancel_source(bad, &text, &text) == STRUCTIO_ESTALE);
    CHECK(text == nullptr);
    CHECK(structio_failure_count(bad) == 0);
    CHECK(structio_failure_member(bad, 0) == nullptr);
    CHECK(structio_failure_add_while(&bad, "x") == STRUCTIO_ESTALE);
    CHECK(structio_failure_while_count(bad) == 0);
    CHECK(structio_failure_while(bad, 0) == nullptr);
    CHECK(structio_failure_split(bad, match, nullptr, &half, &half) == STRUCTIO_ESTALE);
    CHECK(structio_failure_describe(bad, nullptr, 0) == STRUCTIO_ESTALE);
    CHECK(structio_failure_raise(bad) == STRUCTIO_ESTALE);
    structio_failure* out = nullptr;
    CHECK(structio_failure_new_group(&bad, 1, &out) == STRUCTIO_ESTALE);
  }
  CHECK(structio_failure_free(nullptr) == 0);
  CHECK(structio_failure_get_kind(nullptr) == STRUCTIO_EINVALID);
  CHECK(structio_failure_raise(nullptr) == STRUCTIO_EINVALID);
}

TEST_CASE("a handle of another kind is no failure", "[FIB-11]") {
  auto body = [] {
    structio_portal* portal = nullptr;
    structio_portal_new(&portal);
    auto* wrong = reinterpret_cast<structio_failure*>(portal);
    CHECK(structio_failure_code(wrong) == STRUCTIO_ESTALE);
    CHECK(structio_failure_free(wrong) == STRUCTIO_ESTALE);
    auto* as_task = reinterpret_cast<structio_task*>(portal);
    CHECK(structio_task_free(as_task) == STRUCTIO_ESTALE);
    return structio_portal_free(portal);
  };
  CHECK(run(body) == 0);
}

TEST_CASE("indexes, texts and halves that are not there", "[NUR-29]") {
  structio_failure* f = status_failure();
  CHECK(structio_failure_member(f, 0) == nullptr);
  CHECK(says({"no member 0"}));
  CHECK(structio_failure_member(f, SIZE_MAX) == nullptr);
  CHECK(structio_failure_while(f, 0) == nullptr);
  CHECK(refused(structio_failure_add_while(&f, nullptr), STRUCTIO_EINVALID, {"doing"}));
  CHECK(refused(structio_failure_describe(f, nullptr, 5), STRUCTIO_EINVALID, {"text"}));
  CHECK(refused(structio_failure_split(f, nullptr, nullptr, nullptr, nullptr), STRUCTIO_EINVALID,
                {"match"}));
  char one = 'x';
  CHECK(structio_failure_describe(f, &one, 1) > 1);
  CHECK(one == 0);
  const auto match = [](const structio_failure*, void*) { return 1; };
  CHECK(structio_failure_split(f, match, nullptr, nullptr, nullptr) == 0);  // consumed
  CHECK(structio_failure_code(f) == STRUCTIO_ESTALE);
}

TEST_CASE("what is raised where no task is goes nowhere, with its code", "[FIB-10]") {
  CHECK(structio_failure_raise(status_failure(-9)) == -9);
  auto body = [] {
    structio_failure* out = nullptr;
    CHECK(refused(structio_failure_new_cancelled(&out), STRUCTIO_EMISUSE, {"not cancelled"}));
    CHECK(refused(structio_failure_new_cancelled(nullptr), STRUCTIO_EINVALID, {"out"}));
    CHECK(structio_failure_take() == nullptr);
    structio_failure_raise(status_failure(-9));
    structio_failure_raise(status_failure(-8));  // the one before is dropped
    const owned_failure taken(structio_failure_take());
    CHECK(taken.code() == -8);
    structio_failure_raise(status_failure(-7));
    return 0;  // and what is in flight beside it is dropped
  };
  CHECK(run(body) == 0);
}
