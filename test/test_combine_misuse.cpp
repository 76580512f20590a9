// Combinators through the C ABI: codes, what they refuse, and that a refusal changes nothing. The
// proofs of their entries in the table of functions that can wait.
#include <atomic>
#include <thread>

#include <structio/structio_combine.h>
#include <structio/combine.hpp>
#include <structio/concurrent.hpp>

#include "support/face.hpp"
#include "support/op_proof.hpp"
#include "support/refusals.hpp"

using namespace c_tasks;

namespace {

int fine(void*) {
  return 3;
}
int checkpoint(void*) {
  return structio_checkpoint();
}
int count_up(void* arg) {
  ++*static_cast<int*>(arg);
  return structio_checkpoint();
}
int fails(void*) {
  return -77;
}
int for_ever(void*) {
  return structio_sleep_forever();
}
int no_turn(size_t, void*) {
  return 0;
}
int turn(size_t, void* arg) {
  return count_up(arg);
}

const structio_task_fn three[] = {fine, checkpoint, for_ever};

void prove_combining() {
  using op_proof::cancelled;
  using op_proof::halves;
  int begun = 0;
  void* args[] = {&begun};
  const structio_task_fn one[] = {count_up};
  size_t winner = 5;
  CHECK(cancelled([&] { return structio_all(one, args, 1); }) == op_proof::aborted);
  CHECK(cancelled([&] { return structio_race(one, args, 1, &winner); }) == op_proof::aborted);
  CHECK(winner == SIZE_MAX);
  CHECK(cancelled([&] { return structio_first_success(one, args, 1, &winner); }) ==
        op_proof::aborted);
  CHECK(cancelled([&] { return structio_for_each_concurrent(4, 2, turn, &begun); }) ==
        op_proof::aborted);
  CHECK(begun == 0);
  CHECK(halves([] { CHECK(structio_all(three, nullptr, 1) == 0); }) == 2);
  CHECK(halves([] { CHECK(structio_all(nullptr, nullptr, 0) == 0); }) == 2);
  CHECK(halves([] { CHECK(structio_race(three, nullptr, 3, nullptr) == 3); }) == 2);
  CHECK(halves([] { CHECK(structio_first_success(three, nullptr, 3, nullptr) == 3); }) == 2);
  CHECK(halves([] { CHECK(structio_for_each_concurrent(3, 2, no_turn, nullptr) == 0); }) == 2);
  CHECK(halves([] { CHECK(structio_for_each_concurrent(0, 2, no_turn, nullptr) == 0); }) == 2);
}

const op_proof::area combining({{"structio_all", 1, STRUCTIO_EFFECT_BODY},
                                {"structio_race", 1, STRUCTIO_EFFECT_BODY},
                                {"structio_first_success", 1, STRUCTIO_EFFECT_BODY},
                                {"structio_for_each_concurrent", 1, STRUCTIO_EFFECT_BODY}},
                               prove_combining);

/// Runs body on a virtual clock.
template <class Body>
void in_run(Body&& body) {
  virtual_clock clock(0);
  auto main = [&] {
    body();
    return 0;
  };
  CHECK(run(main, clock.options()) == 0);
}

}  // namespace

TEST_CASE("combinators belong into a task") {
  size_t winner = 1;
  CHECK(not_refused({{"structio_all", [] { return structio_all(three, nullptr, 3); }},
                     {"structio_race", [&] { return structio_race(three, nullptr, 3, &winner); }},
                     {"structio_first_success",
                      [&] { return structio_first_success(three, nullptr, 3, &winner); }},
                     {"structio_for_each_concurrent",
                      [] { return structio_for_each_concurrent(1, 1, no_turn, nullptr); }}},
                    "structio_run")
            .empty());
  CHECK(winner == SIZE_MAX);
  CHECK(face::throws<structio::usage_error>([] { structio::all([] {}); }));
  CHECK(face::throws<structio::usage_error>([] { structio::race([] {}, [] {}); }));
  CHECK(face::throws<structio::usage_error>(
      [] { structio::for_each_concurrent(std::vector<int>{1}, 1, [](int) {}); }));
}

TEST_CASE("nonsense is refused before anything begins") {
  in_run([] {
    int begun = 0;
    void* args[] = {&begun, &begun};
    const structio_task_fn gap[] = {count_up, nullptr};
    CHECK(refused(structio_all(gap, args, 2), STRUCTIO_EINVALID, {"structio_all", "fns[1]"}));
    CHECK(refused(structio_all(nullptr, args, 2), STRUCTIO_EINVALID, {"structio_all", "fns"}));
    CHECK(refused(structio_race(gap, args, 2, nullptr), STRUCTIO_EINVALID, {"structio_race"}));
    CHECK(refused(structio_race(gap, args, 0, nullptr), STRUCTIO_EINVALID, {"nobody"}));
    CHECK(refused(structio_first_success(nullptr, args, 0, nullptr), STRUCTIO_EINVALID,
                  {"structio_first_success", "nobody"}));
    CHECK(refused(structio_for_each_concurrent(3, 0, turn, &begun), STRUCTIO_EINVALID,
                  {"structio_for_each_concurrent", "STRUCTIO_ALL"}));
    CHECK(structio_for_each_concurrent(3, 1, nullptr, &begun) == STRUCTIO_EINVALID);
    structio_checkpoint();
    CHECK(begun == 0);
    CHECK(face::throws<std::invalid_argument>(
        [] { structio::for_each_concurrent(std::vector<int>{1}, 0, [](int) {}); }));
    CHECK(face::throws<std::invalid_argument>(
        [] { structio::map_concurrent(std::vector<int>(), 0, [](int i) { return i; }); }));
  });
}

