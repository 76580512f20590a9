// Cancelling a task that waits for a thread: what waits, what is abandoned, who is told
// what. The tokens of limiters meanwhile are in test_thread_limiter.cpp.
#include <structio/structio_thread.h>
#include <structio/thread.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "support/face.hpp"
#include "support/threads.hpp"

using namespace c_tasks;
using namespace thread_test;

TEST_CASE("cancelling has no effect until the thread ends", "[THR-09]") {
  support::gate gate;
  structio_scope scope;
  bool ended = false;
  auto job = [&] { return gate.wait(), 3; };
  auto waiting = [&] {
    return scope_block(scope, [&] {
      CHECK(in_thread(job) == 3);
      ended = true;
      return structio_checkpoint();
    });
  };
  auto main = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "waiting", waiting);
      settle();
      structio_scope_cancel(&scope, nullptr);
      settle();
      CHECK(!ended);
      gate.open();
      return 0;
    });
  };
  CHECK(run(main) == 0);
  CHECK(ended);
  CHECK(structio_scope_cancelled_caught(&scope) == 1);
}

TEST_CASE("who is cancelled before starts no thread", "[THR-10]") {
  counting_tokens limiter;
  std::atomic<bool> begun{false};
  int dropped = 0;
  auto job = [&] { return begun = true, 0; };
  auto main = [&] {
    structio_scope scope;
    CHECK(scope_block(scope, [&] {
            structio_scope_cancel(&scope, nullptr);
            CHECK(in_thread(job, &limiter.options) == STRUCTIO_ECANCELLED);
            limiter.options.abandon_on_cancel = 1;
            limiter.options.drop = [](void* n) { ++*static_cast<int*>(n); };
            const auto never = [](void*) { return 0; };
            return structio_run_in_thread(never, &dropped, &limiter.options);
          }) == 0);
    CHECK(structio_threads_active() == 0);
    return 0;
  };
  CHECK(run(main) == 0);
  CHECK(!begun);
  CHECK(limiter.acquired == 0);
  CHECK(dropped == 1);
}

TEST_CASE("an abandoned thread goes on, and may outlive the run", "[THR-11]") {
  auto* work = new left_alone;
  const auto gate = work->gate;
  const auto ended = work->ended;
  const structio_thread_options options = abandonable();
  auto main = [&] {
    structio_scope scope;
    auto waiting = [&] {
      return scope_block(scope,
                         [&] { return structio_run_in_thread(left_alone::go, work, &options); });
    };
    nursery_block([&](structio_nursery& n) {
      spawn(n, "waiting", waiting);
      settle();
      CHECK(structio_threads_active() == 1);
      structio_scope_cancel(&scope, nullptr);
      return 0;
    });
    CHECK(structio_scope_cancelled_caught(&scope) == 1);
    CHECK(structio_threads_active() == 1);
    return 0;
  };
  CHECK(run(main) == 0);
  CHECK(ended->now() == 0);
  gate->open();
  ended->wait_for(1);
}

TEST_CASE("when the thread ends first, completion wins over abandonment", "[THR-09]") {
  const auto begun = std::make_shared<support::counter>();
  const auto ended = std::make_shared<support::counter>();
  structio_thread_options options = abandonable();
  auto main = [&] {
    for (int i = 0; i < 50; ++i) {
      auto* work = new left_alone;
      work->begun = begun;
      work->ended = ended;
      work->gate->open();
      structio_scope scope;
      int status = 1;
      auto waiting = [&] {
        return scope_block(scope, [&] {
          status = structio_run_in_thread(left_alone::go, work, &options);
          return status;
        });
      };
      nursery_block([&](structio_nursery& n) {
        spawn(n, "waiting", waiting);
        // In a shuffled order one pass does not promise that the thread has its job.
        while (begun->now() <= i) structio_checkpoint();
        if (i % 2 == 0) ended->wait_for(i + 1);  // dropped: it is as good as back
        structio_scope_cancel(&scope, nullptr);
        return 0;
      });
      CHECK((status == 0 || status == STRUCTIO_ECANCELLED));
    }
    return structio_wait_all_threads_completed();
  };
  CHECK(run(main) == 0);
  CHECK(ended->now() == 50);
}

