// all, gather and the loops through the face: values in order, one rule for failures, everything
// awaited.
#include <algorithm>
#include <deque>
#include <list>
#include <memory>
#include <numeric>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include <structio/combine.hpp>
#include <structio/concurrent.hpp>
#include <structio/debug.hpp>

#include "support/face.hpp"
#include "support/ranges.hpp"

using namespace face;
using structio::all;
using structio::for_each_concurrent;
using structio::gather;
using structio::map_concurrent;

namespace {

/// A value that takes some time.
auto after(structio::duration time, int value) {
  return [time, value] {
    structio::sleep(time);
    return value;
  };
}

/// How many tasks are inside a block, and the most there ever were.
struct gauge {
  int now = 0;
  int most = 0;
  void enter() { most = std::max(most, ++now); }
  void leave() { --now; }
};

struct in_gauge {
  explicit in_gauge(gauge& of) : of_(of) { of.enter(); }
  in_gauge(const in_gauge&) = delete;
  in_gauge& operator=(const in_gauge&) = delete;
  ~in_gauge() { of_.leave(); }

 private:
  gauge& of_;
};

std::vector<int> numbers(int count) {
  std::vector<int> result(static_cast<std::size_t>(count));
  std::iota(result.begin(), result.end(), 0);
  return result;
}

/// A range that is read once, makes its elements anew and may wait for them.
class slow_stream {
 public:
  explicit slow_stream(int count, int fails_at = -1) : count_(count), fails_at_(fails_at) {}

  class iterator {
   public:
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    explicit iterator(slow_stream& of) : of_(&of) {}
    iterator() = default;
    iterator(iterator&&) = default;
    iterator& operator=(iterator&&) = default;
    const int& operator*() const { return of_->at_; }
    iterator& operator++() {
      structio::sleep(1s);
      if (++of_->at_ == of_->fails_at_) throw key_error("range");
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return of_->at_ >= of_->count_; }

   private:
    slow_stream* of_ = nullptr;
  };

