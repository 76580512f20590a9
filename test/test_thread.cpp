// run_in_thread: values and failures, names, locals, what the thread is and is not.
#include <structio/structio_thread.h>
#include <structio/thread.hpp>

#include <pthread.h>

#include <signal.h>
#include <cerrno>

#include <memory>
#include <string>
#include <thread>

#include "support/face.hpp"
#include "support/gate.hpp"
#include "support/op_proof.hpp"
#include "support/refusals.hpp"

using namespace c_tasks;

namespace {

int in_thread(auto& fn, const structio_thread_options* options = nullptr) {
  using function = std::remove_reference_t<decltype(fn)>;
  return structio_run_in_thread(call<function>, &fn, options);
}

std::string thread_name() {
  char name[64] = "";
  pthread_getname_np(pthread_self(), name, sizeof name);
  return name;
}

structio::task_local<std::string> colour;

}  // namespace

TEST_CASE("a thread's value is the call's, from another thread", "[THR-07]") {
  std::thread::id there;
  auto job = [&] {
    there = std::this_thread::get_id();
    return 7;
  };
  auto main = [&] {
    CHECK(in_thread(job) == 7);
    return 0;
  };
  CHECK(run(main) == 0);
  CHECK(there != std::this_thread::get_id());
  CHECK(face::run([] { return structio::run_in_thread([] { return std::string("value"); }); }) ==
        "value");
}

TEST_CASE("what a thread fails of is its caller's failure", "[THR-07]") {
  auto plain = [] { return -5; };
  auto with_text = [] { return c_tasks::fail(-6, "the disk is full"); };
  auto of_refusal = [] { return structio_run_in_thread(nullptr, nullptr, nullptr); };
  auto main = [&] {
    CHECK(in_thread(plain) == -5);
    owned_failure why(structio_failure_take());
    CHECK(why.code() == -5);
    CHECK(in_thread(with_text) == -6);
    CHECK(message() == "the disk is full");
    const owned_failure text(structio_failure_take());
    CHECK(text.text() == "the disk is full");
    CHECK(in_thread(of_refusal) == STRUCTIO_EINVALID);  // and the message comes along
    CHECK(says({"structio_run_in_thread", "fn", "NULL"}));
    return 0;
  };
  CHECK(run(main) == 0);
}

TEST_CASE("the very exception comes out, with its while lines", "[THR-07]") {
  const auto* thrown_at = static_cast<const void*>(nullptr);
  face::run([&] {
    try {
      structio::run_in_thread([&] {
        structio::while_doing("reading", [&] {
          auto thrown = std::make_exception_ptr(face::key_error("k"));
          try {
            std::rethrow_exception(thrown);
          } catch (const face::key_error& e) {
            thrown_at = &e;
          }
          std::rethrow_exception(thrown);
        });
      });
      FAIL("nothing was thrown");
    } catch (const face::key_error& e) {
      CHECK(&e == thrown_at);
    }
  });
}

TEST_CASE("a failure that the caller has in flight stays his", "[THR-07]") {
  auto job = [] { return 0; };
  auto main = [&] {
    structio_failure* mine = nullptr;
    structio_failure_new_status(-9, "mine", &mine);
    structio_failure_raise(mine);
    CHECK(in_thread(job) == 0);
    const owned_failure still(structio_failure_take());
    CHECK(still.text() == "mine");
    return 0;
  };
  CHECK(run(main) == 0);
}

TEST_CASE("other tasks run while a thread works", "[THR-07]") {
  support::gate gate;
  auto job = [&] {
    gate.wait();
    return 0;
  };
  auto waiting = [&] { return in_thread(job); };
  auto main = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "waiting", waiting);
      settle();
      gate.open();
      return 0;
    });
  };
  CHECK(run(main) == 0);
}

TEST_CASE("a thread has the name it was given, or the task's", "[THR-05][THR-06]") {
  std::string seen;
  auto job = [&] {
    seen = thread_name();
    return 0;
  };
  const auto named = [&](const char* name) {
    structio_thread_options options = STRUCTIO_THREAD_OPTIONS_INIT;
    options.name = name;
    CHECK(in_thread(job, &options) == 0);
    return seen;
  };
  auto main = [&] {
    CHECK(in_thread(job) == 0);
    CHECK(seen == "main");
    CHECK(named("reader").compare("reader") == 0);
    CHECK(named("a name longer than the system takes") == "a name longer t");
    CHECK(named("").empty());
    CHECK(named("gr\xc3\xb6\xc3\x9f"
                "er\n") == "gr??er?");
    return 0;
  };
  CHECK(run(main) == 0);
}

