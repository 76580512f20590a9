// Steps in order, from the face and from C.
#include <memory>
#include <string>
#include <vector>

#include "support/face.hpp"
#include "support/op_proof.hpp"
#include "support/refusals.hpp"

using namespace face;
using structio::testing::sequencer;
using structio::testing::wait_all_tasks_blocked;

namespace {

void prove_stepping() {
  structio_sequencer seq;
  CHECK(structio_sequencer_init(&seq) == 0);
  int ran = 0;
  const auto run_step = [](void* arg) { return ++*static_cast<int*>(arg); };
  CHECK(op_proof::halves([&] { structio_sequencer_step(&seq, 0, run_step, &ran); }) == 2);
  CHECK(ran == 1);
  CHECK(op_proof::cancelled([&] { return structio_sequencer_step(&seq, 1, run_step, &ran); }) ==
        op_proof::aborted);
  CHECK(ran == 1);
  CHECK(structio_sequencer_step(&seq, 1, run_step, &ran) == STRUCTIO_EBROKEN);
  CHECK(structio_sequencer_destroy(&seq) == 0);
}

const op_proof::area stepping({{"structio_sequencer_step", 1, STRUCTIO_EFFECT_CLOSED}},
                              prove_stepping);

}  // namespace

TEST_CASE("tasks take their steps in the order of the numbers", "[TST-07]") {
  face::run([] {
    sequencer seq;
    std::vector<int> order;
    const auto take = [&](std::vector<std::uint64_t> steps) {
      return [&seq, &order, steps] {
        for (const std::uint64_t i : steps) {
          seq(i, [&] { order.push_back(static_cast<int>(i)); });
        }
      };
    };
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon(take({1, 4}));
      n.start_soon(take({0, 2, 3}));
      seq(5, [&] { order.push_back(5); });
    });
    CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5});
  });
}

TEST_CASE("a number is good for one step", "[TST-07]") {
  face::run([] {
    sequencer seq;
    seq(0, [] {});
    CHECK(throws<structio::usage_error>([&] { seq(0, [] {}); }));
    seq(1, [&] { CHECK(throws<structio::usage_error>([&] { seq(1); })); });
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] { seq(3); });
      wait_all_tasks_blocked();
      const auto twice = thrown<structio::usage_error>([&] { seq(3); });
      REQUIRE(twice);
      CHECK(std::string(twice->what()).find("step 3") != std::string::npos);
      seq(2);
    });
    seq(4);
  });
}

TEST_CASE("a step that is cancelled while it waits breaks the whole sequence", "[TST-07]") {
  face::run([] {
    sequencer seq;
    int broken = 0;
    structio::open_nursery([&](structio::nursery& n) {
      for (const std::uint64_t step : {std::uint64_t{2}, std::uint64_t{7}}) {
        n.start_soon([&, step] {
          if (throws<structio::broken_error>([&] { seq(step, [] { FAIL("a broken step"); }); })) {
            ++broken;
          }
        });
      }
      wait_all_tasks_blocked();
      CHECK_FALSE(structio::move_on_after(1s, [&] { seq(1, [] { FAIL("a cancelled step"); }); }));
    });
    CHECK(broken == 2);
    CHECK(throws<structio::broken_error>([&] { seq(0); }));
    CHECK(throws<structio::broken_error>([&] { seq(1); }));
  });
}

TEST_CASE("a step lasts until its body has ended, however that is") {
  face::run([] {
    sequencer seq;
    trace seen;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] { seq(1, [&] { seen.emplace_back("second"); }); });
      CHECK(throws<key_error>([&] {
        seq(0, [&] {
          structio::sleep(5s);
          seen.emplace_back("first");
          throw key_error();
        });
      }));
    });
    CHECK(seen == trace{"first", "second"});
    CHECK_FALSE(structio::move_on_after(1s, [&] { seq(2, [] { structio::sleep(1h); }); }));
    // The body of that step was cancelled, not its wait: the sequence goes on.
    CHECK(*seq(3, [] { return std::make_unique<int>(3); }) == 3);
  });
}

TEST_CASE("a step that nobody will take is a deadlock with a name") {
  CHECK(throws<structio::deadlock>([] {
    face::run([] {
      sequencer seq;
      seq(1);
    });
  }));
}

TEST_CASE("a sequencer refuses what it cannot do") {
  using namespace c_tasks;
  structio_sequencer seq = garbage<structio_sequencer>();
  CHECK(refused(structio_sequencer_init(nullptr), STRUCTIO_EINVALID, {"structio_sequencer_init"}));
  CHECK(refused(structio_sequencer_step(&seq, 0, nullptr, nullptr), STRUCTIO_EINVALID,
                {"structio_sequencer_step", "not an initialised"}));
  CHECK(structio_sequencer_destroy(nullptr) == STRUCTIO_EINVALID);
  CHECK(structio_sequencer_init(&seq) == 0);
  CHECK(structio_sequencer_step(&seq, 0, nullptr, nullptr) == STRUCTIO_ENOTASK);
  auto body = [&] {
    CHECK(structio_sequencer_step(
              &seq, 0,
              [](void* arg) {
                auto* in_step = static_cast<structio_sequencer*>(arg);
                CHECK(refused(structio_sequencer_destroy(in_step), STRUCTIO_EMISUSE, {"step"}));
                return 7;
              },
              &seq) == 7);
    CHECK(structio_sequencer_step(&seq, 0, nullptr, nullptr) == STRUCTIO_EMISUSE);
    CHECK(structio_sequencer_step(
              &seq, 1, [](void*) { return -77; }, nullptr) == -77);
    return structio_sequencer_step(&seq, 2, nullptr, nullptr);
  };
  CHECK(c_tasks::run(body) == 0);
  CHECK(structio_sequencer_destroy(&seq) == 0);
  CHECK(structio_sequencer_step(&seq, 3, nullptr, nullptr) == STRUCTIO_EINVALID);
}
