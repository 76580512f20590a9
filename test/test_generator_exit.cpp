// How generators and their consumers are cut off, and which error comes out of the block.
#include <structio/generator.hpp>

#include <string>

#include "support/face.hpp"

using namespace std::chrono_literals;
using face::trace;
using structio::cancelled;
using structio::generated;
using structio::with_generator;
using structio::yielder;

namespace {

// Writes into a trace when it is left, and how.
struct at_exit {
  trace& events;
  const char* text;
  ~at_exit() { events.emplace_back(text); }
};

void count_up(yielder<int>& yield) {
  for (int i = 0;; ++i) yield(i);
}

void settle() {
  structio::testing::wait_all_tasks_blocked();
}

}  // namespace

TEST_CASE("what a generator throws comes out bare, and nothing instead of it", "[SAFE-04]") {
  face::run([] {
    trace events;
    const auto failing = [&](yielder<int>& yield) {
      yield(1);
      throw face::value_error("from the generator");
    };
    CHECK(face::throws<face::value_error>([&] {
      with_generator<int>(failing, [&](generated<int>& values) {
        for (const int v : values) events.push_back(std::to_string(v));
        events.emplace_back("not reached");
      });
    }));
    CHECK(events == trace{"1"});
    // Whoever reads behind a shield is not left waiting.
    CHECK(face::throws<face::value_error>([&] {
      with_generator<int>(failing, [&](generated<int>& values) {
        structio::shielded(1s, [&] {
          CHECK(values.receive() == 1);
          CHECK(face::throws<structio::broken_error>([&] { return values.receive(); }));
        });
      });
    }));
  });
}

TEST_CASE("when both sides fail both errors come out, with a word about it", "[SAFE-06]") {
  face::run([] {
    trace events;
    const auto group = face::thrown<structio::exception_group>([&] {
      with_generator<int>(
          [&](yielder<int>& yield) {
            try {
              count_up(yield);
            } catch (const cancelled&) {
              events.emplace_back("exit signal");
              throw face::value_error("in clean-up");
            }
          },
          [&](generated<int>& values) {
            values.receive();
            throw face::key_error("in the body");
          });
    });
    REQUIRE(group);
    CHECK(group->size() == 2);
    CHECK(face::count<face::key_error>(*group) == 1);
    CHECK(face::count<face::value_error>(*group) == 1);
    CHECK_THAT(structio::to_string(*group), ContainsSubstring("it failed as well as its consumer"));
    CHECK(events == trace{"exit signal"});
  });
}

TEST_CASE("a scope inside a generator is the generator's alone", "[SAFE-08]") {
  face::run([] {
    bool finished = false;
    with_generator<int>(
        [](yielder<int>& yield) {
          structio::cancel_scope scope;
          scope.run([&] {
            scope.cancel();
            yield(1);
          });
          CHECK(scope.cancelled_caught());
        },
        [&](generated<int>& values) {
          for (const int v : values) {
            CHECK(v == 1);
            structio::checkpoint();
          }
          finished = true;
        });
    CHECK(finished);
  });
}

TEST_CASE("a group that the user throws is passed as it is", "[SAFE-09]") {
  face::run([] {
    const structio::exception_group mine{std::make_exception_ptr(face::value_error())};
    const auto group = face::thrown<structio::exception_group>([&] {
      with_generator<int>(count_up, [&](generated<int>& values) {
        values.receive();
        throw mine;
      });
    });
    REQUIRE(group);
    CHECK(group->as_failure() == mine.as_failure());
  });
}

