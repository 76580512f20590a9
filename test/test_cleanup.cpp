// What destructors may do: block while an exception unwinds, open nurseries, catch. No call of
// theirs is made twice, and nothing that they catch takes the place of what is on its way out.
#include <memory>
#include <stdexcept>
#include <string>

#include "support/net.hpp"

using namespace net_test;
using face::count;
using face::key_error;
using face::seconds_since;
using structio::cancel_scope;
using structio::exception_group;

namespace {

/// Calls `Action` when it is destroyed, unless it was moved from.
template <class Action>
class at_end {
 public:
  explicit at_end(Action action) : action_(std::make_unique<Action>(std::move(action))) {}
  at_end(at_end&&) noexcept = default;
  at_end& operator=(at_end&&) = delete;
  ~at_end() {
    if (action_) (*action_)();
  }

 private:
  std::unique_ptr<Action> action_;
};

/// A nursery that fails and is caught.
void fail_and_catch() {
  CHECK(throws<exception_group>([] { open_nursery([] { throw 1; }); }));
}

/// Runs `task` as the only child of a nursery, and gives what failed.
template <class Task>
exception_group failure_of_child(Task task) {
  auto group = thrown<exception_group>(
      [&] { open_nursery([&](nursery& n) { n.start_soon(std::move(task)); }); });
  REQUIRE(group);
  REQUIRE(group->as_failure().size() == 1);
  return *group;
}

}  // namespace

TEST_CASE("what a destructor sends is sent once, whenever it is cancelled", "[FIB-02]") {
  run([] {
    ends both = connected();
    tcp_stream& sender = both.a;
    tcp_stream& receiver = both.b;
    const std::string sent = pattern(std::size_t{16} << 20);
    std::string received;
    open_nursery([&](nursery& n) {
      cancel_scope scope;
      bool whole = false;
      n.start_soon([&] {
        settle();
        CHECK_FALSE(whole);
        scope.cancel();
        settle();
        received = receive_whole(receiver, sent.size());
        CHECK(receive(receiver).empty());
      });
      CHECK(throws<key_error>([&] {
        scope.run([&] {
          const at_end farewell([&] {
            sender.send_all(sent);
            whole = true;
          });
          throw key_error();
        });
      }));
      CHECK(whole);
      CHECK(scope.cancel_called());
      sender.close();
    });
    CHECK((received == sent));
  });
}

TEST_CASE("a destructor waits as long as it said, cancelled or not", "[FIB-02]") {
  face::run([] {
    const auto start = structio::now();
    open_nursery([&](nursery& n) {
      cancel_scope scope;
      n.start_soon([&] {
        structio::sleep(1s);
        scope.cancel();
      });
      CHECK(throws<key_error>([&] {
        scope.run([&] {
          const at_end slow([] { structio::sleep(3s); });
          throw key_error();
        });
      }));
    });
    CHECK(seconds_since(start) == 3);
  });
}

TEST_CASE("every kind of wait in a destructor goes on when cancelled", "[FIB-02]") {
  face::run([] {
    int started = 0;
    std::int64_t woken = 0;
    open_nursery([&](nursery& n) {
      cancel_scope scope;
      CHECK(throws<key_error>([&] {
        scope.run([&] {
          const at_end parks([&] {
            structio::waiter self;
            n.start_soon([&] {
              settle();
              self.wake(7);
            });
            woken = self.park("a wake");
          });
          const at_end starts([&] {
            started = n.start<int>([](structio::task_status<int>& status) {
              structio::sleep(1s);
              status.started(5);
            });
          });
          scope.cancel();
          throw key_error();
        });
      }));
    });
    CHECK(started == 5);
    CHECK(woken == 7);
  });
}

TEST_CASE("Ctrl-C waits for a destructor that waits", "[FIB-02][KI-07]") {
  face::run([] {
    const auto begin = structio::now();
    CHECK(throws<key_error>([] {
      const at_end plain([] {
        structio::testing::inject_interrupt();
        structio::sleep(3s);
      });
      const at_end limited([] {
        structio::testing::inject_interrupt();
        CHECK_FALSE(structio::shielded(2s, [] { structio::sleep_forever(); }));
      });
      throw key_error();
    }));
    CHECK(seconds_since(begin) == 5);
    CHECK(throws<structio::interrupted>([] { structio::checkpoint(); }));
    structio::checkpoint();
  });
}

