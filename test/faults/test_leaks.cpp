// After a run nothing of it is left, however it ended: no descriptor, no mapping, no handle, no
// block of the heap.
#include <csignal>
#include <cstdlib>
#include <string>

#include "faults/debris.hpp"
#include "support/c_blocks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

// Plays a run until what is made once a process is made, then once more between two counts.
template <class Play>
void leaves_nothing(Play&& play) {
  setenv("STRUCTIO_LOG", "off", 1);
  for (int i = 0; i < 3; ++i) play();
  const debris before = debris::now();
  for (int i = 0; i < 3; ++i) play();
  const debris after = debris::now();
  CHECK(after == before);
}

template <class Body>
int run_to(Body&& body, int wanted, const structio_run_options& given = run_options()) {
  structio_run_options options = given;
  structio_failure* why = nullptr;
  options.failure = &why;
  const int status = run(body, options);
  structio_failure_free(why);
  if (status != wanted) CHECK(status == wanted);  // expanded only when it fails: it allocates
  return status;
}

int sleeper(void*) {
  return structio_sleep_forever();
}

int failing(void*) {
  return fail(-700, "a message of its own");
}

// Tasks, scopes with words, handles, tokens: what a run that ends badly has lying about.
int clutter(structio_nursery& n) {
  structio_nursery_start_soon(&n, sleeper, nullptr);
  structio_nursery_start_service(&n, nullptr, sleeper, nullptr);
  structio_start_system_task(nullptr, sleeper, nullptr);
  structio_task* handle = nullptr;
  structio_nursery_start_task(&n, nullptr, sleeper, nullptr, &handle);
  structio_cancel_token* token = nullptr;
  structio_cancel_token_new(structio_nursery_scope(&n), &token);
  structio_scope_set_timeout(structio_nursery_scope(&n), STRUCTIO_SECONDS(100));
  structio_checkpoint();
  structio_cancel_token_free(token);
  return structio_task_free(handle);
}

}  // namespace

TEST_CASE("nothing is left of a run that ended well", "[FIB-14]") {
  leaves_nothing([] {
    auto body = [] {
      return nursery_block([](structio_nursery& n) {
        clutter(n);
        structio_scope_cancel(structio_nursery_scope(&n), "enough");
        return 0;
      });
    };
    run_to(body, 0);
  });
}

TEST_CASE("nothing is left of a run in which tasks failed", "[FIB-14]") {
  leaves_nothing([] {
    auto body = [] {
      structio_nursery n;
      structio_nursery_open(&n);
      clutter(n);
      for (int i = 0; i < 9; ++i) structio_nursery_start_soon(&n, failing, nullptr);
      return structio_nursery_close(&n, 0, nullptr);
    };
    run_to(body, STRUCTIO_EGROUP);
  });
}

TEST_CASE("nothing is left of a run whose body failed or nobody asked why", "[FIB-14]") {
  leaves_nothing([] {
    auto body = [] {
      structio_nursery n;
      structio_nursery_open(&n);
      clutter(n);
      return structio_nursery_close(&n, fail(-5, "the body"), nullptr);
    };
    const int status = run(body);
    if (status != STRUCTIO_EGROUP) CHECK(status == STRUCTIO_EGROUP);
  });
}

TEST_CASE("nothing is left of a deadlock, shielded or not", "[FIB-05][FIB-14]") {
  leaves_nothing([] {
    auto stubborn = [] {
      structio_waiter w;
      structio_waiter_init(&w);
      const auto later = [](void*) -> int { return STRUCTIO_ABORT_LATER; };
      shielded([] { return structio_sleep_forever(); });
      return static_cast<int>(structio_park(&w, "nobody", later, nullptr));
    };
    auto body = [&] {
      structio_nursery n;
      structio_nursery_open(&n);
      structio_nursery_start_soon(&n, sleeper, nullptr);
      spawn(n, "stubborn", stubborn);
      start_system(stubborn);
      return structio_nursery_close(&n, 0, nullptr);
    };
    run_to(body, STRUCTIO_EDEADLOCK);
  });
}

