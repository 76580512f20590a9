// The cache of worker threads: who gets which thread, until when one stays, what is kept.
#include <structio/structio_thread.h>
#include <structio/thread.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "support/face.hpp"
#include "support/gate.hpp"
#include "support/refusals.hpp"
#include "support/valgrind.hpp"

using namespace c_tasks;

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif

namespace {

#ifndef UNDER_TSAN  // which has no threads in a child
// Whether the thread that the process began with has ended, the others going on.
bool first_thread_ended() {
#ifdef __linux__
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("State:")) return line.find('Z') != std::string::npos;
  }
#endif
  return true;
}
#endif

// A job with its deliver function, as two lambdas that outlive it.
template <class Fn, class Deliver>
struct job {
  Fn fn;
  Deliver deliver;

  static int work(void* arg) { return static_cast<job*>(arg)->fn(); }
  static int tell(void* arg, int status, structio_failure* failure) {
    const owned_failure why(failure);
    return static_cast<job*>(arg)->deliver(status, why);
  }
  int start(const char* name = nullptr) {
    return structio_start_thread_soon(work, this, tell, name);
  }
};
template <class Fn, class Deliver>
job(Fn, Deliver) -> job<Fn, Deliver>;

std::uint64_t threads_alive() {
  std::uint64_t alive = 0;
  std::uint64_t idle = 0;
  structio_thread_cache_counts(&alive, &idle);
  return alive;
}

void wait_until_idle() {
  for (;;) {
    std::uint64_t alive = 0;
    std::uint64_t idle = 0;
    structio_thread_cache_counts(&alive, &idle);
    if (alive == idle) return;
    std::this_thread::yield();
  }
}

}  // namespace

TEST_CASE("a job's status and failure are delivered on its thread", "[TCACHE-01]") {
  support::counter done;
  std::thread::id worked;
  std::thread::id told;
  int status = 0;
  std::string text;
  job good{[&] {
             worked = std::this_thread::get_id();
             CHECK(structio_in_thread_job() == 1);
             CHECK(refused(structio_thread_call(nullptr, nullptr), STRUCTIO_EINVALID, {"fn"}));
             CHECK(structio_thread_check_cancelled() == STRUCTIO_EMISUSE);
             return 3;
           },
           [&](int code, const owned_failure& why) {
             told = std::this_thread::get_id();
             CHECK(structio_in_thread_job() == 0);
             CHECK(why.raw == nullptr);
             status = code;
             done.add();
             return 0;
           }};
  const int started = good.start("good");  // looked at later: the thread has checks of its own
  done.wait_for(1);
  CHECK(started == 0);
  CHECK(status == 3);
  CHECK(worked == told);
  job bad{[] { return c_tasks::fail(-5, "the job failed"); },
          [&](int code, const owned_failure& why) {
            status = code;
            text = why.text();
            done.add();
            return 0;
          }};
  CHECK(bad.start() == 0);
  done.wait_for(2);
  CHECK(status == -5);
  CHECK(text == "the job failed");
}

TEST_CASE("nothing of a job is kept after it was delivered", "[TCACHE-02]") {
  // The storage of job and argument is gone when deliver returns.
  support::counter done;
  struct on_heap {
    support::counter* done;
    std::vector<int> contents = std::vector<int>(100, 7);
    static int work(void*) { return 0; }
    static int tell(void* arg, int, structio_failure*) {
      auto* self = static_cast<on_heap*>(arg);
      support::counter* counter = self->done;
      delete self;
      counter->add();
      return 0;
    }
  };
  for (int i = 0; i < 20; ++i) {
    CHECK(structio_start_thread_soon(on_heap::work, new on_heap{&done}, on_heap::tell, "") == 0);
  }
  done.wait_for(20);
  const std::shared_ptr<int> held = std::make_shared<int>(1);
  structio::run([&] {
    structio::run_in_thread({.abandon_on_cancel = true}, [copy = held] { return *copy; });
  });
  CHECK(held.use_count() == 1);
}

TEST_CASE("a job that deliver starts gets the very same thread", "[TCACHE-03]") {
  support::counter others;
  support::gate go;
  job busy{[&] {
             others.add();
             go.wait();
             return 0;
           },
           [&](int, const owned_failure&) {
             others.add(-1);
             return 0;
           }};
  for (int i = 0; i < 5; ++i) CHECK(busy.start() == 0);
  others.wait_for(5);
  go.open();
  others.wait_for(0);
  wait_until_idle();
  static std::array<std::thread::id, 6> seen;
  static std::atomic<int> round;
  static support::gate done;
  round = 0;
  struct chain {
    static int work(void*) {
      seen[static_cast<std::size_t>(round)] = std::this_thread::get_id();
      return 0;
    }
    static int tell(void*, int, structio_failure*) {
      if (++round == 6) {
        done.open();
        return 0;
      }
      return structio_start_thread_soon(work, nullptr, tell, "chain");
    }
  };
  CHECK(structio_start_thread_soon(chain::work, nullptr, chain::tell, "chain") == 0);
  done.wait();
  for (const auto& id : seen) CHECK(id == seen[0]);
}

