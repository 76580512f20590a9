// Scopes and nurseries that are left in the wrong order, by the wrong task, or not at all. Only the
// C ABI lets a program do so: the face's blocks are calls.
#include <string>
#include <vector>

#include <structio/structio_testing_stream.h>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

void enter(structio_scope& s) {
  REQUIRE(structio_scope_init(&s, nullptr) == 0);
  REQUIRE(structio_scope_enter(&s) == 0);
}

// What a sleeping child is told when it is cancelled.
struct told {
  int status = 0;
  int source = 0;
  std::string reason;
};

int sleep_and_tell(told& t) {
  t.status = structio_sleep_forever();
  t.source = cancel_source(&t.reason);
  return t.status;
}

// Opens a scope or a nursery in a frame that is gone when the task goes on.
[[gnu::noinline]] int open_scope_in_lost_frame() {
  structio_scope lost;
  structio_scope_init(&lost, nullptr);
  return structio_scope_enter(&lost);
}

template <class Child>
[[gnu::noinline]] int open_nursery_in_lost_frame(Child& child, bool scope_as_well = false) {
  structio_scope outer;
  structio_nursery lost;
  if (scope_as_well) enter(outer);
  if (const int status = structio_nursery_open(&lost)) return status;
  return spawn(lost, "stranded", child);
}

}  // namespace

