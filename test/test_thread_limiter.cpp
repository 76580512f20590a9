// Tokens of limiters, borrowed on behalf of threads: the run's own, a limiter, functions of one's
// own; also while calls are abandoned.
#include <structio/structio_thread.h>
#include <structio/thread.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "support/face.hpp"
#include "support/threads.hpp"

using namespace c_tasks;
using namespace thread_test;

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

namespace {

// Twice as many tasks as there are tokens; none lets its thread end before all are there. Says how
// many threads worked at once at most, and checks how many tasks wait meanwhile.
int crowd(structio::limiter_ref limiter, int total, bool abandon) {
  const auto used = limiter.native() ? limiter : structio::default_thread_limiter();
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
    structio_limiter_get_statistics(used.native(), &seen);
    CHECK(seen.borrowed == total);
    CHECK(seen.waiting == static_cast<std::size_t>(total));
    CHECK(structio::testing::active_thread_count() == static_cast<std::size_t>(total));
    gate->open();
  });
  structio::testing::wait_all_threads_completed();
  CHECK(done->now() == 2 * total);
  CHECK(used.borrowed() == 0);
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