  iterator begin() { return iterator(*this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  int count_;
  int fails_at_;
  int at_ = 0;
};

}  // namespace

TEST_CASE("all gives the values in order, whoever ends first") {
  face::run([] {
    const auto begin = structio::now();
    int seen = 0;
    const auto [a, nothing, text] = all(
        after(3s, 7), [&] { seen = 1; },
        [] {
          structio::sleep(1s);
          return std::string("text");
        });
    CHECK(a == 7);
    CHECK(std::is_same_v<decltype(nothing), const std::monostate>);
    CHECK(text == "text");
    CHECK(seen == 1);
    CHECK(seconds_since(begin) == 3);
    CHECK(all() == std::tuple<>());
    CHECK(std::get<0>(all([] { return 5; })) == 5);
  });
}

TEST_CASE("values may be movable only, functions are not copied, frames are referred to") {
  face::run([] {
    auto owned = std::make_unique<int>(5);
    auto once = [inner = std::move(owned)]() mutable { return std::move(inner); };
    const auto [first, second] = all(once, [] { return std::make_unique<int>(6); });
    CHECK(*first == 5);
    CHECK(*second == 6);
    std::string frame = "frame";
    const std::string* at = &frame;
    all([&] { frame += " a"; }, [&] { CHECK(&frame == at); });
    CHECK(frame == "frame a");
    struct only_rvalue {
      int operator()() && { return 8; }
    };
    CHECK(std::get<0>(all(only_rvalue{})) == 8);
  });
}

TEST_CASE("a failure cancels the others, and comes in a group even alone") {
  face::run([] {
    const auto begin = structio::now();
    bool ended = false;
    const auto group = thrown<structio::exception_group>([&] {
      all([] { throw key_error("one"); },
          [&] {
            const bool cut = is_cancelled([] { structio::sleep(1h); });
            structio::shielded(1min, [] { structio::sleep(2s); });
            ended = cut;
          });
    });
    REQUIRE(group);
    CHECK(group->size() == 1);
    CHECK(structio::holds<key_error>((*group)[0]));
    CHECK(ended);
    CHECK(seconds_since(begin) == 2);
    const auto both = thrown<structio::exception_group>(
        [] { all([] { throw key_error(); }, [] { throw value_error(); }); });
    REQUIRE(both);
    CHECK(count<key_error>(*both) + count<value_error>(*both) == 2);
  });
}

TEST_CASE("cancellation from outside passes through as it is") {
  face::run([] {
    CHECK_FALSE(structio::move_on_after(
        1s, [] { all([] { structio::sleep_forever(); }, [] { structio::sleep(1h); }); }));
    int begun = 0;
    structio::cancel_scope scope;
    scope.run([&] {
      scope.cancel();
      CHECK(is_cancelled([&] { all([&] { ++begun; }); }));
      CHECK(is_cancelled([&] { for_each_concurrent(numbers(3), 1, [&](int) { ++begun; }); }));
      CHECK(is_cancelled([&] { all(); }));
    });
    CHECK(begun == 0);
    // What has ended before a cancellation could reach it has ended.
    structio::cancel_scope late;
    int value = 0;
    late.run([&] { value = std::get<0>(all([&] { return late.cancel(), 9; })); });
    CHECK(value == 9);
  });
}

TEST_CASE("gather takes a range of functions") {
  face::run([] {
    std::vector<std::function<int()>> work;
    for (int i = 0; i < 5; ++i) work.emplace_back(after(std::chrono::seconds(5 - i), i));
    CHECK(gather(work) == numbers(5));
    CHECK(gather(std::vector<std::function<int()>>()).empty());
    const support::made_range made(3, [](std::size_t i) {
      return [i] { return std::make_unique<int>(static_cast<int>(i)); };
    });
    const auto values = gather(made);
    REQUIRE(values.size() == 3);
    CHECK(*values[2] == 2);
    std::list<std::function<void()>> without_values(3, [] { structio::checkpoint(); });
    gather(without_values);
    work.emplace_back([]() -> int { throw key_error(); });
    CHECK(throws<structio::exception_group>([&] { gather(work); }));
  });
}

TEST_CASE("a loop has at most so many turns at once, begun in order") {
  const std::size_t limit = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{100});
  face::run([limit] {
    gauge inside;
    std::vector<int> begun;
    for_each_concurrent(numbers(20), limit, [&](int i) {
      const in_gauge here(inside);
      begun.push_back(i);
      structio::sleep(std::chrono::seconds(1 + i % 3));
    });
    CHECK(inside.most == static_cast<int>(std::min<std::size_t>(limit, 20)));
    CHECK(begun == numbers(20));
  });
}

TEST_CASE("a million elements are not a million tasks") {
  face::run([] {
    std::size_t sum = 0;
    std::uint64_t most = 0;
    const support::made_range many(20000, [](std::size_t i) { return i; });
    for_each_concurrent(many, 4, [&](std::size_t i) {
      sum += i;
      if (i % 1000 == 0)
        most = std::max<std::uint64_t>(most, structio::debug::get_statistics().tasks_living);
    });
    CHECK(sum == std::size_t{20000} * 19999 / 2);
    CHECK(most <= 5);
  });
}

TEST_CASE("elements of a container are the very elements, others are moved") {
  face::run([] {
    std::vector<std::string> words{"a", "b", "c"};
    for_each_concurrent(words, 2, [](std::string& word) { word += "!"; });
    CHECK(words == std::vector<std::string>{"a!", "b!", "c!"});
    std::vector<std::unique_ptr<int>> owned;
    for (int i = 0; i < 3; ++i) owned.push_back(std::make_unique<int>(i));
    const auto sum = map_concurrent(owned, 2, [](const auto& one) { return *one; });
    CHECK(sum == numbers(3));
    const std::vector<bool> bits{true, false};
    CHECK(map_concurrent(bits, 2, [](bool bit) { return !bit; }) == std::vector<bool>{false, true});
    const support::made_range made(
        3, [](std::size_t i) { return std::make_unique<int>(static_cast<int>(i)); });
    CHECK(map_concurrent(made, 1, [](std::unique_ptr<int> one) { return *one; }) == numbers(3));
  });
}

TEST_CASE("map gives the values in the order of the range") {
  face::run([] {
    const auto begin = structio::now();
    const auto squares = map_concurrent(numbers(10), structio::no_limit, [](int i) {
      structio::sleep(std::chrono::seconds(10 - i));
      return i * i;
    });
    CHECK(squares.size() == 10);
    for (int i = 0; i < 10; ++i) CHECK(squares[static_cast<std::size_t>(i)] == i * i);
    CHECK(seconds_since(begin) == 10);
    CHECK(map_concurrent(std::list<int>(), 3, [](int i) { return i; }).empty());
    CHECK(map_concurrent(std::list<int>{4}, 3, [](int i) { return i; }) == std::vector<int>{4});
    std::list<int> filtered{1, 2, 3, 4, 5};
    support::kept_range even(filtered, [](int i) { return i % 2 == 0; });
    CHECK(map_concurrent(even, 3, [](int i) { return i; }) == std::vector<int>{2, 4});
  });
}

TEST_CASE("a failing turn has no further one begun and cancels those that run") {
  face::run([] {
    std::vector<int> begun;
    int cut = 0;
    const auto group = thrown<structio::exception_group>([&] {
      for_each_concurrent(numbers(100), 3, [&](int i) {
        begun.push_back(i);
        if (i == 4) throw key_error();
        if (is_cancelled([&] { structio::sleep(std::chrono::seconds(1 + i)); })) ++cut;
        // Swallowing the cancellation does not make this one take another element.
      });
    });
    REQUIRE(group);
    CHECK(group->size() == 1);
    CHECK(begun == numbers(5));
    CHECK(cut == 2);
  });
}

TEST_CASE("a range may be read once, wait and fail") {
  face::run([] {
    const auto begin = structio::now();
    gauge inside;
    std::vector<int> seen;
    for_each_concurrent(slow_stream(6), 2, [&](int i) {
      const in_gauge here(inside);
      seen.push_back(i);
      structio::sleep(1500ms);
    });
    CHECK(seen == numbers(6));
    CHECK(inside.most == 2);
    CHECK(seconds_since(begin) == 7.5);

    seen.clear();
    int cut = 0;
    const auto group = thrown<structio::exception_group>([&] {
      for_each_concurrent(slow_stream(6, 3), structio::no_limit, [&](int i) {
        seen.push_back(i);
        if (is_cancelled([] { structio::sleep(1h); })) ++cut;
      });
    });
    REQUIRE(group);
    CHECK(group->size() == 1);
    CHECK(structio::holds<key_error>((*group)[0]));
    CHECK(seen == numbers(3));
    CHECK(cut == 3);
    CHECK_FALSE(structio::move_on_after(
        2500ms, [] { for_each_concurrent(slow_stream(1000), 3, [](int) {}); }));
  });
}

TEST_CASE("a loop whose last turn is over has ended, whatever comes then") {
  face::run([] {
    structio::cancel_scope scope;
    int turns = 0;
    const bool done = scope.run([&] {
      for_each_concurrent(numbers(3), 1, [&](int i) {
        ++turns;
        if (i == 2) scope.cancel();
      });
    });
    CHECK(done);
    CHECK(turns == 3);
    structio::cancel_scope early;
    turns = 0;
    CHECK_FALSE(early.run([&] {
      for_each_concurrent(numbers(3), 1, [&](int i) {
        ++turns;
        if (i == 1) early.cancel();
      });
    }));
    CHECK(turns == 2);
  });
}

TEST_CASE("turns that never wait keep nobody out") {
  face::run([] {
    int others = 0;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        for (int i = 0; i < 10; ++i) {
          structio::checkpoint();
          ++others;
        }
      });
      int seen = 0;
      for_each_concurrent(numbers(100), 1, [&](int) { seen = std::max(seen, others); });
      CHECK(seen == 10);
    });
  });
}
