// Variables local to a task and to a run.
#include <string>

#include "support/face.hpp"

using namespace face;

namespace {

structio::run_local<int> plain_run;
structio::run_local<std::string> run_with_default(std::string("fallback"));
structio::task_local<int> plain_task;
structio::task_local<std::string> task_with_default(std::string("fallback"));

}  // namespace

TEST_CASE("a run variable has a value, a default, or neither", "[LOCAL-01]") {
  face::run([] {
    CHECK(throws<structio::absent_error>([] { plain_run.get(); }));
    CHECK(plain_run.get_or(5) == 5);
    CHECK(run_with_default.get() == "fallback");
    CHECK(run_with_default.get_or("mine") == "mine");
    plain_run.set(1);
    run_with_default.set("set");
    CHECK(plain_run.get() == 1);
    CHECK(plain_run.get_or(5) == 1);
    CHECK(run_with_default.get() == "set");
    CHECK(run_with_default.get_or("mine") == "set");
  });
}

TEST_CASE("run variables end with the run", "[LOCAL-02]") {
  for (int i = 0; i < 2; ++i) {
    face::run([] {
      CHECK(throws<structio::absent_error>([] { plain_run.get(); }));
      CHECK(run_with_default.get() == "fallback");
      plain_run.set(1);
      run_with_default.set("set");
    });
  }
  CHECK(throws<structio::usage_error>([] { plain_run.get(); }));
}

TEST_CASE("a token takes a set back, once and for its own variable", "[LOCAL-03]") {
  face::run([] {
    auto first = plain_run.replace(1);
    auto second = plain_run.replace(2);
    plain_run.reset(second);
    CHECK(plain_run.get() == 1);
    CHECK(throws<std::invalid_argument>([&] { plain_run.reset(second); }));
    static structio::run_local<int> other;
    CHECK(throws<std::invalid_argument>([&] { other.reset(first); }));
    plain_run.reset(first);
    CHECK(throws<structio::absent_error>([] { plain_run.get(); }));
    auto mine = plain_task.replace(1);
    plain_task.reset(mine);
    CHECK(throws<structio::absent_error>([] { plain_task.get(); }));
    CHECK(throws<std::invalid_argument>([&] { plain_task.reset(mine); }));
  });
}

TEST_CASE("all tasks of a run share its variables", "[LOCAL-04]") {
  face::run([] {
    auto token = plain_run.replace(1);
    structio::open_nursery([](structio::nursery& n) { n.start_soon([] { plain_run.set(2); }); });
    CHECK(plain_run.get() == 2);
    structio::open_nursery(
        [&](structio::nursery& n) { n.start_soon([&] { plain_run.reset(token); }); });
    CHECK(throws<structio::absent_error>([] { plain_run.get(); }));
  });
}

TEST_CASE("what is set before the run is seen in it, and not the other way", "[LOCAL-06]") {
  auto token = task_with_default.replace("before");
  face::run([] {
    CHECK(task_with_default.get() == "before");
    task_with_default.set("inside");
    CHECK(task_with_default.get() == "inside");
  });
  CHECK(task_with_default.get() == "before");
  task_with_default.reset(token);
  CHECK(task_with_default.get() == "fallback");
}

TEST_CASE("a child starts with a copy of its starter's variables", "[LOCAL-07]") {
  face::run([] {
    auto first = plain_task.replace(1);
    structio::open_nursery([](structio::nursery& n) {
      n.start_soon([] {
        CHECK(plain_task.get() == 1);
        plain_task.set(10);
        structio::sleep(2s);
        CHECK(plain_task.get() == 10);
      });
      auto second = plain_task.replace(2);
      n.start_soon([] { CHECK(plain_task.get() == 2); });
      structio::sleep(1s);
      CHECK(plain_task.get() == 2);
      plain_task.reset(second);
    });
    CHECK(plain_task.get() == 1);
    plain_task.reset(first);
  });
}

TEST_CASE("siblings do not see each other's variables", "[LOCAL-08]") {
  face::run([] {
    structio::open_nursery([](structio::nursery& n) {
      n.start_soon([] {
        CHECK(task_with_default.get() == "fallback");
        task_with_default.set("mine");
      });
      n.start_soon([] {
        structio::sleep(1s);
        CHECK(task_with_default.get() == "fallback");
      });
    });
  });
}

TEST_CASE("a value set for a body goes with it", "[LOCAL-03]") {
  face::run([] {
    const int inside = plain_task.with(7, [] { return plain_task.get(); });
    CHECK(inside == 7);
    CHECK(throws<key_error>([] { plain_task.with(8, [] { throw key_error(); }); }));
    CHECK(throws<structio::absent_error>([] { plain_task.get(); }));
  });
}

TEST_CASE("values are destroyed when nobody can see them", "[LOCAL-07]") {
  static structio::task_local<std::shared_ptr<int>> shared;
  const auto value = std::make_shared<int>(1);
  face::run([&] {
    shared.set(value);
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        structio::sleep(1s);
        CHECK(shared.get() == value);
      });
      shared.set(nullptr);
      CHECK(value.use_count() == 2);
    });
  });
  CHECK(value.use_count() == 1);
}
