// Log sinks and task hooks: what a host is told, when, and where it is called.
#include <structio/structio_hooks.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "support/c_tasks.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/refusals.hpp"

using namespace c_tasks;

namespace {

// A run that logs one line, an error: nobody can ever wake its main task.
int deadlock() {
  return structio_run([](void*) { return structio_sleep_forever(); }, nullptr, nullptr);
}

struct sink {
  std::vector<std::string> lines;
  std::vector<std::uint32_t> levels;

  static void take(std::uint32_t level, const char* text, void* arg) {
    auto& self = *static_cast<sink*>(arg);
    self.lines.emplace_back(text);
    self.levels.push_back(level);
  }
};

// Stderr again, whatever a test has come to.
struct restored {
  ~restored() { structio_set_log(nullptr, nullptr, STRUCTIO_LOG_DEFAULT); }
};

}  // namespace

TEST_CASE("log lines go to the host's own sink") {
  const restored after;
  sink s;
  REQUIRE(structio_set_log(sink::take, &s, STRUCTIO_LOG_DEFAULT) == 0);
  CHECK(deadlock() == STRUCTIO_EDEADLOCK);
  REQUIRE(s.lines.size() == 1);
  CHECK(s.levels[0] == STRUCTIO_LOG_ERROR);
  CHECK(s.lines[0].find("deadlock") != std::string::npos);
  CHECK(s.lines[0].back() != '\n');

  REQUIRE(structio_set_log(sink::take, &s, STRUCTIO_LOG_OFF) == 0);
  CHECK(deadlock() == STRUCTIO_EDEADLOCK);
  CHECK(s.lines.size() == 1);

  CHECK(refused(structio_set_log(sink::take, &s, 6), STRUCTIO_EINVALID, {"no such level"}));
}

TEST_CASE("a sink must not replace itself") {
  const restored after;
  static int answer = 0;
  REQUIRE(structio_set_log(
              [](std::uint32_t, const char*, void*) {
                answer = structio_set_log(nullptr, nullptr, STRUCTIO_LOG_DEFAULT);
              },
              nullptr, STRUCTIO_LOG_ERROR) == 0);
  CHECK(deadlock() == STRUCTIO_EDEADLOCK);
  CHECK(answer == STRUCTIO_EMISUSE);
}

TEST_CASE("once a sink is replaced no thread is in it") {
  const restored after;
  struct slow_sink {
    support::counter inside;
    support::gate go_on;
    std::atomic<bool> left{false};
    static void take(std::uint32_t, const char*, void* arg) {
      auto& self = *static_cast<slow_sink*>(arg);
      self.inside.add();
      self.go_on.wait();
      self.left = true;
    }
  } slow;
  REQUIRE(structio_set_log(slow_sink::take, &slow, STRUCTIO_LOG_ERROR) == 0);
  std::thread logs([] { deadlock(); });
  slow.inside.wait_for(1);
  bool was_left = false;
  support::gate begun;
  std::thread replaces([&] {
    begun.open();
    structio_set_log([](std::uint32_t, const char*, void*) {}, nullptr, STRUCTIO_LOG_ERROR);
    was_left = slow.left;
  });
  begun.wait();
  std::this_thread::yield();
  slow.go_on.open();
  replaces.join();
  CHECK(was_left);
  logs.join();
  CHECK(slow.inside.now() == 1);
}

TEST_CASE("sinks are replaced while threads log") {
  const restored after;
  struct checked_sink {
    std::atomic<bool> alive{true};
    std::atomic<int> late{0};
    static void take(std::uint32_t, const char*, void* arg) {
      auto& self = *static_cast<checked_sink*>(arg);
      if (!self.alive) ++self.late;
    }
  };
  std::atomic<bool> enough{false};
  std::vector<std::thread> threads;
  checked_sink first;
  checked_sink second;
  structio_set_log(checked_sink::take, &first, STRUCTIO_LOG_ERROR);
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!enough) deadlock();
    });
  }
  for (int i = 0; i < 50; ++i) {
    checked_sink& next = i % 2 ? first : second;
    checked_sink& last = i % 2 ? second : first;
    next.alive = true;
    structio_set_log(checked_sink::take, &next, STRUCTIO_LOG_ERROR);
    last.alive = false;  // nobody is in it, or will be until it is set again
  }
  enough = true;
  for (std::thread& t : threads) t.join();
  CHECK(first.late + second.late == 0);
}