TEST_CASE("cancelled from outside: the body first, then the generator", "[SAFE-11]") {
  face::run([] {
    trace events;
    structio::cancel_scope scope;
    scope.run([&] {
      with_generator<int>(
          [&](yielder<int>& yield) {
            try {
              count_up(yield);
            } catch (const cancelled&) {
              events.emplace_back("generator is cancelled");
              CHECK(face::is_cancelled([] { structio::checkpoint(); }));
              throw;
            }
          },
          [&](generated<int>& values) {
            values.receive();
            scope.cancel("enough");
            structio::shielded(1s, settle);
            events.emplace_back("body goes on");
            try {
              values.receive();
            } catch (const cancelled& caught) {
              CHECK_THAT(caught.what(), ContainsSubstring("enough"));
              events.emplace_back("body is cancelled");
              throw;
            }
          });
      events.emplace_back("not reached");
    });
    CHECK(scope.cancelled_caught());
    CHECK(events == trace{"body goes on", "body is cancelled", "generator is cancelled"});
  });
}

TEST_CASE("a slow generator is cut off when its consumer is", "[SAFE-11]") {
  face::run([] {
    const auto start = structio::clock::now();
    CHECK_FALSE(structio::move_on_after(2s, [] {
      with_generator<int>([](yielder<int>&) { structio::sleep(1h); },
                          [](generated<int>& values) { values.receive(); });
    }));
    CHECK(face::seconds_since(start) == 2);
  });
}

TEST_CASE("the exit signal stays inside, also when it comes from a nursery", "[SAFE-12]") {
  face::run([] {
    trace events;
    with_generator<int>(
        [&](yielder<int>& yield) {
          structio::open_nursery([&](structio::nursery& n) {
            n.start_soon([] { structio::sleep_forever(); });
            const at_exit note{events, "generator"};
            count_up(yield);
          });
        },
        [](generated<int>& values) {
          for (const int v : values) {
            if (v == 2) break;
          }
        });
    CHECK(events == trace{"generator"});
  });
}

TEST_CASE("a signal of the consumer's own is not swallowed", "[SAFE-13]") {
  struct exit_signal {};
  face::run([] {
    CHECK(face::throws<exit_signal>([] {
      with_generator<int>(count_up, [](generated<int>& values) {
        values.receive();
        throw exit_signal();
      });
    }));
    // The cancellation of a scope around the block, thrown on by hand, is not ours either.
    structio::cancel_scope scope;
    bool beyond = false;
    scope.run([&] {
      std::exception_ptr kept;
      scope.cancel();
      try {
        structio::checkpoint();
      } catch (const cancelled&) {
        kept = std::current_exception();
      }
      with_generator<int>(count_up, [&](generated<int>&) { std::rethrow_exception(kept); });
      beyond = true;
    });
    CHECK_FALSE(beyond);
  });
}

TEST_CASE("what the exit makes of others in the generator comes out", "[SAFE-14]") {
  face::run([] {
    const auto group = face::thrown<structio::exception_group>([] {
      with_generator<int>(
          [](yielder<int>& yield) {
            structio::open_nursery([&](structio::nursery& n) {
              n.start_soon([] {
                try {
                  structio::sleep_forever();
                } catch (const cancelled&) {
                  throw face::value_error("turned");
                }
              });
              count_up(yield);
            });
          },
          [](generated<int>& values) {
            values.receive();
            settle();
          });
    });
    REQUIRE(group);
    CHECK(group->size() == 1);
    CHECK(face::count<face::value_error>(*group) == 1);
  });
}

TEST_CASE("a generator behind a shield of its own still learns that it is over") {
  face::run([] {
    bool told = false;
    with_generator<int>(
        [&](yielder<int>& yield) {
          structio::shielded(1h, [&] {
            yield(1);
            try {
              yield(2);
            } catch (const cancelled&) {
              told = true;
              throw;
            }
          });
        },
        [](generated<int>& values) { values.receive(); });
    CHECK_FALSE(told);  // it was over at the first yield already
    with_generator<int>(
        [&](yielder<int>& yield) {
          structio::shielded(1h, [&] {
            structio::open_nursery([&](structio::nursery& n) {
              n.start_soon([] { structio::sleep_forever(); });
              try {
                for (;;) yield(1);
              } catch (const cancelled&) {
                told = true;
                throw;
              }
            });
          });
        },
        [](generated<int>& values) {
          values.receive();
          settle();
        });
    CHECK(told);
  });
}
