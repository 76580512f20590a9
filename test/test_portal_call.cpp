// Calls from threads that the run has not started, through a portal; posts that need no memory.
#include <structio/structio_thread.h>
#include <structio/thread.hpp>

#include <signal.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "support/face.hpp"
#include "support/gate.hpp"
#include "support/refusals.hpp"

using namespace c_tasks;
using namespace std::chrono_literals;

namespace {

structio_post from_handler;
volatile sig_atomic_t sent_from_handler = 0;

void on_signal(int) {
  errno = 77;
  sent_from_handler = structio_post_send(&from_handler);
  if (errno != 77) sent_from_handler = -1;
}

struct counted {
  int made = 0;
  static int go(void* arg) {
    ++static_cast<counted*>(arg)->made;
    return 0;
  }
};

}  // namespace

TEST_CASE("a foreign thread calls into the run", "[THR-01][THR-16]") {
  std::string value;
  std::string caught;
  std::thread::id there;
  structio::task_id task = 0;
  structio::task_id main = 0;
  face::run([&] {
    main = structio::current_task();
    structio::portal portal;
    support::gate ended;
    std::thread foreign([&] {
      value = portal.call([&] {
        there = std::this_thread::get_id();
        task = structio::current_task();
        structio::sleep(1h);
        return std::string("value");
      });
      try {
        portal.call([] { throw face::key_error("thrown inside"); });
      } catch (const face::key_error& e) {
        caught = e.what();
      }
      ended.open();
    });
    // The clock jumps whenever all wait; the run goes on as long as the thread does.
    structio::run_in_thread([&] { ended.wait(); });
    foreign.join();
  });
  CHECK(value == "value");
  CHECK(caught == "thrown inside");
  CHECK(there == std::this_thread::get_id());
  CHECK(task != 0);
  CHECK(task != main);
}

TEST_CASE("a job's thread may use a portal as any other", "[THR-16]") {
  face::run([] {
    structio::portal portal;
    const auto host = structio::current_task();
    const auto task = structio::run_in_thread(
        [&] { return portal.call([] { return structio::current_task(); }); });
    CHECK(task != host);
  });
}

TEST_CASE("a call from inside a run is refused, in this run and in others", "[THR-02]") {
  auto nothing = [] { return 0; };
  auto main = [&] {
    structio_portal* portal = nullptr;
    structio_portal_new(&portal);
    CHECK(refused(structio_portal_call(portal, call<decltype(nothing)>, &nothing, nullptr),
                  STRUCTIO_EMISUSE, {"structio_portal_call", "inside a run"}));
    int other = 0;
    std::thread([&] {
      auto inner = [&] {
        other = structio_portal_call(portal, call<decltype(nothing)>, &nothing, nullptr);
        return 0;
      };
      run(inner);
    }).join();
    CHECK(other == STRUCTIO_EMISUSE);
    CHECK(structio_portal_call(portal, nullptr, nullptr, nullptr) == STRUCTIO_EINVALID);
    structio_portal_free(portal);
    return 0;
  };
  CHECK(run(main) == 0);
  CHECK(structio_portal_call(nullptr, counted::go, nullptr, nullptr) == STRUCTIO_EINVALID);
  int rubbish = 0;
  CHECK(structio_portal_call(reinterpret_cast<structio_portal*>(&rubbish), counted::go, nullptr,
                             nullptr) == STRUCTIO_ESTALE);
}

TEST_CASE("the main task ends while a call sleeps: it is cancelled", "[THR-04]") {
  support::gate begun;
  int status = 0;
  std::string reason;
  std::thread foreign;
  structio_portal* portal = nullptr;
  auto sleeps = [&] {
    begun.open();
    return structio_sleep_forever();
  };
  auto main = [&] {
    structio_portal_new(&portal);
    foreign = std::thread([&] {
      structio_failure* why = nullptr;
      status = structio_portal_call(portal, call<decltype(sleeps)>, &sleeps, &why);
      const owned_failure held(why);
      reason = held.text();
    });
    auto waits = [&] { return begun.wait(), 0; };
    structio_run_in_thread(call<decltype(waits)>, &waits, nullptr);
    settle();
    return 0;
  };
  CHECK(run(main) == 0);
  foreign.join();
  structio_portal_free(portal);
  CHECK(status == STRUCTIO_ECANCELLED);
  CHECK(reason.find("main task has ended") != std::string::npos);
}

TEST_CASE("after the end of the run a call is refused", "[THR-22]") {
  structio_portal* portal = nullptr;
  counted never;
  auto main = [&] { return structio_portal_new(&portal); };
  CHECK(run(main) == 0);
  CHECK(refused(structio_portal_call(portal, counted::go, &never, nullptr), STRUCTIO_ERUNFINISHED,
                {"ended"}));
  CHECK(never.made == 0);
  structio_portal_free(portal);
}

TEST_CASE("calls that race with the end are all answered", "[THR-22][TOKEN-11]") {
  for (int round = 0; round < 30; ++round) {
    structio_portal* portal = nullptr;
    counted made;
    int accepted = 0;
    int last = 0;
    std::thread foreign;
    auto main = [&] {
      structio_portal_new(&portal);
      foreign = std::thread([&] {
        for (;;) {
          const int status = structio_portal_call(portal, counted::go, &made, nullptr);
          last = status;
          if (status != 0) return;
          ++accepted;
        }
      });
      for (int i = 0; i < round; ++i) structio_sleep(1000);
      return 0;
    };
    CHECK(run(main) == 0);
    foreign.join();
    structio_portal_free(portal);
    CHECK(last == STRUCTIO_ERUNFINISHED);
    CHECK(made.made == accepted);
  }
}

