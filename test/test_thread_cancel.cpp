// Cancelling a task that waits for a thread: what waits, what is abandoned, who keeps what; and the
// tokens of limiters meanwhile.
#include <structio/structio_thread.h>
#include <structio/thread.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/face.hpp"
#include "support/gate.hpp"

using namespace c_tasks;

namespace {

// A limiter of the test's own that counts, lends at once, and can be made to fail.
struct counting_tokens {
  int borrowed = 0;
  int acquired = 0;
  int fail_release = 0;
  std::vector<const void*> borrowers;
  structio_thread_tokens tokens{};
  structio_thread_options options = STRUCTIO_THREAD_OPTIONS_INIT;

  counting_tokens() {
    tokens.struct_size = sizeof tokens;
    tokens.limiter = this;
    tokens.acquire_on_behalf = [](void* self, const void* borrower) {
      auto& of = *static_cast<counting_tokens*>(self);
      ++of.borrowed;
      ++of.acquired;
      of.borrowers.push_back(borrower);
      return 0;
    };
    tokens.release_on_behalf = [](void* self, const void* borrower) {
      auto& of = *static_cast<counting_tokens*>(self);
      CHECK(of.borrowers.back() == borrower);
      if (of.fail_release != 0) return c_tasks::fail(of.fail_release, "the limiter is broken");
      --of.borrowed;
      return 0;
    };
    options.tokens = &tokens;
  }
};

template <class Fn>
int in_thread(Fn& fn, const structio_thread_options* options = nullptr) {
  return structio_run_in_thread(call<Fn>, &fn, options);
}

// What an abandoned thread works with: on the heap, freed by its drop function.
struct left_alone {
  std::shared_ptr<support::gate> gate = std::make_shared<support::gate>();
  std::shared_ptr<support::counter> ended = std::make_shared<support::counter>();
  static int go(void* arg) {
    static_cast<left_alone*>(arg)->gate->wait();
    return 0;
  }
  static void drop(void* arg) {
    auto* self = static_cast<left_alone*>(arg);
    const auto counter = self->ended;
    delete self;
    counter->add();
  }
};

structio_thread_options abandonable() {
  structio_thread_options options = STRUCTIO_THREAD_OPTIONS_INIT;
  options.abandon_on_cancel = 1;
  options.drop = left_alone::drop;
  return options;
}

}  // namespace

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
  const auto ended = std::make_shared<support::counter>();
  structio_thread_options options = abandonable();
  auto main = [&] {
    for (int i = 0; i < 50; ++i) {
      auto* work = new left_alone;
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
        structio_checkpoint();
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

TEST_CASE("an abandoned thread keeps its token until it ends", "[THR-12]") {
  counting_tokens limiter;
  auto* work = new left_alone;
  const auto gate = work->gate;
  limiter.options.abandon_on_cancel = 1;
  limiter.options.drop = left_alone::drop;
  auto main = [&] {
    structio_scope scope;
    auto waiting = [&] {
      return scope_block(
          scope, [&] { return structio_run_in_thread(left_alone::go, work, &limiter.options); });
    };
    nursery_block([&](structio_nursery& n) {
      spawn(n, "waiting", waiting);
      settle();
      structio_scope_cancel(&scope, nullptr);
      return 0;
    });
    CHECK(limiter.borrowed == 1);
    gate->open();
    CHECK(structio_wait_all_threads_completed() == 0);
    CHECK(limiter.borrowed == 0);
    return 0;
  };
  CHECK(run(main) == 0);
}

TEST_CASE("a limiter of one's own is asked for two things only", "[THR-13]") {
  counting_tokens limiter;
  auto job = [&] { return limiter.borrowed; };
  auto main = [&] {
    CHECK(in_thread(job, &limiter.options) == 1);
    CHECK(in_thread(job, &limiter.options) == 1);
    return 0;
  };
  CHECK(run(main) == 0);
  CHECK(limiter.acquired == 2);
  CHECK(limiter.borrowed == 0);
}

TEST_CASE("what a limiter fails of comes out of the call", "[THR-14]") {
  counting_tokens limiter;
  limiter.fail_release = -77;
  auto good = [] { return 0; };
  auto bad = [] { return c_tasks::fail(-5, "of the job"); };
  auto main = [&] {
    CHECK(in_thread(good, &limiter.options) == -77);
    const owned_failure alone(structio_failure_take());
    CHECK(alone.text() == "the limiter is broken");
    CHECK(alone.tree().find("of the job") == std::string::npos);
    CHECK(in_thread(bad, &limiter.options) == -77);
    const owned_failure both(structio_failure_take());
    CHECK(both.code() == -77);
    CHECK(both.tree().find("of the job") != std::string::npos);
    limiter.tokens.acquire_on_behalf = [](void*, const void*) { return -78; };
    CHECK(in_thread(good, &limiter.options) == -78);
    return 0;
  };
  CHECK(run(main) == 0);
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

namespace {

// Twice as many tasks as there are tokens; none lets its thread end before all are there. Says how
// many threads worked at once at most, and checks how many tasks wait meanwhile.
int crowd(structio::limiter_ref limiter, int total, bool abandon) {
  const auto working = std::make_shared<support::counter>();
  const auto done = std::make_shared<support::counter>();
  const auto gate = std::make_shared<support::gate>();
  const auto job = [working, done, gate](std::atomic<bool>& has_begun) {
    has_begun = true;
    working->add();
    gate->wait();
    working->add(-1);
    done->add();
  };
  structio_limiter_statistics seen{};
  seen.struct_size = sizeof seen;
  std::vector<std::unique_ptr<structio::cancel_scope>> scopes;
  std::vector<std::shared_ptr<std::atomic<bool>>> begun;
  for (int i = 0; i < 2 * total; ++i) {
    scopes.push_back(std::make_unique<structio::cancel_scope>());
    begun.push_back(std::make_shared<std::atomic<bool>>(false));
  }
  structio::open_nursery([&](structio::nursery& n) {
    for (std::size_t i = 0; i < scopes.size(); ++i) {
      n.start_soon([&, i] {
        scopes[i]->run([&] {
          structio::run_in_thread({.limiter = limiter, .abandon_on_cancel = abandon},
                                  [job, flag = begun[i]] { job(*flag); });
        });
      });
    }
    structio::testing::wait_all_tasks_blocked();
    working->wait_for(total);
    for (std::size_t i = 0; abandon && i < scopes.size(); ++i) {
      if (*begun[i]) scopes[i]->cancel();
    }
    structio::testing::wait_all_tasks_blocked();
    structio_limiter_get_statistics(limiter.native(), &seen);
    CHECK(seen.borrowed == total);
    CHECK(seen.waiting == static_cast<std::size_t>(total));
    CHECK(structio::testing::active_thread_count() == static_cast<std::size_t>(total));
    gate->open();
  });
  structio::testing::wait_all_threads_completed();
  CHECK(done->now() == 2 * total);
  CHECK(limiter.borrowed() == 0);
  return working->most();
}

}  // namespace

TEST_CASE("never more threads than tokens, also when calls are abandoned", "[THR-12]") {
  for (const bool abandon : {false, true}) {
    face::run([&] {
      structio::capacity_limiter limiter(5);
      CHECK(crowd(limiter, 5, abandon) <= 5);
    });
  }
}

TEST_CASE("the run's own limiter holds for all who bring none", "[THR-12][SRC-10]") {
  face::run([] {
    const auto own = structio::default_thread_limiter();
    CHECK(own.total() == 40);
    own.set_total(3);
    CHECK(crowd({}, 3, true) <= 3);
  });
}

TEST_CASE("the run's own limiter: 40 tokens, resized, one for each run", "[SRC-10]") {
  structio_limiter* first = nullptr;
  face::run([&] {
    first = structio_default_thread_limiter();
    CHECK(first == structio_default_thread_limiter());
    structio::default_thread_limiter().set_total(7);
    structio::run_in_thread(
        [] { face::run([] { CHECK(structio::default_thread_limiter().total() == 40); }); });
    CHECK(structio::default_thread_limiter().total() == 7);
  });
  CHECK(face::throws<structio::usage_error>([] { structio::default_thread_limiter(); }));
}

TEST_CASE("the run's own limiter destroyed by its user: a code", "[SRC-10]") {
  auto job = [] { return 0; };
  auto main = [&] {
    CHECK(in_thread(job) == 0);
    CHECK(structio_limiter_destroy(structio_default_thread_limiter()) == 0);
    CHECK(in_thread(job) == STRUCTIO_EMISUSE);
    CHECK(says({"limiter", "destroyed"}));
    return 0;
  };
  CHECK(run(main) == 0);
}

TEST_CASE("the refusal of a thread leaves the limiter as it was", "[THR-15]") {
  auto job = [] { return 0; };
  auto main = [&] {
    structio_inject_thread_refusals(1);
    CHECK(in_thread(job) < 0);
    CHECK(structio::default_thread_limiter().borrowed() == 0);
    return in_thread(job);
  };
  CHECK(run(main) == 0);
}

TEST_CASE("a limiter that was done away with while a thread was alone", "[THR-12]") {
  auto* work = new left_alone;
  const auto gate = work->gate;
  structio_limiter limiter;
  structio_limiter_init(&limiter, 1);
  structio_thread_options options = abandonable();
  options.limiter = &limiter;
  auto main = [&] {
    auto waiting = [&] { return structio_run_in_thread(left_alone::go, work, &options); };
    structio_scope scope;
    auto in_scope = [&] { return scope_block(scope, waiting); };
    nursery_block([&](structio_nursery& n) {
      spawn(n, "waiting", in_scope);
      settle();
      structio_scope_cancel(&scope, nullptr);
      return 0;
    });
    CHECK(structio_limiter_destroy(&limiter) == STRUCTIO_EMISUSE);
    CHECK(structio_limiter_discard(&limiter) == 0);
    gate->open();
    return structio_wait_all_threads_completed();
  };
  CHECK(run(main) == 0);
}