TEST_CASE("an idle thread ends after its time", "[TCACHE-04]") {
  structio_thread_cache_set_idle_timeout(0);
  while (threads_alive() > 0) std::this_thread::yield();
  structio_thread_cache_set_idle_timeout(-1);
  auto nothing = [] { return 0; };
  auto main = [&] {
    structio_run_in_thread(call<decltype(nothing)>, &nothing, nullptr);
    structio_run_in_thread(call<decltype(nothing)>, &nothing, nullptr);
    return 0;
  };
  CHECK(run(main) == 0);
  CHECK(threads_alive() == 1);  // it stays, and was used again
  structio_thread_cache_set_idle_timeout(1000);
  while (threads_alive() > 0) std::this_thread::yield();
  structio_thread_cache_set_idle_timeout(-1);
}

TEST_CASE("a job that comes just when its thread would end is done", "[TCACHE-05]") {
  constexpr int each = 300;
  support::counter done;
  job one{[] { return 0; },
          [&](int, const owned_failure&) {
            done.add();
            return 0;
          }};
  for (const std::int64_t timeout : {0, 20'000, 60'000}) {
    structio_thread_cache_set_idle_timeout(timeout);
    std::vector<std::thread> starters;
    const int before = done.now();
    for (int t = 0; t < 2; ++t) {
      starters.emplace_back([&] {
        for (int i = 0; i < each; ++i) {
          one.start();
          for (int j = 0; j < i % 7; ++j) std::this_thread::yield();
        }
      });
    }
    for (auto& t : starters) t.join();
    done.wait_for(before + 2 * each);
  }
  structio_thread_cache_set_idle_timeout(-1);
  wait_until_idle();
}

TEST_CASE("a deliver function that fails is reported, its thread goes on", "[TCACHE-06]") {
  support::counter done;
  job failing{[] { return 0; },
              [&](int, const owned_failure&) {
                done.add();
                return -5;
              }};
  CHECK(failing.start() == 0);
  done.wait_for(1);
  wait_until_idle();
  const std::uint64_t alive = threads_alive();
  CHECK(alive > 0);
  CHECK(failing.start() == 0);
  done.wait_for(2);
  CHECK(threads_alive() <= alive);
}

TEST_CASE("starting a thread is refused as anything else is", "[TCACHE-01]") {
  const auto nothing = [](void*) { return 0; };
  CHECK(structio_start_thread_soon(nullptr, nullptr, nullptr, nullptr) == STRUCTIO_EINVALID);
  structio_inject_thread_refusals(1);
  CHECK(structio_start_thread_soon(nothing, nullptr, nullptr, nullptr) == -EAGAIN);
  CHECK(structio_start_thread_soon(nothing, nullptr, nullptr, "without deliver") == 0);
  std::uint64_t count = 0;
  CHECK(structio_thread_cache_counts(nullptr, &count) == STRUCTIO_EINVALID);
  CHECK(structio_thread_cache_counts(&count, nullptr) == STRUCTIO_EINVALID);
  wait_until_idle();
}

TEST_CASE("a thread that is in deliver gets nobody else's job", "[TCACHE-03]") {
  // A job of the run is begun by what deliver calls there, and waited for.
  static structio_portal* portal = nullptr;
  support::gate delivered;
  support::gate started;
  int status = 1;
  job calls{[] { return 0; },
            [&](int, const owned_failure&) {
              started.wait();
              const auto in_run = [](void*) {
                const auto five = [](void*) { return 5; };
                return structio_run_in_thread(five, nullptr, nullptr);
              };
              status = structio_portal_call(portal, in_run, nullptr, nullptr);
              delivered.open();
              return 0;
            }};
  auto main = [&] {
    structio_portal_new(&portal);
    CHECK(calls.start() == 0);
    started.open();
    auto waits = [&] { return delivered.wait(), 0; };
    structio_run_in_thread(call<decltype(waits)>, &waits, nullptr);
    structio_portal_free(portal);
    return 0;
  };
  CHECK(run(main) == 0);
  CHECK(status == 5);
  wait_until_idle();
}

TEST_CASE("a thread is not idle while it is in deliver", "[TCACHE-03]") {
  wait_until_idle();
  support::counter inside;
  support::gate go_on;
  job slow{[] { return 0; },
           [&](int, const owned_failure&) {
             inside.add();
             go_on.wait();
             return 0;
           }};
  CHECK(slow.start() == 0);
  inside.wait_for(1);
  std::uint64_t alive = 0;
  std::uint64_t idle = 0;
  structio_thread_cache_counts(&alive, &idle);
  CHECK(idle + 1 == alive);
  go_on.open();
  wait_until_idle();
}