TEST_CASE("what a task started from a destructor may not throw is its own affair", "[FIB-02]") {
  face::run([] {
    bool closed = false;
    bool cut = false;
    const auto clean_up = [&] {
      const auto group = thrown<exception_group>([&] {
        open_nursery([&](nursery& n) {
          n.start_soon([&] {
            const at_end closer([&] {
              structio::sleep(1s);
              closed = true;
            });
            n.cancel_scope().cancel();
            throw key_error();
          });
          n.start_soon([&] { cut = is_cancelled([] { structio::sleep_forever(); }); });
        });
      });
      REQUIRE(group);
      CHECK(count<key_error>(*group) == 1);
    };
    CHECK(throws<int>([&] {
      const at_end cleaner(clean_up);
      throw 1;
    }));
    CHECK(closed);
    CHECK(cut);
  });
}

TEST_CASE("a block in a destructor is cancelled, before and after it nothing is", "[FIB-02]") {
  face::run([] {
    int shielded = 0;
    int cut = 0;
    const auto wait = [&] {
      structio::sleep(1s);
      ++shielded;
    };
    const auto block = [&] {
      cancel_scope inner;
      inner.run([&] {
        inner.cancel();
        if (is_cancelled([] { structio::checkpoint(); })) ++cut;
        CHECK(throws<key_error>([&] {
          const at_end nested([&] {
            wait();
            CHECK_FALSE(structio::shielded(1s, [] { structio::sleep_forever(); }));
            wait();
          });
          throw key_error();
        }));
        if (is_cancelled([] { structio::checkpoint(); })) ++cut;
      });
    };
    cancel_scope scope;
    scope.run([&] {
      const at_end cleaner([&] {
        wait();
        block();
        wait();
        block();
        wait();
      });
      scope.cancel();
      structio::checkpoint();
    });
    CHECK(scope.cancelled_caught());
    CHECK(cut == 4);
    CHECK(shielded == 7);
  });
}

TEST_CASE("what a task threw outlives what its callable's destructor catches", "[NUR-02]") {
  face::run([] {
    const auto error = std::make_exception_ptr(std::runtime_error("real"));
    const auto group = failure_of_child([error, guard = at_end(fail_and_catch)] {
      structio::while_doing("working", [&] { std::rethrow_exception(error); });
    });
    CHECK(group.exception(0) == error);
    REQUIRE(group[0].while_count() == 1);
    CHECK(std::string(group[0].while_at(0)) == "working");

    // What the destructor itself puts in flight does not take its place either.
    const auto tell = [] {
      CHECK(throws<int>([] { structio::while_doing("late", [] { throw 2; }); }));
    };
    const auto other =
        failure_of_child([error, guard = at_end(tell)] { std::rethrow_exception(error); });
    CHECK(other.exception(0) == error);
    CHECK(other[0].while_count() == 0);
  });
}

TEST_CASE("a callable is destroyed before its task ends, cancelled or not", "[FIB-02]") {
  face::run([] {
    bool closed = false;
    const bool whole = open_nursery([&](nursery& n) {
      n.start_soon([guard = at_end([&closed] {
                      structio::sleep(1s);
                      closed = true;
                    })] { structio::sleep_forever(); });
      structio::checkpoint();
      n.cancel_scope().cancel();
    });
    CHECK(whole);
    CHECK(closed);
  });
}

TEST_CASE("what a destructor on the way out catches takes no line away", "[NUR-02]") {
  face::run([] {
    const auto group = failure_of_child([] {
      const at_end guard(fail_and_catch);
      const at_end refused([] {
        auto listener = listen();
        listener.close();
        const auto unused = [](tcp_stream) {};
        open_nursery([&](nursery& n) {
          CHECK(throws<structio::closed_error>([&] { structio::serve(listener, unused, n); }));
        });
      });
      structio::while_doing("working", [] { throw key_error(); });
    });
    CHECK(count<key_error>(group) == 1);
    REQUIRE(group[0].while_count() == 1);
    CHECK(std::string(group[0].while_at(0)) == "working");
  });
}