TEST_CASE("a thread asks whether its task is cancelled", "[THR-30]") {
  support::gate begun;
  support::gate go_on;
  int first = 1;
  std::string reason;
  structio::cancel_scope scope;
  const bool to_its_end = face::run([&] {
    bool finished = false;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        finished = scope.run([&] {
          structio::run_in_thread([&] {
            first = structio_thread_check_cancelled();
            begun.open();
            go_on.wait();
            try {
              structio::from_thread::check_cancelled();
            } catch (const structio::cancelled& caught) {
              reason = caught.what();
              throw;
            }
          });
        });
      });
      structio::testing::wait_all_tasks_blocked();
      begun.wait();
      scope.cancel("enough of it");
      go_on.open();
    });
    return finished;
  });
  CHECK(first == 0);
  CHECK(reason.find("enough of it") != std::string::npos);
  CHECK(!to_its_end);
  CHECK(scope.cancelled_caught());
}

TEST_CASE("an abandoned thread is told that it is", "[THR-31]") {
  const auto ended = std::make_shared<support::counter>();
  const auto told = std::make_shared<std::atomic<bool>>(false);
  structio::cancel_scope scope;
  face::run([&] {
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        scope.run([&] {
          structio::run_in_thread({.abandon_on_cancel = true}, [ended, told] {
            while (!*told) {
              try {
                structio::from_thread::check_cancelled();
              } catch (const structio::cancelled&) {
                *told = true;
                ended->add();
                throw;
              }
            }
          });
        });
      });
      structio::testing::wait_all_tasks_blocked();
      scope.cancel();
    });
    ended->wait_for(1);
  });
  CHECK(*told);
  CHECK(scope.cancelled_caught());
}

TEST_CASE("a closure that may be abandoned is destroyed on its thread", "[THR-11]") {
  struct noting {
    std::thread::id* where;
    explicit noting(std::thread::id* w) : where(w) {}
    noting(noting&& other) noexcept : where(std::exchange(other.where, nullptr)) {}
    ~noting() {
      if (where) *where = std::this_thread::get_id();
    }
  };
  std::thread::id worked;
  std::thread::id destroyed;
  const int value = face::run([&] {
    return structio::run_in_thread({.abandon_on_cancel = true},
                                   [&worked, held = noting(&destroyed)] {
                                     worked = std::this_thread::get_id();
                                     return 5;
                                   });
  });
  CHECK(value == 5);
  CHECK(worked != std::this_thread::get_id());
  CHECK(destroyed == worked);
  CHECK(face::run([] {
    return face::throws<face::key_error>([] {
      structio::run_in_thread({.abandon_on_cancel = true}, [] { throw face::key_error(); });
    });
  }));
}

TEST_CASE("a job that says cancelled although nobody is, is only a code", "[THR-30]") {
  auto job = [] { return STRUCTIO_ECANCELLED; };
  auto main = [&] {
    structio_scope scope;
    CHECK(scope_block(scope, [&] { return in_thread(job); }) == STRUCTIO_ECANCELLED);
    return 0;
  };
  CHECK(run(main) == 0);
}

TEST_CASE("an interrupt waits for the thread, which can ask for it", "[KI-11][THR-03]") {
  support::gate go_on;
  int told = 0;
  auto job = [&] {
    go_on.wait();
    told = structio_thread_check_cancelled();
    return 4;
  };
  auto other = [&] {
    settle();
    structio_inject_interrupt();
    settle();
    go_on.open();
    return 0;
  };
  auto main = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "other", other);
      CHECK(in_thread(job) == 4);
      CHECK(structio_checkpoint() == STRUCTIO_EINTERRUPTED);
      auto passes_on = [&] {
        while (structio_thread_check_cancelled() == 0) {
        }
        return structio_thread_check_cancelled();
      };
      structio_inject_interrupt();
      CHECK(in_thread(passes_on) == STRUCTIO_EINTERRUPTED);
      CHECK(structio_checkpoint() == 0);  // it was delivered
      return 0;
    });
  };
  CHECK(run(main) == 0);
  CHECK(told == STRUCTIO_EINTERRUPTED);
}