TEST_CASE("a thread that is idle again has the pool's name", "[THR-05][THR-06]") {
  pthread_t thread{};
  auto job = [&] {
    thread = pthread_self();
    return 0;
  };
  auto main = [&] { return in_thread(job); };
  CHECK(run(main) == 0);
  char name[64] = "main";
  while (std::string(name) == "main") {
    pthread_getname_np(thread, name, sizeof name);
    std::this_thread::yield();
  }
  CHECK(std::string(name) == "structio-worker");
}

TEST_CASE("what a job did to its thread is not there for the next one", "[THR-05][THR-06]") {
  std::string name;
  int error = -1;
  auto renames = [] {
    pthread_setname_np(pthread_self(), "left behind");
    return errno = EDOM, 0;
  };
  auto looks = [&] {
    error = errno;
    name = thread_name();
    return 0;
  };
  auto main = [&] {
    const int status = in_thread(renames);
    return status == 0 ? in_thread(looks) : status;
  };
  CHECK(run(main) == 0);
  CHECK(name == "main");
  CHECK(error == 0);
}

TEST_CASE("a thread sees a copy of the task's locals", "[THR-18]") {
  face::run([] {
    colour.set("red");
    structio::run_in_thread([] {
      CHECK(colour.get() == "red");
      colour.set("blue");
      CHECK(colour.get() == "blue");
      structio::from_thread::call([] { CHECK(colour.get() == "red"); });
    });
    CHECK(colour.get() == "red");
  });
}

TEST_CASE("a thread keeps nothing of its last job's locals", "[THR-20]") {
  static const char key = 0;
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = held;
  auto job = [] {
    void* seen = nullptr;
    CHECK(structio_local_get(&key, &seen) == 0);
    auto* own = new std::shared_ptr<int>(*static_cast<std::shared_ptr<int>*>(seen));
    const auto drop = [](void* value) { delete static_cast<std::shared_ptr<int>*>(value); };
    static const char other = 0;
    CHECK(structio_local_set(&other, own, drop, nullptr) == 0);
    return 0;
  };
  auto main = [&] {
    const auto drop = [](void* value) { delete static_cast<std::shared_ptr<int>*>(value); };
    structio_local_set(&key, new std::shared_ptr<int>(std::move(held)), drop, nullptr);
    return in_thread(job);
  };
  CHECK(run(main) == 0);
  CHECK(watched.expired());
}

TEST_CASE("a token of a job's local is good in that job only", "[THR-20]") {
  static const char key = 0;
  structio_local_token token{};
  int value = 0;
  auto sets = [&] { return structio_local_set(&key, &value, nullptr, &token); };
  int later = 0;
  auto resets = [&] {
    later = structio_local_reset(&key, &token);
    return structio_local_token_free(&token);
  };
  auto main = [&] {
    CHECK(in_thread(sets) == 0);
    CHECK(in_thread(resets) == 0);
    return 0;
  };
  CHECK(run(main) == 0);
  CHECK(later == STRUCTIO_EINVALID);
}

TEST_CASE("a thread of a job is outside of tasks and runs", "[FIB-18]") {
  auto job = [] {
    CHECK(structio_in_run() == 0);
    CHECK(structio_in_task() == 0);
    CHECK(structio_in_thread_job() == 1);
    CHECK(refused(structio_sleep(1), STRUCTIO_ENOTASK, {"worker thread", "structio_thread_call"}));
    auto nested = [] {
      CHECK(structio_in_thread_job() == 0);
      auto nothing = [] { return 0; };
      CHECK(refused(structio_thread_call(call<decltype(nothing)>, &nothing), STRUCTIO_EMISUSE,
                    {"from inside a run"}));
      return structio_checkpoint();
    };
    CHECK(run(nested) == 0);  // a run of its own is fine
    return 0;
  };
  auto main = [&] {
    CHECK(structio_in_thread_job() == 0);
    return in_thread(job);
  };
  CHECK(run(main) == 0);
}

TEST_CASE("a thread gets no signals but its own", "[SRC-11]") {
  sigset_t blocked;
  auto job = [&] { return pthread_sigmask(SIG_SETMASK, nullptr, &blocked); };
  auto main = [&] { return in_thread(job); };
  CHECK(run(main) == 0);
  for (const int outer : {SIGINT, SIGTERM, SIGCHLD, SIGPIPE, SIGUSR1}) {
    CHECK(sigismember(&blocked, outer) == 1);
  }
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) CHECK(sigismember(&blocked, own) == 0);
}

