// Calls from a job's thread into the task that waits for it.
#include <structio/structio_thread.h>
#include <structio/thread.hpp>

#include <memory>
#include <string>
#include <thread>

#include "support/face.hpp"
#include "support/gate.hpp"
#include "support/refusals.hpp"

using namespace c_tasks;
using namespace std::chrono_literals;

namespace {

template <class Fn>
int in_thread(Fn& fn, const structio_thread_options* options = nullptr) {
  return structio_run_in_thread(call<Fn>, &fn, options);
}

template <class Fn>
int call_back(Fn&& fn) {
  return structio_thread_call(call<std::remove_reference_t<Fn>>, &fn);
}

// Runs a job whose thread cancels its own task's scope, and then `then(scope)`.
struct cancelling {
  structio::cancel_scope scope;
  bool finished = false;

  template <class Then>
  void run(bool abandon, Then then) {
    face::run([&] {
      finished = scope.run([&] {
        structio::run_in_thread({.abandon_on_cancel = abandon}, [this, then] {
          structio::from_thread::call([this] { scope.cancel("by the thread"); });
          then();
        });
      });
      structio::testing::wait_all_threads_completed();
    });
  }
};

}  // namespace

TEST_CASE("a call back runs inside the very task that waits", "[THR-25][THR-16]") {
  structio_task_id host = 0;
  structio_task_id seen = 0;
  auto ask = [&] {
    seen = structio_task_current();
    CHECK(structio_in_task() == 1);
    return 11;
  };
  auto job = [&] { return call_back(ask); };
  auto main = [&] {
    host = structio_task_current();
    CHECK(in_thread(job) == 11);
    return 0;
  };
  CHECK(run(main) == 0);
  CHECK(seen == host);
  CHECK(seen != 0);
}

TEST_CASE("a call back may wait, while other tasks run", "[THR-25]") {
  const double waited = face::run([] {
    const auto start = structio::clock::now();
    structio::run_in_thread([] { structio::from_thread::call([] { structio::sleep(5s); }); });
    return face::seconds_since(start);
  });
  CHECK(waited == 5);
}

TEST_CASE("values and exceptions come back to the thread", "[THR-16][THR-07]") {
  face::run([] {
    structio::run_in_thread([] {
      const std::string word = structio::from_thread::call([] { return std::string("word"); });
      CHECK(word == "word");
      CHECK(face::throws<face::key_error>(
          [] { structio::from_thread::call([] { throw face::key_error(); }); }));
    });
    CHECK(face::throws<face::value_error>([] {
      structio::run_in_thread(
          [] { structio::from_thread::call([]() -> int { throw face::value_error(); }); });
    }));
  });
}

TEST_CASE("a failure of a call back is in flight on the thread, with its words", "[THR-16]") {
  auto ask = [] { return c_tasks::fail(-31, "no such thing"); };
  std::string words;
  auto job = [&] {
    const int status = call_back(ask);
    words = structio_last_message();
    const owned_failure why(structio_failure_take());
    CHECK(why.text() == "no such thing");
    CHECK(std::string(structio_failure_task_name(why.raw)) == "main");
    return status;
  };
  auto main = [&] {
    CHECK(in_thread(job) == -31);
    return 0;
  };
  CHECK(run(main) == 0);
  CHECK(words == "no such thing");
}

TEST_CASE("a thread's call may start another thread", "[THR-26]") {
  std::thread::id first;
  std::thread::id second;
  face::run([&] {
    structio::run_in_thread([&] {
      first = std::this_thread::get_id();
      structio::from_thread::call(
          [&] { structio::run_in_thread([&] { second = std::this_thread::get_id(); }); });
    });
  });
  CHECK(first != second);
  CHECK(second != std::thread::id());
}

TEST_CASE("calls back into a cancelled task still run", "[THR-27]") {
  cancelling test;
  structio_task_id host = 0;
  structio_task_id seen = 1;
  test.run(false, [&] {
    structio::from_thread::call([&] { host = structio_task_current(); });
    structio::from_thread::call([&] { seen = structio_task_current(); });
  });
  CHECK(seen == host);
  CHECK(test.finished);  // the thread ended well, and so did the block
  CHECK(!test.scope.cancelled_caught());
}

TEST_CASE("calls of an abandoned thread are run by a system task", "[THR-28]") {
  const auto seen = std::make_shared<std::string>();
  cancelling test;
  test.run(true, [seen] {
    const std::string name = structio::from_thread::call([] { return structio::task_name(); });
    *seen = name;
  });
  CHECK(*seen == "call from a thread");
  CHECK(!test.finished);
  CHECK(test.scope.cancelled_caught());
}

TEST_CASE("a call back that waits in a cancelled task is cancelled", "[THR-29]") {
  for (const bool abandon : {false, true}) {
    cancelling test;
    const auto reason = std::make_shared<std::string>();
    // In the same call as the cancellation: the task has not abandoned the thread yet.
    face::run([&] {
      test.finished = test.scope.run([&] {
        structio::run_in_thread({.abandon_on_cancel = abandon}, [&test, reason] {
          try {
            structio::from_thread::call([&] {
              test.scope.cancel("by the thread");
              structio::sleep(1s);
            });
          } catch (const structio::cancelled& caught) {
            *reason = caught.what();
            throw;
          }
        });
      });
      structio::testing::wait_all_threads_completed();
    });
    CHECK(reason->find("by the thread") != std::string::npos);
    CHECK(!test.finished);
    CHECK(test.scope.cancelled_caught());
  }
}