TEST_CASE("nothing is left of an internal error, wherever it came from", "[FIB-14][RUN-07]") {
  leaves_nothing([] {
    auto injected = [] {
      return nursery_block([](structio_nursery& n) {
        clutter(n);
        structio_inject_internal_error();
        return structio_sleep_forever();
      });
    };
    run_to(injected, STRUCTIO_EINTERNAL);
    auto crashing = [] {
      structio_start_system_task(nullptr, failing, nullptr);
      structio_start_system_task(nullptr, failing, nullptr);
      structio_start_system_task(nullptr, sleeper, nullptr);
      return structio_sleep_forever();
    };
    run_to(crashing, STRUCTIO_EINTERNAL);
    // Both at once: one of them is told, neither is lost.
    auto both = [&] {
      structio_start_system_task(nullptr, failing, nullptr);
      structio_inject_internal_error();
      return structio_sleep_forever();
    };
    run_to(both, STRUCTIO_EINTERNAL);
    auto posting = [] {
      structio_portal* portal = nullptr;
      structio_portal_new(&portal);
      for (int i = 0; i < 5; ++i) structio_portal_post(portal, failing, nullptr);
      for (int i = 0; i < 5; ++i) structio_portal_post_once(portal, failing, nullptr);
      structio_portal_free(portal);
      return fail(-5, "main as well");
    };
    run_to(posting, STRUCTIO_EINTERNAL);
  });
}

TEST_CASE("nothing is left of an interrupted run", "[FIB-14][KI-10]") {
  leaves_nothing([] {
    auto body = [] {
      structio_nursery n;
      structio_nursery_open(&n);
      clutter(n);
      structio_inject_interrupt();
      return structio_nursery_close(&n, 0, nullptr);
    };
    run_to(body, STRUCTIO_EGROUP);
    auto late = [] { return structio_inject_interrupt(); };
    run_to(late, STRUCTIO_EINTERRUPTED);
  });
}

TEST_CASE("nothing is left of blocks that nobody closed", "[FIB-14][NUR-23]") {
  leaves_nothing([] {
    auto loser = [] {
      structio_nursery n;
      structio_nursery_open(&n);
      clutter(n);
      return fail(-9, "and off");
    };
    auto body = [&] {
      structio_nursery n;
      structio_nursery_open(&n);
      spawn(n, "loser", loser);
      return structio_nursery_close(&n, 0, nullptr);
    };
    run_to(body, STRUCTIO_EGROUP);
  });
}

TEST_CASE("nothing is left of handles that outlive their run", "[FIB-11][FIB-14]") {
  leaves_nothing([] {
    structio_task* task = nullptr;
    structio_portal* portal = nullptr;
    structio_cancel_token* token = nullptr;
    structio_scope scope;
    structio_scope_init(&scope, nullptr);
    auto body = [&] {
      structio_portal_new(&portal);
      structio_cancel_token_new(&scope, &token);
      structio_scope_cancel(&scope, "never entered");
      nursery_block([&](structio_nursery& n) {
        return structio_nursery_start_task(&n, nullptr, failing, nullptr, &task);
      });
      return 0;
    };
    run_to(body, 0);
    structio_portal_post(portal, failing, nullptr);
    structio_cancel_token_cancel(token);
    structio_task_cancel(task, "too late");
    structio_portal_free(portal);
    structio_cancel_token_free(token);
    structio_task_free(task);
    structio_scope_destroy(&scope);
  });
}

TEST_CASE("nothing is left of a signal that was watched", "[FIB-14]") {
  leaves_nothing([] {
    auto body = [] {
      structio_scope s;
      return scope_block(s, [&] {
        structio_scope_stop_on_signal(&s, SIGUSR1, STRUCTIO_SECONDS(1));
        structio_scope_stop_on_signal(&s, SIGUSR2, 0);
        raise(SIGUSR2);
        return structio_sleep_forever();
      });
    };
    run_to(body, 0);
  });
}

TEST_CASE("nothing is left of thousands of tasks", "[FIB-14][FIB-20]") {
  leaves_nothing([] {
    auto body = [] {
      return nursery_block([](structio_nursery& n) {
        for (int i = 0; i < 3000; ++i) structio_nursery_start_soon(&n, sleeper, nullptr);
        structio_checkpoint();
        return structio_scope_cancel(structio_nursery_scope(&n), nullptr);
      });
    };
    run_to(body, 0);
  });
}

TEST_CASE("nothing is left of runs that were refused", "[FIB-14][RUN-04]") {
  leaves_nothing([] {
    auto nothing = [] { return 0; };
    structio_run_options options = run_options();
    options.stack_size = SIZE_MAX;
    const int status = run(nothing, options);
    if (status >= 0) CHECK(status < 0);
    auto nested = [&] { return run(nothing); };
    run_to(nested, STRUCTIO_EMISUSE);
  });
}
