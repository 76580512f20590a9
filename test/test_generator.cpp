// Generators behind a channel: when they run, who reads, how they end.
#include <structio/generator.hpp>

#include <algorithm>
#include <memory>
#include <string>
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

TEST_CASE("a generator that ends ends the loop, and the block is left cleanly", "[SAFE-01]") {
  face::run([] {
    ints seen;
    const int result = with_generator<int>(
        [](yielder<int>& yield) {
          for (int i = 0; i < 5; ++i) yield(i);
        },
        [&](generated<int>& values) {
          for (const int v : values) seen.push_back(v);
          CHECK_FALSE(values.receive_next());
          CHECK(face::throws<structio::end_of_channel>([&] { return values.receive(); }));
          return 42;
        });
    CHECK(seen == ints{0, 1, 2, 3, 4});
    CHECK(result == 42);
  });
}

TEST_CASE("a consumer that closes early reads nothing more", "[SAFE-02]") {
  face::run([] {
    trace events;
    with_generator<int>(
        [&](yielder<int>& yield) {
          const at_exit note{events, "generator"};
          count_up(yield);
        },
        [&](generated<int>& values) {
          CHECK(values.receive() == 0);
          values.close();
          values.close();
          CHECK(face::throws<structio::closed_error>([&] { return values.receive_next(); }));
        });
    CHECK(events == trace{"generator"});
  });
}

TEST_CASE("a generator that was never asked never starts", "[SAFE-03]") {
  face::run([] {
    bool started = false;
    const auto generator = [&](yielder<int>& yield) {
      started = true;
      count_up(yield);
    };
    structio::cancel_scope scope;
    scope.run([&] {
      scope.cancel();
      with_generator<int>(generator, [&](generated<int>& values) {
        CHECK(face::is_cancelled([&] { return values.receive(); }));
        structio::shielded(1s, settle);
        structio::checkpoint();
      });
    });
    CHECK(scope.cancelled_caught());
    with_generator<int>(generator, [](generated<int>&) { settle(); });
    CHECK_FALSE(started);
  });
}

TEST_CASE("a generator does not run ahead of its consumer", "[SAFE-05]") {
  face::run([] {
    trace events;
    with_generator<int>(
        [&](yielder<int>& yield) {
          for (int i = 1; i <= 3; ++i) {
            events.push_back("make " + std::to_string(i));
            yield(i);
          }
          events.emplace_back("done");
        },
        [&](generated<int>& values) {
          settle();
          events.emplace_back("begin");
          for (const int v : values) {
            settle();
            structio::sleep(1s);
            events.push_back("got " + std::to_string(v));
          }
        });
    CHECK(events ==
          trace{"begin", "make 1", "got 1", "make 2", "got 2", "make 3", "got 3", "done"});
  });
}

TEST_CASE("a reader that was cancelled does not make a generator run ahead", "[SAFE-05]") {
  face::run([] {
    int made = 0;
    with_generator<int>(
        [&](yielder<int>& yield) {
          for (;;) {
            yield(made++);
            structio::sleep(10s);
          }
        },
        [&](generated<int>& values) {
          CHECK(values.receive() == 0);
          // Asked for, but not waited for: made when it is, kept until somebody comes.
          CHECK_FALSE(structio::move_on_after(1s, [&] { values.receive(); }));
          CHECK_FALSE(structio::move_on_after(1s, [&] { values.receive(); }));
          structio::sleep(60s);
          CHECK(made == 2);
          CHECK(values.receive() == 1);
          structio::sleep(60s);
          CHECK(made == 2);
        });
  });
}

TEST_CASE("no deadline of the generator's own makes it run ahead", "[SAFE-05]") {
  face::run([] {
    trace events;
    with_generator<int>(
        [&](yielder<int>& yield) {
          structio::move_on_after(1s, [&] {
            yield(1);
            events.emplace_back("not reached");
          });
          events.emplace_back("late");
          yield(2);
        },
        [&](generated<int>& values) {
          CHECK(values.receive() == 1);
          structio::sleep(5s);
          CHECK(events.empty());
          CHECK(values.receive() == 2);
        });
    CHECK(events == trace{"late"});
  });
}

TEST_CASE("nested generators go on independently", "[SAFE-07]") {
  face::run([] {
    ints seen;
    with_generator<int>(count_up, [&](generated<int>& outer) {
      for (const int v : outer) {
        if (v == 3) break;
        with_generator<int>(count_up, [&](generated<int>& inner) {
          for (const int w : inner) {
            if (w == 3) break;
            seen.push_back(10 * v + w);
          }
        });
      }
    });
    CHECK(seen == ints{0, 1, 2, 10, 11, 12, 20, 21, 22});
  });
}

TEST_CASE("tasks may take turns at one generator", "[SAFE-10]") {
  face::run([] {
    ints one;
    ints two;
    with_generator<int>(
        [](yielder<int>& yield) {
          yield(1);
          yield(2);
        },
        [&](generated<int>& values) {
          structio::open_nursery([&](structio::nursery& n) {
            n.start_soon([&] { one.push_back(values.receive()); });
            settle();
            n.start_soon([&] { two.push_back(values.receive()); });
          });
        });
    CHECK(one == ints{1});
    CHECK(two == ints{2});
  });
  face::run([] {
    ints all;
    with_generator<int>(
        [](yielder<int>& yield) {
          for (int i = 0; i < 20; ++i) {
            structio::sleep(1s);
            yield(i);
          }
        },
        [&](generated<int>& values) {
          structio::open_nursery([&](structio::nursery& n) {
            for (int i = 0; i < 4; ++i) {
              n.start_soon([&] {
                for (const int v : values) all.push_back(v);
              });
            }
          });
        });
    CHECK(all.size() == 20);
  });
}

TEST_CASE("several tasks inside a generator may yield") {
  face::run([] {
    ints all;
    with_generator<int>(
        [](yielder<int>& yield) {
          structio::open_nursery([&](structio::nursery& n) {
            for (int i = 0; i < 4; ++i) {
              n.start_soon([&yield, i] {
                yield(i);
                if (i % 2 == 1) yield(10 + i);
              });
            }
          });
        },
        [&](generated<int>& values) {
          for (const int v : values) {
            all.push_back(v);
            settle();
          }
        });
    std::sort(all.begin(), all.end());
    CHECK(all == ints{0, 1, 2, 3, 11, 13});
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