TEST_CASE("an interrupt that the task took in a call is told no more", "[KI-11][THR-03]") {
  int in_call = 0;
  int told = 1;
  auto look = [&] {
    in_call = structio_checkpoint();
    return 0;
  };
  using function = decltype(look);
  auto job = [&] {
    while (structio_thread_check_cancelled() == 0) {
    }
    structio_thread_call(call<function>, &look);
    return told = structio_thread_check_cancelled();
  };
  auto main = [&] {
    structio_inject_interrupt();
    CHECK(in_thread(job) == 0);
    return structio_checkpoint();
  };
  CHECK(run(main) == 0);
  CHECK(in_call == STRUCTIO_EINTERRUPTED);
  CHECK(told == 0);
}

namespace {

// A task that waits for a job behind a shield which is raised when the cancellation is there.
// `first` is what the thread saw before, `status` what the job gave the task.
struct shield_raised {
  bool returns_first;
  support::gate cancelled{};
  support::counter seen{};
  support::gate raised{};
  structio_scope inner{};
  int first = 1;
  int then = 1;
  int status = 1;
  int after = 1;

  int job() {
    cancelled.wait();
    first = structio_thread_check_cancelled();
    seen.add();
    raised.wait();
    then = structio_thread_check_cancelled();
    return returns_first ? first : then;
  }
  int waits() {
    return scope_block(inner, [this] {
      auto work = [this] { return job(); };
      status = in_thread(work);
      after = structio_checkpoint();
      return status;
    });
  }
  int main() {
    auto waiting = [this] { return waits(); };
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "waiting", waiting);
      settle();
      structio_scope_cancel(structio_nursery_scope(&n), "all of it");
      cancelled.open();
      seen.wait_for(1);
      structio_scope_set_shield(&inner, 1);
      raised.open();
      return 0;
    });
  }
};

}  // namespace

TEST_CASE("a shield that is raised takes back what the thread was told", "[THR-30]") {
  shield_raised test{false};
  CHECK(run([&] { return test.main(); }) == 0);
  CHECK(test.first == STRUCTIO_ECANCELLED);
  CHECK(test.then == 0);
  CHECK(test.status == 0);
  CHECK(test.after == 0);
}

TEST_CASE("what the thread was told before the shield goes out to who cancelled", "[THR-30]") {
  shield_raised test{true};
  CHECK(run([&] { return test.main(); }) == 0);
  CHECK(test.then == 0);
  CHECK(test.status == STRUCTIO_ECANCELLED);
}

TEST_CASE("a shield that is lowered tells the thread again", "[THR-30]") {
  structio_scope inner;
  support::gate lowered;
  int told = 0;
  auto job = [&] {
    lowered.wait();
    return told = structio_thread_check_cancelled();
  };
  auto waiting = [&] { return scope_block(inner, [&] { return in_thread(job); }); };
  auto main = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "waiting", waiting);
      settle();
      structio_scope_cancel(structio_nursery_scope(&n), nullptr);
      structio_scope_set_shield(&inner, 1);
      structio_scope_set_shield(&inner, 0);
      lowered.open();
      return 0;
    });
  };
  CHECK(run(main) == 0);
  CHECK(told == STRUCTIO_ECANCELLED);
}

TEST_CASE("another run's cancellation is none of the task's", "[THR-04]") {
  support::gate begun;
  support::gate sleeping;
  structio_portal* portal = nullptr;
  std::thread other([&] {
    run([&] {
      structio_portal_new(&portal);
      begun.open();
      auto waits = [&] { return sleeping.wait(), 0; };
      const int status = in_thread(waits);
      settle();
      return status;
    });
  });
  begun.wait();
  std::string text;
  auto sleeps = [&] {
    sleeping.open();
    return structio_sleep_forever();
  };
  using function = decltype(sleeps);
  auto job = [&] {
    structio_failure* why = nullptr;
    const int status = structio_portal_call(portal, call<function>, &sleeps, &why);
    structio_failure_raise(why);
    return status;
  };
  int status = 0;
  auto main = [&] {
    status = in_thread(job);
    const owned_failure why(structio_failure_take());
    text = why.tree();
    return structio_checkpoint();
  };
  CHECK(run(main) == 0);
  other.join();
  structio_portal_free(portal);
  CHECK(status == STRUCTIO_ERUNFINISHED);
  CHECK(text.find("the main task has ended") != std::string::npos);
}