TEST_CASE("a failure of a call through a portal concerns its caller only", "[THR-01]") {
  int status = 0;
  auto fails = [] { return c_tasks::fail(-12, "only yours"); };
  std::string text;
  auto main = [&] {
    structio_portal* portal = nullptr;
    structio_portal_new(&portal);
    auto job = [&] {
      structio_failure* why = nullptr;
      status = structio_portal_call(portal, call<decltype(fails)>, &fails, &why);
      const owned_failure held(why);
      text = held.text();
      return 0;
    };
    structio_run_in_thread(call<decltype(job)>, &job, nullptr);
    structio_portal_free(portal);
    return structio_checkpoint();
  };
  CHECK(run(main) == 0);
  CHECK(status == -12);
  CHECK(text == "only yours");
}

TEST_CASE("a post made from a signal handler", "[SRC-09]") {
  counted made;
  auto main = [&] {
    structio_portal* portal = nullptr;
    structio_portal_new(&portal);
    CHECK(structio_post_init(&from_handler, portal, counted::go, &made) == 0);
    structio_portal_free(portal);
    struct sigaction action = {};
    struct sigaction before;
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, &before);
    raise(SIGUSR1);
    CHECK(sent_from_handler == 1);
    raise(SIGUSR1);
    CHECK(sent_from_handler == 0);  // queued already
    CHECK(made.made == 0);
    settle();
    CHECK(made.made == 1);
    raise(SIGUSR1);
    CHECK(sent_from_handler == 1);
    settle();
    CHECK(made.made == 2);
    sigaction(SIGUSR1, &before, nullptr);
    return structio_post_destroy(&from_handler);
  };
  CHECK(run(main) == 0);
}

TEST_CASE("a call may send itself again; one that is destroyed is not made", "[SRC-09][TOKEN-06]") {
  static structio_post again;
  static structio_post never;
  static int rounds;
  rounds = 0;
  counted made;
  auto main = [&] {
    structio_portal* portal = nullptr;
    structio_portal_new(&portal);
    const auto once_more = [](void*) { return ++rounds < 3 ? structio_post_send(&again) : 0; };
    CHECK(structio_post_init(&again, portal, once_more, nullptr) == 0);
    CHECK(structio_post_init(&never, portal, counted::go, &made) == 0);
    CHECK(structio_post_send(&again) == 1);
    CHECK(structio_post_send(&never) == 1);
    CHECK(structio_post_destroy(&never) == 0);
    CHECK(structio_post_send(&never) == STRUCTIO_EINVALID);
    settle();
    CHECK(rounds == 3);
    CHECK(made.made == 0);
    // One call takes away another that is queued behind it.
    CHECK(structio_post_init(&never, portal, counted::go, &made) == 0);
    const auto destroyer = [](void*) { return structio_post_destroy(&never); };
    CHECK(structio_portal_post(portal, destroyer, nullptr) == 0);
    CHECK(structio_post_send(&never) == 1);
    settle();
    CHECK(made.made == 0);
    structio_portal_free(portal);
    return structio_post_destroy(&again);
  };
  CHECK(run(main) == 0);
}

TEST_CASE("a post outlives its run, and is sent by many threads", "[SRC-09][TOKEN-11]") {
  static structio_post post;
  counted made;
  std::atomic<int> sent{0};
  std::vector<std::thread> senders;
  auto main = [&] {
    structio_portal* portal = nullptr;
    structio_portal_new(&portal);
    structio_post_init(&post, portal, counted::go, &made);
    structio_portal_free(portal);
    for (int i = 0; i < 3; ++i) {
      senders.emplace_back([&] {
        for (;;) {
          const int status = structio_post_send(&post);
          if (status < 0) return;
          sent += status;
        }
      });
    }
    int refused_there = 0;
    std::thread([&] { refused_there = structio_post_destroy(&post); }).join();
    CHECK(refused_there == STRUCTIO_EMISUSE);
    return structio_sleep(STRUCTIO_MILLISECONDS(20));
  };
  CHECK(run(main) == 0);
  for (auto& t : senders) t.join();
  CHECK(made.made == sent);
  CHECK(structio_post_send(&post) == STRUCTIO_ERUNFINISHED);
  CHECK(structio_post_destroy(&post) == 0);
  CHECK(structio_post_destroy(&post) == STRUCTIO_EINVALID);
  CHECK(structio_post_init(nullptr, nullptr, nullptr, nullptr) == STRUCTIO_EINVALID);
}

TEST_CASE("a call finds what was written by those who found it queued", "[SRC-09][TOKEN-06]") {
  static structio_post post;
  static int written;
  static int found;
  written = found = 0;
  std::atomic<int> second{-1};
  std::thread sender;
  auto main = [&] {
    structio_portal* portal = nullptr;
    structio_portal_new(&portal);
    const auto look = [](void*) { return found = written, 0; };
    CHECK(structio_post_init(&post, portal, look, nullptr) == 0);
    structio_portal_free(portal);
    CHECK(structio_post_send(&post) == 1);
    sender = std::thread([&] {
      written = 7;
      second.store(structio_post_send(&post), std::memory_order_relaxed);
    });
    // Nothing but the post tells the call that it may look.
    while (second.load(std::memory_order_relaxed) == -1) std::this_thread::yield();
    settle();
    return structio_post_destroy(&post);
  };
  CHECK(run(main) == 0);
  sender.join();
  CHECK(second == 0);
  CHECK(found == 7);
}