TEST_CASE("closing the outer scope first is told once", "[MISNEST-01]") {
  auto body = [&] {
    structio_scope outer;
    structio_scope inner;
    enter(outer);
    enter(inner);
    CHECK(structio_scope_leave(&outer, 0, nullptr) == STRUCTIO_EMISUSE);
    CHECK(says({"structio_scope_leave", "still open", "leave the inner one first"}));
    CHECK(structio_scope_leave(&inner, 0, nullptr) == 0);
    // The task is whole again, and neither can be left once more.
    CHECK(structio_checkpoint() == 0);
    CHECK(structio_scope_leave(&inner, 0, nullptr) == STRUCTIO_EMISUSE);
    CHECK(structio_scope_leave(&outer, 0, nullptr) == STRUCTIO_EMISUSE);
    structio_scope next;
    CHECK(scope_block(next, [] { return structio_checkpoint(); }) == 0);
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a real error outranks the report of misnesting", "[MISNEST-01]") {
  auto body = [&] {
    structio_scope outer;
    structio_scope inner;
    enter(outer);
    enter(inner);
    CHECK(structio_scope_leave(&outer, -5, nullptr) == -5);
    CHECK(structio_scope_leave(&inner, -5, nullptr) == -5);
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("an abandoned scope's deadline, token and cancellation lead nowhere", "[MISNEST-01]") {
  virtual_clock clock;
  auto body = [&] {
    structio_scope outer;
    structio_scope inner;
    structio_cancel_token* token = nullptr;
    enter(outer);
    enter(inner);
    REQUIRE(structio_scope_set_timeout(&inner, STRUCTIO_SECONDS(5)) == 0);
    REQUIRE(structio_cancel_token_new(&inner, &token) == 0);
    CHECK(structio_scope_leave(&outer, 0, nullptr) == STRUCTIO_EMISUSE);
    CHECK(structio_cancel_token_cancel(token) == 0);
    CHECK(clock.jump(STRUCTIO_SECONDS(10)) == 0);
    CHECK(structio_checkpoint() == 0);
    CHECK(structio_scope_cancel(&inner, "late") == 0);
    CHECK(structio_checkpoint() == 0);
    CHECK(structio_cancel_token_free(token) == 0);
    return 0;
  };
  CHECK(run(body, clock.options()) == 0);
}

TEST_CASE("tasks in the abandoned part are cancelled, and told why", "[MISNEST-02]") {
  told plain;
  told scoped;
  auto sleeper = [&] { return sleep_and_tell(plain); };
  auto in_scope = [&] {
    structio_scope own;
    return scope_block(own, [&] { return sleep_and_tell(scoped); });
  };
  auto body = [&] {
    structio_scope outer;
    structio_scope inner;
    structio_nursery n;
    enter(outer);
    enter(inner);
    REQUIRE(structio_nursery_open(&n) == 0);
    spawn(n, "plain", sleeper);
    spawn(n, "scoped", in_scope);
    settle();
    CHECK(structio_scope_leave(&outer, 0, nullptr) == STRUCTIO_EMISUSE);
    CHECK(structio_nursery_close(&n, 0, nullptr) == 0);
    CHECK(structio_scope_leave(&inner, 0, nullptr) == 0);
    CHECK(structio_nursery_start_soon(&n, call<decltype(sleeper)>, &sleeper) == STRUCTIO_ECLOSED);
    return 0;
  };
  CHECK(run(body) == 0);
  for (const told* t : {&plain, &scoped}) {
    CHECK(t->status == STRUCTIO_ECANCELLED);
    CHECK(t->source == STRUCTIO_SOURCE_MISNESTING);
    CHECK_THAT(t->reason, ContainsSubstring("wrong order"));
  }
}

TEST_CASE("a nursery's own scope is left with the nursery only", "[MISNEST-03]") {
  int cancelled = 0;
  auto sleeper = [&] {
    const int status = structio_sleep_forever();
    cancelled += status == STRUCTIO_ECANCELLED;
    return status;
  };
  auto body = [&] {
    structio_nursery n;
    REQUIRE(structio_nursery_open(&n) == 0);
    for (int i = 0; i < 3; ++i) spawn(n, "sleeper", sleeper);
    settle();
    CHECK(structio_scope_leave(structio_nursery_scope(&n), 0, nullptr) == STRUCTIO_EMISUSE);
    CHECK(says({"nursery's own scope", "closing the nursery"}));
    CHECK(structio_checkpoint() == 0);
    CHECK(cancelled == 0);
    CHECK(structio_scope_cancel(structio_nursery_scope(&n), nullptr) == 0);
    CHECK(structio_nursery_close(&n, 0, nullptr) == 0);
    CHECK(cancelled == 3);
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("another task's scope cannot be left", "[MISNEST-04]") {
  structio_scope theirs;
  int inside = 0;
  auto owner = [&] {
    return scope_block(theirs, [&] { return inside = structio_sleep_forever(); });
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "owner", owner);
      settle();
      CHECK(structio_scope_leave(&theirs, 0, nullptr) == STRUCTIO_EMISUSE);
      CHECK(says({"another task's"}));
      CHECK(structio_scope_cancel_called(&theirs) == 0);
      CHECK(inside == 0);
      CHECK(structio_scope_cancel(&theirs, nullptr) == 0);
      settle();
      CHECK(inside == STRUCTIO_ECANCELLED);
      CHECK(structio_scope_cancelled_caught(&theirs) == 1);
      return 0;
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("another task's nursery cannot be closed", "[MISNEST-04][NUR-25]") {
  structio_nursery theirs;
  bool stop = false;
  auto owner = [&] {
    REQUIRE(structio_nursery_open(&theirs) == 0);
    while (!stop) structio_checkpoint();
    return structio_nursery_close(&theirs, 0, nullptr);
  };
  auto child = [&] { return 0; };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "owner", owner);
      for (int i = 0; i < 2; ++i) structio_checkpoint();  // whatever the order, it has run then
      CHECK(structio_nursery_close(&theirs, 0, nullptr) == STRUCTIO_EMISUSE);
      CHECK(says({"another task's", "who opens it must close it"}));
      CHECK(spawn(theirs, "child", child) == 0);
      stop = true;
      return 0;
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a task that ends with a nursery open has failed, and strands nobody", "[NUR-23]") {
  told t;
  auto stranded = [&] { return sleep_and_tell(t); };
  auto child = [&] { return open_nursery_in_lost_frame(stranded); };
  auto body = [&] {
    owned_failure why;
    const int status =
        nursery_block([&](structio_nursery& n) { return spawn(n, "loser", child); }, &why);
    CHECK(status == STRUCTIO_EGROUP);
    CHECK(why.count() == 1);
    CHECK(why.member(0) == STRUCTIO_EMISUSE);
    CHECK(structio_failure_count(structio_failure_member(why.raw, 0)) == 0);
    CHECK_THAT(why.tree(), ContainsSubstring("task 'loser' ended with 1 cancel scope or nursery"));
    return 0;
  };
  CHECK(run(body) == 0);
  CHECK(t.source == STRUCTIO_SOURCE_MISNESTING);
}

TEST_CASE("whatever a task has left open is closed, the inner first", "[NUR-23]") {
  told t;
  auto stranded = [&] { return sleep_and_tell(t); };
  int status_of_task = 0;
  auto child = [&] {
    open_nursery_in_lost_frame(stranded, true);
    return status_of_task;
  };
  auto body = [&] {
    for (const int code : {0, 7, -5, int{STRUCTIO_ECANCELLED}}) {
      status_of_task = code;
      owned_failure why;
      const int status = nursery_block(
          [&](structio_nursery& n) {
            structio_task* handle = nullptr;
            REQUIRE(start_task(n, child, &handle) == 0);
            const int joined = structio_task_join(handle, nullptr);
            CHECK(joined == (code == -5 ? -5 : STRUCTIO_EMISUSE));
            CHECK(structio_task_free(handle) == 0);
            return 0;
          },
          &why);
      CHECK(status == STRUCTIO_EGROUP);
      CHECK(why.member(0) == (code == -5 ? -5 : STRUCTIO_EMISUSE));
      CHECK(t.status == STRUCTIO_ECANCELLED);
    }
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("the main task may not leave anything open either", "[NUR-24]") {
  auto nothing = [] { return 0; };
  auto scope_left = [] { return open_scope_in_lost_frame(); };
  auto nursery_left = [&] { return open_nursery_in_lost_frame(nothing); };
  CHECK(run(scope_left) == STRUCTIO_EMISUSE);
  CHECK(says({"'main' ended with 1 cancel scope"}));
  CHECK(run(nursery_left) == STRUCTIO_EMISUSE);
  CHECK(run(nothing) == 0);
}

TEST_CASE("an inner nursery that is still open is reported bare by the outer one", "[NUR-24]") {
  told t;
  auto stranded = [&] { return sleep_and_tell(t); };
  structio_failure* why = nullptr;
  structio_run_options options = run_options();
  options.failure = &why;
  auto body = [&] {
    structio_nursery outer;
    structio_nursery inner;
    REQUIRE(structio_nursery_open(&outer) == 0);
    REQUIRE(structio_nursery_open(&inner) == 0);
    spawn(inner, "stranded", stranded);
    return structio_nursery_close(&outer, 0, nullptr);
  };
  CHECK(run(body, options) == STRUCTIO_EMISUSE);
  const owned_failure owned(why);
  CHECK(owned.kind() == STRUCTIO_FAILURE_STATUS);
  CHECK(owned.count() == 0);
  CHECK_THAT(owned.text(), ContainsSubstring("still open"));
  CHECK(t.source == STRUCTIO_SOURCE_MISNESTING);
}

TEST_CASE("what else failed stands beside the report of misnesting", "[NUR-24]") {
  auto failing = [] { return -5; };
  auto body = [&] {
    structio_nursery outer;
    structio_nursery inner;
    owned_failure why;
    REQUIRE(structio_nursery_open(&outer) == 0);
    REQUIRE(structio_nursery_open(&inner) == 0);
    spawn(outer, "failing", failing);
    CHECK(structio_nursery_close(&outer, 0, &why.raw) == STRUCTIO_EGROUP);
    CHECK(why.count() == 2);
    CHECK(structio_nursery_close(&inner, 0, nullptr) == 0);
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a stranded task cleans up before its owner is gone; its error is dropped", "[NUR-26]") {
  bool cleaned = false;
  auto stranded = [&] {
    structio_sleep_forever();
    shielded([&] { return structio_checkpoint(); });
    cleaned = true;
    return -77;
  };
  auto child = [&] { return open_nursery_in_lost_frame(stranded); };
  auto body = [&] {
    owned_failure why;
    const int status =
        nursery_block([&](structio_nursery& n) { return spawn(n, "x", child); }, &why);
    CHECK(cleaned);
    CHECK(status == STRUCTIO_EGROUP);
    CHECK(why.count() == 1);
    CHECK(why.member(0) == STRUCTIO_EMISUSE);
    return 0;
  };
  CHECK(run(body) == 0);
}

namespace {

// What calls of ours call in the middle: it leaves a nursery open in a frame that is gone.
int leaves_open(void* arg) {
  auto child = [arg] { return sleep_and_tell(*static_cast<told*>(arg)); };
  return open_nursery_in_lost_frame(child, true);
}

}  // namespace

TEST_CASE("a function that a call calls leaves nothing open behind it", "[MISNEST-01]") {
  told t;
  const auto receives = [](void* arg, void*, std::size_t) -> std::int64_t {
    return leaves_open(arg);
  };
  auto body = [&] {
    SECTION("a stream of one's own") {
      structio_stream_table table = {};
      table.struct_size = sizeof table;
      table.receive_some = receives;
      structio_stream* stream = nullptr;
      char buffer[4];
      REQUIRE(structio_stream_new(&table, &t, &stream) == 0);
      CHECK(structio_stream_receive_some(stream, buffer, sizeof buffer) == STRUCTIO_EMISUSE);
      CHECK(says({"ended with 2 cancel scopes or nurseries still open"}));
      structio_stream_free(stream);
    }
    SECTION("a hook of a memory stream") {
      structio_stream* stream = nullptr;
      structio_memory_stream_hooks hooks = {};
      hooks.struct_size = sizeof hooks;
      hooks.after_send = leaves_open;
      hooks.arg = &t;
      REQUIRE(structio_memory_send_stream_new(&stream) == 0);
      REQUIRE(structio_memory_stream_set_hooks(stream, &hooks) == 0);
      CHECK(structio_stream_send_all(stream, "x", 1) == STRUCTIO_EMISUSE);
      structio_stream_free(stream);
    }
    SECTION("a sequencer's step") {
      structio_sequencer sequencer;
      structio_sequencer_init(&sequencer);
      CHECK(structio_sequencer_step(&sequencer, 0, leaves_open, &t) == STRUCTIO_EMISUSE);
      CHECK(structio_sequencer_destroy(&sequencer) == 0);
    }
    SECTION("a timeout") {
      CHECK(structio_move_on_after(INT64_MAX, leaves_open, &t, nullptr) == STRUCTIO_EMISUSE);
    }
    CHECK(t.status == STRUCTIO_ECANCELLED);
    CHECK(structio_checkpoint() == 0);
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a racer and a connector leave nothing open behind them", "[MISNEST-01]") {
  told t;
  auto body = [&] {
    SECTION("a function of a race") {
      const structio_task_fn functions[] = {leaves_open,
                                            [](void*) { return structio_sleep_forever(); }};
      void* const arguments[] = {&t, nullptr};
      std::size_t winner = 7;
      CHECK(structio_race(functions, arguments, 2, &winner) == STRUCTIO_EGROUP);
      owned_failure why(structio_failure_take());
      INFO(why.tree());
      CHECK(why.count() == 1);
      CHECK(why.member(0) == STRUCTIO_EMISUSE);
      CHECK(winner == 0);
    }
    SECTION("a connector, which has made a stream all the same") {
      const auto connects = [](const char*, std::uint16_t, structio_stream** out, void* arg) {
        structio_memory_send_stream_new(out);
        return leaves_open(arg);
      };
      structio_tcp_connect_options options = {};
      options.struct_size = sizeof options;
      options.host = "127.0.0.1";
      options.port = 7;
      structio_stream* stream = nullptr;
      REQUIRE(structio_set_connector(connects, &t, nullptr, nullptr) == 0);
      CHECK(structio_tcp_connect(&options, &stream) < 0);
      CHECK(stream == nullptr);
    }
    CHECK(t.status == STRUCTIO_ECANCELLED);
    CHECK(structio_checkpoint() == 0);
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a block cannot be left while a call stands in it", "[MISNEST-01]") {
  struct around {
    structio_scope scope;
    structio_nursery nursery;
  } outer;
  const auto receives = [](void* arg, void*, std::size_t) -> std::int64_t {
    auto& o = *static_cast<around*>(arg);
    CHECK(structio_nursery_close(&o.nursery, 0, nullptr) == STRUCTIO_EMISUSE);
    CHECK(says({"structio_nursery_close", "a call inside it has not returned"}));
    CHECK(structio_scope_leave(&o.scope, 0, nullptr) == STRUCTIO_EMISUSE);
    CHECK(says({"structio_scope_leave", "a call inside it has not returned"}));
    return structio_checkpoint() == 0 ? 1 : -1;
  };
  auto body = [&] {
    structio_stream_table table = {};
    table.struct_size = sizeof table;
    table.receive_some = receives;
    structio_stream* stream = nullptr;
    char buffer[4];
    enter(outer.scope);
    REQUIRE(structio_nursery_open(&outer.nursery) == 0);
    REQUIRE(structio_stream_new(&table, &outer, &stream) == 0);
    CHECK(structio_stream_receive_some(stream, buffer, sizeof buffer) == 1);
    structio_stream_free(stream);
    CHECK(structio_nursery_close(&outer.nursery, 0, nullptr) == 0);
    return structio_scope_leave(&outer.scope, 0, nullptr);
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a function that a call calls may say that its task has started", "[START-01]") {
  structio_sequencer sequencer;
  structio_sequencer_init(&sequencer);
  auto child = [&] {
    const auto says = [](void*) { return structio_started(nullptr); };
    CHECK(structio_sequencer_step(&sequencer, 0, says, nullptr) == 0);
    return structio_checkpoint();
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      const auto begin = [](void* arg) { return (*static_cast<decltype(child)*>(arg))(); };
      return structio_nursery_start(&n, nullptr, begin, &child, nullptr);
    });
  };
  CHECK(run(body) == 0);
  structio_sequencer_destroy(&sequencer);
}

TEST_CASE("a memory stream that is freed outside of tasks says so to its hook", "[MISNEST-01]") {
  struct closer {
    structio_stream* stream = nullptr;
    structio_nursery nursery;
    int opened = 0;
  } c;
  const auto on_close = [](void* arg) {
    auto& of = *static_cast<closer*>(arg);
    of.opened = structio_nursery_open(&of.nursery);
    return 0;
  };
  auto body = [&] {
    structio_memory_stream_hooks hooks = {};
    hooks.struct_size = sizeof hooks;
    hooks.on_close = on_close;
    hooks.arg = &c;
    structio_portal* portal = nullptr;
    REQUIRE(structio_memory_send_stream_new(&c.stream) == 0);
    REQUIRE(structio_memory_stream_set_hooks(c.stream, &hooks) == 0);
    REQUIRE(structio_portal_new(&portal) == 0);
    const auto frees = [](void* stream) {
      return structio_stream_free(static_cast<structio_stream*>(stream));
    };
    REQUIRE(structio_portal_post(portal, frees, c.stream) == 0);
    const int status = structio_wait_all_tasks_blocked(0);
    structio_portal_free(portal);
    return status;
  };
  CHECK(run(body) == 0);
  CHECK(c.opened == STRUCTIO_ENOTASK);
}
