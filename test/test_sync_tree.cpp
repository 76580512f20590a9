// Who holds what: the words of the tree, of the deadlock report and of waiting_for.
#include <structio/debug.hpp>
#include <structio/sync.hpp>

#include <mutex>
#include <regex>
#include <string>

#include "support/c_blocks.hpp"
#include "support/face.hpp"

using namespace face;
using structio::testing::wait_all_tasks_blocked;

namespace {

std::string without_ids(const std::string& text) {
  static const std::regex id("#[0-9]+\\.[0-9]+");
  return std::regex_replace(text, id, "#");
}

std::string tree() {
  return without_ids(c_tasks::text_of(structio_debug_tree));
}

template <class Fn>
structio::task_id start(structio::nursery& n, const char* name, Fn fn) {
  structio::task_id id = 0;
  n.start_soon({.name = name}, [&id, fn] {
    id = structio::current_task();
    fn();
  });
  wait_all_tasks_blocked();
  return id;
}

// Locks one and then, when somebody else has the other, that one.
struct philosopher {
  structio_mutex* left;
  structio_mutex* right;
  structio_event* both_hold;
  bool last;

  int operator()() const {
    int status = structio_mutex_lock(left);
    if (status == 0 && last) structio_event_set(both_hold);
    if (status == 0) status = structio_event_wait(both_hold);
    if (status == 0) status = structio_mutex_lock(right);
    if (status == 0) structio_mutex_unlock(right);
    structio_mutex_unlock(left);
    return status;
  }
};

}  // namespace

TEST_CASE("a deadlock over two mutexes is answered with both holders") {
  structio_mutex a;
  structio_mutex b;
  structio_event both;
  structio_mutex_init(&a);
  structio_mutex_init(&b);
  structio_event_init(&both);
  philosopher plato{&a, &b, &both, false};
  philosopher socrates{&b, &a, &both, true};
  auto body = [&] {
    return c_tasks::nursery_block([&](structio_nursery& n) {
      c_tasks::spawn(n, "plato", plato);
      c_tasks::settle();
      return c_tasks::spawn(n, "socrates", socrates);
    });
  };
  structio_failure* failure = nullptr;
  structio_run_options options = c_tasks::run_options();
  options.failure = &failure;
  CHECK(c_tasks::run(body, options) == STRUCTIO_EDEADLOCK);
  const std::string text = without_ids(structio_failure_message(failure));
  structio_failure_free(failure);
  CHECK_THAT(text, ContainsSubstring("plato #: waits for mutex held by 'socrates'\n"));
  CHECK_THAT(text, ContainsSubstring("socrates #: waits for mutex held by 'plato'\n"));
  CHECK_THAT(text, ContainsSubstring("circle: plato # waits for socrates #, which waits for "
                                     "plato #\n"));
  CHECK(structio_mutex_destroy(&a) == 0);
  CHECK(structio_mutex_destroy(&b) == 0);
  CHECK(structio_event_destroy(&both) == 0);
}

TEST_CASE("the tree says who holds what is waited for") {
  face::run([] {
    structio::event event;
    structio::mutex m;
    structio::condition changed(m);
    structio::semaphore units(0);
    structio::capacity_limiter tokens(2);
    structio::open_nursery([&](structio::nursery& n) {
      const auto id = start(n, "watcher", [&] {
        m.lock();
        changed.wait();
        m.unlock();
      });
      CHECK(structio::debug::waiting_for(id) == "condition");
      const auto writer = start(n, "writer", [&] {
        const std::scoped_lock lock(m);
        const auto held = tokens.hold();
        event.wait();
        changed.notify_all();
        CHECK(structio::debug::waiting_for(id) == "mutex held by 'writer'");
      });
      CHECK(structio::debug::waiting_for(writer) == "event");
      start(n, "reader", [&] { const std::scoped_lock lock(m); });
      start(n, "taker", [&] { units.acquire(); });
      tokens.acquire();
      const auto eager = start(n, "eager", [&] { const auto held = tokens.hold(); });
      const std::string text = tree();
      CHECK_THAT(text, ContainsSubstring("reader #: waits for mutex held by 'writer'\n"));
      CHECK_THAT(text, ContainsSubstring("taker #: waits for semaphore\n"));
      const std::string words = structio::debug::waiting_for(eager);
      CHECK_THAT(words, ContainsSubstring("capacity limiter, 2 of 2 borrowed by "));
      CHECK_THAT(words, ContainsSubstring("'writer'"));
      CHECK_THAT(words, ContainsSubstring("'main'"));
      CHECK(text.find("circle") == std::string::npos);
      const std::string json = c_tasks::text_of(structio_debug_tree_json);
      CHECK_THAT(json, ContainsSubstring("\"waits_for\":\"mutex held by 'writer'\",\"held_by\":\"" +
                                         std::to_string(writer) + "\""));
      CHECK_THAT(json, ContainsSubstring("\"waits_for\":\"event\",\"held_by\":null"));
      tokens.release();
      units.release();
      event.set();
      wait_all_tasks_blocked();
    });
  });
}

TEST_CASE("a limiter tells a few of its borrowers, whatever they are") {
  face::run([] {
    structio::capacity_limiter tokens(4);
    int object = 0;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon({.name = "forgetful"}, [&] { tokens.acquire(); });
      wait_all_tasks_blocked();
      tokens.set_total(1);
      const auto waiter = start(n, "waiter", [&] { const auto held = tokens.hold(); });
      CHECK(structio::debug::waiting_for(waiter) ==
            "capacity limiter, 1 of 1 borrowed by a task that has ended");
      tokens.set_total(2);  // the waiter's, which gives it back
      wait_all_tasks_blocked();
      CHECK(tokens.try_acquire_on_behalf(&object));
      const auto second = start(n, "second", [&] { const auto held = tokens.hold(); });
      CHECK_THAT(structio::debug::waiting_for(second), ContainsSubstring(" and "));
      CHECK_THAT(structio::debug::waiting_for(second), ContainsSubstring("0x"));
      tokens.release_on_behalf(&object);
    });
  });
}

TEST_CASE("only who waits for the same is folded together") {
  face::run([] {
    structio::mutex a;
    structio::mutex b;
    structio::open_nursery([&](structio::nursery& n) {
      a.lock();
      start(n, "holder", [&] {
        const std::scoped_lock lock(b);
        structio::sleep(1s);
      });
      for (structio::mutex* m : {&a, &b}) {
        for (int i = 0; i < 5; ++i) {
          n.start_soon({.name = "worker"}, [m] { const std::scoped_lock lock(*m); });
        }
      }
      wait_all_tasks_blocked();
      const std::string text = tree();
      CHECK_THAT(text, ContainsSubstring("worker x 5: waits for mutex held by 'main'\n"));
      CHECK_THAT(text, ContainsSubstring("worker x 5: waits for mutex held by 'holder'\n"));
      a.unlock();
    });
  });
}