namespace {

// Writes down what hooks tell, and holds that they tell it in order.
struct diary {
  std::string text;
  structio_task_id inside = 0;
  int faults = 0;
  bool on_own_stack = true;
  int waited = 0;
  structio_clock* clock = nullptr;  // with one the run looks at the world after each batch

  static void enter(structio_task_id task, void* arg) {
    auto& self = *static_cast<diary*>(arg);
    if (self.inside != 0 || task == 0 || structio_task_current() != task) ++self.faults;
    self.inside = task;
    const char* name = structio_task_name(task);
    self.text += std::string("+") + (name ? name : "?") + " ";
    void *low = nullptr, *high = nullptr;
    char here = 0;
    if (structio_task_stack(&low, &high) != 0 || &here < low || &here >= high) {
      self.on_own_stack = false;
    }
    self.waited = structio_checkpoint();
  }
  static void leave(structio_task_id task, int ended, void* arg) {
    auto& self = *static_cast<diary*>(arg);
    if (self.inside != task) ++self.faults;
    self.inside = 0;
    const char* name = structio_task_name(task);
    if ((name == nullptr) != (ended != 0)) ++self.faults;
    self.text += ended ? "x " : std::string("-") + name + " ";
  }

  int run(structio_task_fn fn, void* arg) {
    structio_run_options options{};
    options.struct_size = sizeof options;
    options.task_enter = enter;
    options.task_leave = leave;
    options.task_hooks_arg = this;
    options.clock = clock;
    return structio_run(fn, arg, &options);
  }
};

int nap(void*) {
  return structio_sleep(STRUCTIO_MICROSECONDS(1));
}

int two_children(void*) {
  structio_nursery n;
  structio_nursery_open(&n);
  structio_task_options options{};
  options.struct_size = sizeof options;
  options.name = "a";
  structio_nursery_spawn(&n, &options, nap, nullptr);
  options.name = "b";
  structio_nursery_spawn(
      &n, &options, [](void*) { return structio_checkpoint(); }, nullptr);
  return structio_nursery_close(&n, 0, nullptr);
}

}  // namespace

TEST_CASE("task hooks tell of each switch into and out of a task", "[INSTR-10][FIB-18]") {
  diary d;
  REQUIRE(structio_virtual_clock_new(nullptr, &d.clock) == 0);
  REQUIRE(d.run(two_children, nullptr) == 0);
  CHECK(d.text == "+main -main +a -a +b -b +b x +a x +main x ");
  CHECK(d.faults == 0);
  CHECK(d.inside == 0);
  CHECK(d.on_own_stack);
  CHECK(d.waited == STRUCTIO_ENOTASK);
  CHECK(structio_virtual_clock_free(d.clock) == 0);
}

TEST_CASE("a checkpoint that goes on at once tells no hook") {
  diary d;
  REQUIRE(d.run([](void*) { return structio_checkpoint(); }, nullptr) == 0);
  // The only task is its own successor, unless the run has to look at the world.
  CHECK((d.text == "+main x " || d.text == "+main -main +main x "));
  CHECK(d.faults == 0);
}

TEST_CASE("one hook may be had without the other") {
  static int entered = 0;
  structio_run_options options{};
  options.struct_size = sizeof options;
  options.task_enter = [](structio_task_id, void*) { ++entered; };
  CHECK(structio_run(two_children, nullptr, &options) == 0);
  CHECK(entered >= 5);
}

TEST_CASE("locals are dropped in the task, before it is left for the last time") {
  static diary* told = nullptr;
  static const char key = 0;
  diary d;
  told = &d;
  REQUIRE(d.run(
              [](void*) {
                return structio_local_set(
                    &key, told, [](void* v) { static_cast<diary*>(v)->text += "drop "; }, nullptr);
              },
              nullptr) == 0);
  CHECK(d.text == "+main drop x ");
}

TEST_CASE("task hooks are called in a run of failures and cancellation as well") {
  diary d;
  const int status = d.run(
      [](void*) {
        structio_nursery n;
        structio_nursery_open(&n);
        for (int i = 0; i < 20; ++i) {
          structio_nursery_start_soon(
              &n, [](void*) { return structio_sleep_forever(); }, nullptr);
        }
        structio_nursery_start_soon(
            &n, [](void*) { return -7; }, nullptr);
        return structio_nursery_close(&n, 0, nullptr);
      },
      nullptr);
  CHECK(status == STRUCTIO_EGROUP);
  CHECK(d.faults == 0);
  CHECK(d.inside == 0);
}