TEST_CASE("the system refuses a thread: a code, and no token is kept", "[THR-15]") {
  int borrowed = 0;
  structio_thread_tokens tokens{};
  tokens.struct_size = sizeof tokens;
  tokens.limiter = &borrowed;
  tokens.acquire_on_behalf = [](void* n, const void*) { return ++*static_cast<int*>(n), 0; };
  tokens.release_on_behalf = [](void* n, const void*) { return --*static_cast<int*>(n), 0; };
  structio_thread_options options = STRUCTIO_THREAD_OPTIONS_INIT;
  options.tokens = &tokens;
  int dropped = 0;
  auto job = [] { return 0; };
  auto main = [&] {
    structio_inject_thread_refusals(1);
    CHECK(in_thread(job, &options) == -EAGAIN);
    CHECK(borrowed == 0);
    CHECK(structio_threads_active() == 0);
    options.drop = [](void* n) { ++*static_cast<int*>(n); };
    structio_inject_thread_refusals(1);
    const auto never = [](void*) { return 0; };
    CHECK(structio_run_in_thread(never, &dropped, &options) == -EAGAIN);
    CHECK(dropped == 1);
    CHECK(structio_run_in_thread(never, &dropped, &options) == 0);
    CHECK(dropped == 2);
    return 0;
  };
  CHECK(run(main) == 0);
}

TEST_CASE("bad calls are refused, and what was handed over is dropped", "[THR-21]") {
  int dropped = 0;
  structio_thread_options options = STRUCTIO_THREAD_OPTIONS_INIT;
  options.drop = [](void* n) { ++*static_cast<int*>(n); };
  const auto nothing = [](void*) { return 0; };
  CHECK(structio_run_in_thread(nothing, &dropped, &options) == STRUCTIO_ENOTASK);
  CHECK(structio_run_in_thread(nullptr, &dropped, &options) == STRUCTIO_EINVALID);
  CHECK(dropped == 2);
  auto main = [&] {
    structio_thread_tokens tokens{};
    tokens.struct_size = sizeof tokens;
    options.tokens = &tokens;
    CHECK(refused(structio_run_in_thread(nothing, &dropped, &options), STRUCTIO_EINVALID,
                  {"structio_run_in_thread", "tokens"}));
    options.struct_size = 3;
    options.drop = nullptr;
    CHECK(refused(structio_run_in_thread(nothing, nullptr, &options), STRUCTIO_EINVALID,
                  {"struct_size"}));
    return 0;
  };
  CHECK(run(main) == 0);
  CHECK(dropped == 3);
  CHECK(refused(structio_thread_check_cancelled(), STRUCTIO_EMISUSE, {"structio_run_in_thread"}));
  CHECK(structio_threads_active() == STRUCTIO_ENOTASK);
  CHECK(structio_wait_all_threads_completed() == STRUCTIO_ENOTASK);
  CHECK(structio_default_thread_limiter() == nullptr);
}

TEST_CASE("threads are counted until they have ended", "[THR-34]") {
  support::gate first;
  support::gate second;
  auto one = [&] { return first.wait(), 0; };
  auto two = [&] { return second.wait(), 0; };
  auto wait_for_one = [&] { return in_thread(one); };
  auto wait_for_two = [&] { return in_thread(two); };
  bool all = false;
  auto waiting = [&] {
    CHECK(structio_wait_all_threads_completed() == 0);
    CHECK(structio_threads_active() == 0);
    all = true;
    return 0;
  };
  auto main = [&] {
    return nursery_block([&](structio_nursery& n) {
      structio_nursery inner;
      structio_nursery_open(&inner);
      spawn(inner, "one", wait_for_one);
      spawn(n, "two", wait_for_two);
      settle();
      CHECK(structio_threads_active() == 2);
      spawn(n, "waiting", waiting);
      first.open();
      structio_nursery_close(&inner, 0, nullptr);
      CHECK(structio_threads_active() == 1);
      settle();
      CHECK(!all);
      second.open();
      return 0;
    });
  };
  CHECK(run(main) == 0);
  CHECK(all);
}

TEST_CASE("without threads nobody waits for them", "[THR-35]") {
  face::run([] {
    CHECK(structio::testing::active_thread_count() == 0);
    structio::testing::wait_all_threads_completed();
  });
}

namespace {

void prove_threads() {
  auto job = [] { return 0; };
  CHECK(op_proof::halves([&] { in_thread(job); }) == 2);
  CHECK(op_proof::halves([] { structio_wait_all_threads_completed(); }) == 2);
  int begun = 0;
  auto counted = [&] { return ++begun; };
  CHECK(op_proof::cancelled([&] { return in_thread(counted); }) == op_proof::aborted);
  CHECK(begun == 0);
  CHECK(op_proof::cancelled([] { return structio_wait_all_threads_completed(); }) ==
        op_proof::aborted);
}

const op_proof::area proof({{"structio_run_in_thread", 1, STRUCTIO_EFFECT_BODY},
                            {"structio_wait_all_threads_completed", 1, STRUCTIO_EFFECT_NOTHING}},
                           prove_threads);

}  // namespace
