// How generators end: cancelled, left early, closed by somebody else.
#include <structio/generator.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/face.hpp"

using namespace std::chrono_literals;
using face::trace;
using structio::cancelled;
using structio::generated;
using structio::with_generator;
using structio::yielder;

namespace {

using ints = std::vector<int>;

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

TEST_CASE("closed by another task between two reads, or before the first", "[SAFE-15]") {
  face::run([] {
    for (const bool before : {true, false}) {
      with_generator<int>(count_up, [&](generated<int>& values) {
        if (!before) CHECK(values.receive() == 0);
        structio::open_nursery([&](structio::nursery& n) {
          n.start_soon([&] { values.close(); });
          settle();
          CHECK(face::throws<structio::closed_error>([&] { return values.receive(); }));
        });
      });
    }
  });
}

TEST_CASE("closed by the generator itself while somebody waits", "[SAFE-15]") {
  face::run([] {
    generated<int>* mine = nullptr;
    bool ended = false;
    with_generator<int>(
        [&](yielder<int>& yield) {
          yield(1);
          mine->close();
          CHECK(face::is_cancelled([&] { yield(2); }));
          ended = true;
        },
        [&](generated<int>& values) {
          mine = &values;
          CHECK(values.receive() == 1);
          CHECK(face::throws<structio::closed_error>([&] { return values.receive(); }));
        });
    CHECK(ended);
  });
}

TEST_CASE("values are moved through, whatever they are") {
  struct boxed {
    int value;
    explicit boxed(int v) : value(v) {}
    boxed(boxed&& other) noexcept(false) : value(other.value) {}
    boxed& operator=(boxed&&) = default;
  };
  face::run([] {
    with_generator<std::unique_ptr<int>>(
        [](yielder<std::unique_ptr<int>>& yield) {
          for (int i = 0; i < 3; ++i) yield(std::make_unique<int>(i));
        },
        [](generated<std::unique_ptr<int>>& values) {
          int next = 0;
          for (auto& v : values) CHECK(*v == next++);
          CHECK(next == 3);
        });
    with_generator<boxed>([](yielder<boxed>& yield) { yield(boxed(7)); },
                          [](generated<boxed>& values) { CHECK(values.receive().value == 7); });
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
            try {
              for (;;) yield(1);
            } catch (const cancelled&) {
              told = true;
              throw;
            }
          });
        },
        [](generated<int>& values) {
          values.receive();
          settle();
        });
    CHECK(told);
  });
}