TEST_CASE("failures are in flight as a group, the winner is named") {
  in_run([] {
    const structio_task_fn fns[] = {for_ever, fails, for_ever};
    size_t winner = 9;
    const int status = structio_race(fns, nullptr, 3, &winner);
    CHECK(status == STRUCTIO_EGROUP);
    CHECK(winner == 1);
    const owned_failure why(structio_failure_take());
    CHECK(why.count() == 1);
    CHECK(why.member(0) == -77);
    CHECK(structio_all(fns, nullptr, 3) == STRUCTIO_EGROUP);
    const owned_failure of_all(structio_failure_take());
    CHECK(of_all.count() == 1);
    const structio_task_fn bad[] = {fails, fails};
    CHECK(structio_first_success(bad, nullptr, 2, &winner) == STRUCTIO_EGROUP);
    CHECK(winner == SIZE_MAX);
    const owned_failure of_both(structio_failure_take());
    CHECK(of_both.count() == 2);
    const structio_task_fn better[] = {fails, checkpoint, fine};
    CHECK(structio_first_success(better, nullptr, 3, &winner) >= 0);
    CHECK(winner >= 1);
    CHECK(structio_failure_take() == nullptr);
  });
}

TEST_CASE("a function that returns 'cancelled' without being so has failed [FIB-08]") {
  in_run([] {
    const structio_task_fn fns[] = {[](void*) { return int{STRUCTIO_ECANCELLED}; }, for_ever};
    size_t winner = 9;
    CHECK(structio_race(fns, nullptr, 2, &winner) == STRUCTIO_EGROUP);
    CHECK(winner == 0);
    structio_failure_free(structio_failure_take());
  });
}

TEST_CASE("the library's own scope is not for others to cancel") {
  in_run([] {
    auto meddle = [] {
      structio_nursery* home = structio_debug_parent_nursery(structio_task_current());
      structio_scope_cancel(structio_nursery_scope(home), "meddling");
      return structio_sleep_forever();
    };
    const structio_task_fn fns[] = {call<decltype(meddle)>, for_ever};
    void* args[] = {&meddle, nullptr};
    CHECK(refused(structio_all(fns, args, 2), STRUCTIO_EMISUSE, {"scope"}));
    size_t winner = 0;
    CHECK(refused(structio_race(fns, args, 2, &winner), STRUCTIO_EMISUSE, {"scope"}));
    CHECK(winner == SIZE_MAX);
    CHECK(structio_first_success(fns, args, 2, &winner) == STRUCTIO_EMISUSE);
    CHECK(face::throws<structio::usage_error>([&] {
      structio::map_concurrent(std::vector<int>{1, 2}, 2, [&](int i) {
        meddle();
        structio::checkpoint();
        return i;
      });
    }));
  });
}

TEST_CASE("a function that leaves a scope open fails, however it ended") {
  in_run([] {
    structio_scope left;
    auto sloppy = [&] {
      structio_scope_init(&left, nullptr);
      structio_scope_enter(&left);
      return 0;
    };
    const structio_task_fn fns[] = {call<decltype(sloppy)>};
    void* args[] = {&sloppy};
    CHECK(structio_race(fns, args, 1, nullptr) == STRUCTIO_EGROUP);
    const owned_failure why(structio_failure_take());
    CHECK(why.member(0) == STRUCTIO_EMISUSE);
  });
}

TEST_CASE("a loop's turns take indices in order, and stop at a failure") {
  in_run([] {
    std::vector<size_t> begun;
    auto record = [&](size_t index) {
      begun.push_back(index);
      return index == 5 ? -77 : structio_sleep(STRUCTIO_SECONDS(1));
    };
    struct context {
      decltype(record)* fn;
    } all{&record};
    const auto go = [](size_t index, void* arg) {
      return (*static_cast<context*>(arg)->fn)(index);
    };
    CHECK(structio_for_each_concurrent(100, 2, go, &all) == STRUCTIO_EGROUP);
    structio_failure_free(structio_failure_take());
    CHECK(begun == std::vector<size_t>{0, 1, 2, 3, 4, 5});
    begun.clear();
    CHECK(structio_for_each_concurrent(5, STRUCTIO_ALL, go, &all) == 0);
    CHECK(begun.size() == 5);
  });
}