TEST_CASE("a call back that does not wait succeeds in both modes", "[THR-29]") {
  for (const bool abandon : {false, true}) {
    cancelling test;
    const auto calls = std::make_shared<int>(0);
    test.run(abandon, [calls] {
      structio::from_thread::call([calls] { ++*calls; });
      structio::from_thread::call([calls] { ++*calls; });
    });
    CHECK(*calls == 2);
    CHECK(test.finished == !abandon);
  }
}

TEST_CASE("a thread abandoned by a run that has ended may call nobody", "[THR-22]") {
  const auto gate = std::make_shared<support::gate>();
  const auto done = std::make_shared<support::counter>();
  const auto status = std::make_shared<int>(0);
  face::run([&] {
    structio::cancel_scope scope;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        scope.run([&] {
          structio::run_in_thread({.abandon_on_cancel = true}, [gate, done, status] {
            gate->wait();
            auto nothing = [] { return 0; };
            *status = call_back(nothing);
            done->add();
          });
        });
      });
      structio::testing::wait_all_tasks_blocked();
      scope.cancel();
    });
  });
  gate->open();
  done->wait_for(1);
  CHECK(*status == STRUCTIO_ERUNFINISHED);
}

TEST_CASE("while the run ends, the task that still waits serves its thread", "[THR-22]") {
  // A system task that is shielded while the run is taken down: its own thread calls it, a portal
  // does not.
  int own = 1;
  int by_portal = 1;
  structio_portal* portal = nullptr;
  support::gate main_has_ended;
  auto job = [&] {
    main_has_ended.wait();
    auto ask = [] { return 8; };
    own = call_back(ask);
    by_portal = structio_portal_call(portal, call<decltype(ask)>, &ask, nullptr);
    return 0;
  };
  auto system = [&] { return shielded([&] { return in_thread(job); }); };
  auto told = [&] {
    structio_sleep_forever();
    main_has_ended.open();
    return 0;
  };
  auto main = [&] {
    CHECK(structio_portal_new(&portal) == 0);
    CHECK(start_system(system) == 0);
    CHECK(start_system(told) == 0);
    settle();
    return 0;
  };
  CHECK(run(main) == 0);
  structio_portal_free(portal);
  CHECK(own == 8);
  CHECK(by_portal == STRUCTIO_ERUNFINISHED);
}

TEST_CASE("a thread nobody knows may not call back", "[THR-21]") {
  int foreign = 0;
  int code = 0;
  auto nothing = [] { return 0; };
  auto ask = [&] {
    foreign = call_back(nothing);
    code = refused(foreign, STRUCTIO_EMISUSE, {"structio_thread_call", "portal"});
  };
  std::thread(ask).join();
  CHECK(code == 1);
  auto main = [&] {
    CHECK(refused(call_back(nothing), STRUCTIO_EMISUSE, {"inside a run"}));
    CHECK(structio_thread_call(nullptr, nullptr) == STRUCTIO_EINVALID);
    return 0;
  };
  CHECK(run(main) == 0);
}

TEST_CASE("threads that call back again and again come to their end", "[THR-33]") {
  structio::cancel_scope scope;
  std::array<int, 4> calls{};
  structio::run([&] {
    scope.run([&] {
      structio::open_nursery([&](structio::nursery& n) {
        for (int& count : calls) {
          n.start_soon([&count] {
            for (;;) {
              structio::run_in_thread([&count] {
                structio::from_thread::call([&count] {
                  ++count;
                  structio::sleep(0s);
                });
              });
            }
          });
        }
        structio::sleep(100ms);
        scope.cancel();
      });
    });
  });
  CHECK(scope.cancelled_caught());
  for (const int count : calls) CHECK(count > 0);
}

TEST_CASE("a deadlock behind a call back is found", "[THR-25]") {
  auto ask = [] {
    structio_lot lot;
    structio_lot_init(&lot);
    const int status = structio_lot_park(&lot);
    structio_lot_destroy(&lot);
    return status;
  };
  int of_call = 0;
  auto job = [&] { return of_call = call_back(ask); };
  auto main = [&] { return in_thread(job); };
  CHECK(run(main) == STRUCTIO_EDEADLOCK);
  CHECK(of_call == STRUCTIO_ECANCELLED);
}

TEST_CASE("a call back that leaves a scope open has failed", "[THR-25]") {
  static structio_scope left_open;
  auto ask = [] {
    structio_scope_init(&left_open, nullptr);
    return structio_scope_enter(&left_open);
  };
  auto job = [&] { return call_back(ask); };
  auto main = [&] {
    CHECK(refused(in_thread(job), STRUCTIO_EMISUSE, {"open"}));
    return structio_checkpoint();
  };
  CHECK(run(main) == 0);
}