TEST_CASE("a run within deliver has its jobs done by other threads", "[TCACHE-03]") {
  support::gate delivered;
  int status = 1;
  job runs{[] { return 0; },
           [&](int, const owned_failure&) {
             const auto five = [](void*) { return 5; };
             auto main = [&] { return structio_run_in_thread(five, nullptr, nullptr); };
             status = run(main);
             delivered.open();
             return 0;
           }};
  CHECK(runs.start() == 0);
  delivered.wait();
  CHECK(status == 5);
  wait_until_idle();
}

TEST_CASE("of what deliver starts, the first job follows and the others do not wait",
          "[TCACHE-03]") {
  support::counter done;
  std::thread::id second;
  job other{[&] {
              second = std::this_thread::get_id();
              done.add();
              return 0;
            },
            [&](int, const owned_failure&) { return 0; }};
  job first{[] { return 0; }, [&](int, const owned_failure&) { return done.add(), 0; }};
  std::thread::id here;
  job starts{[] { return 0; },
             [&](int, const owned_failure&) {
               here = std::this_thread::get_id();
               first.start();
               other.start();
               done.wait_for(1);  // of `other`: `first` comes after this
               return 0;
             }};
  CHECK(starts.start() == 0);
  done.wait_for(2);
  CHECK(second != here);
  wait_until_idle();
}

TEST_CASE("what deliver sets of locals ends with it", "[TCACHE-02][THR-20]") {
  static const char key = 0;
  static support::counter dropped;
  support::counter done;
  std::atomic<int> seen{0};
  std::atomic<int> refused{0};
  job sets{[&] {
             void* value = nullptr;
             seen += structio_local_get(&key, &value) == 0;
             return 0;
           },
           [&](int, const owned_failure&) {
             int value = 0;
             const auto drop = [](void*) { dropped.add(); };
             refused += structio_local_set(&key, &value, drop, nullptr) != 0;
             done.add();
             return 0;
           }};
  for (int i = 1; i <= 3; ++i) {
    CHECK(sets.start() == 0);
    done.wait_for(i);
    dropped.wait_for(i);
  }
  CHECK(seen == 0);
  CHECK(refused == 0);
}

#ifndef UNDER_TSAN  // which has no threads in a child
TEST_CASE("a child that is forked in deliver ends its thread and starts jobs", "[TCACHE-07]") {
  if (under_valgrind()) return;
  static const auto nothing = [](void*) { return 0; };
  static const auto ends = [](void*, int, structio_failure*) {
    while (!first_thread_ended()) std::this_thread::yield();
    _exit(threads_alive() == 1 ? 0 : 2);
    return 0;
  };
  support::gate reaped;
  int ending = -1;
  job forks{[] { return 0; },
            [&](int, const owned_failure&) {
              const pid_t child = fork();
              if (child == 0) {
                if (threads_alive() != 0) _exit(3);
                alarm(20);
                structio_thread_cache_set_idle_timeout(0);
                return structio_start_thread_soon(nothing, nullptr, ends, nullptr);
              }
              waitpid(child, &ending, 0);
              reaped.open();
              return 0;
            }};
  CHECK(forks.start() == 0);
  reaped.wait();
  CHECK(WIFEXITED(ending));
  CHECK(WEXITSTATUS(ending) == 0);
  wait_until_idle();
}

TEST_CASE("after a fork the child starts jobs at once", "[TCACHE-07]") {
  if (under_valgrind()) return;
  auto nothing = [] { return 9; };
  auto main = [&] {
    return structio_run_in_thread(call<decltype(nothing)>, &nothing, nullptr) == 9 ? 0 : 1;
  };
  CHECK(run(main) == 0);
  wait_until_idle();
  CHECK(threads_alive() > 0);
  const pid_t child = fork();
  if (child == 0) {
    const bool empty = threads_alive() == 0;
    const int status = run(main);
    _exit(!empty ? 2 : status == 0 ? 0 : 3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(run(main) == 0);
}

TEST_CASE("a stuck thread does not keep the process", "[SRC-11]") {
  if (under_valgrind()) return;
  const pid_t child = fork();
  if (child == 0) {
    auto stuck = [] {
      support::gate never;
      never.wait();
      return 0;
    };
    using function = decltype(stuck);
    auto main = [&] {
      structio_scope scope;
      return scope_block(scope, [&] {
        structio_thread_options options = STRUCTIO_THREAD_OPTIONS_INIT;
        options.abandon_on_cancel = 1;
        structio_scope_set_timeout(&scope, STRUCTIO_MILLISECONDS(5));
        return structio_run_in_thread(call<function>, &stuck, &options);
      });
    };
    // The process ends as one that returns from main does, but for the test's own static objects.
    std::quick_exit(run(main) == 0 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
#endif
