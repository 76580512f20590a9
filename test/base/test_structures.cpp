// White box: the intrusive structures and the clock of lib/base.
#include <cstdint>
#include <set>
#include <vector>

#include "base/clock.hpp"
#include "base/heap.hpp"
#include "base/list.hpp"
#include "base/mpsc.hpp"
#include "support/catch.hpp"

namespace base = structio::base;

namespace {

struct queue_tag;
struct item : base::list_node<queue_tag> {
  explicit item(int n) : number(n) {}
  int number;
};
using item_list = base::list<item, queue_tag>;

std::vector<int> numbers(item_list& list) {
  std::vector<int> seen;
  for (item* i = list.front(); i; i = list.next(*i)) seen.push_back(i->number);
  return seen;
}

}  // namespace

TEST_CASE("a list keeps the order and unlinks from anywhere") {
  item a(1), b(2), c(3);
  item_list list;
  CHECK(list.empty());
  list.push_back(b);
  list.push_back(c);
  list.push_front(a);
  CHECK(numbers(list) == std::vector{1, 2, 3});
  b.unlink();
  CHECK_FALSE(b.linked());
  CHECK(numbers(list) == std::vector{1, 3});
  CHECK(list.pop_front() == &a);
  CHECK(list.pop_front() == &c);
  CHECK(list.pop_front() == nullptr);
}

TEST_CASE("splicing moves every element and leaves the source usable") {
  item a(1), b(2), c(3), d(4);
  item_list to, from;
  to.push_back(a);
  from.push_back(b);
  from.push_back(c);
  to.splice_back(from);
  CHECK(from.empty());
  from.push_back(d);
  to.splice_back(from);
  CHECK(numbers(to) == std::vector{1, 2, 3, 4});
  while (to.pop_front()) {
  }
}

TEST_CASE("a heap gives up its nodes in the order of their keys, whatever was removed or changed") {
  constexpr int count = 500;
  std::vector<base::heap_node> nodes(count);
  base::heap heap;
  std::uint32_t random = 12345;
  auto next_random = [&] { return random = random * 1664525u + 1013904223u; };
  for (auto& node : nodes) REQUIRE(heap.insert(node, next_random() % 1000) == 0);
  for (int i = 0; i < count; i += 3) heap.remove(nodes[static_cast<std::size_t>(i)]);
  for (int i = 1; i < count; i += 3) {
    heap.update(nodes[static_cast<std::size_t>(i)], next_random() % 1000);
  }
  std::int64_t last = -1;
  std::uint32_t taken = 0;
  for (; !heap.empty(); ++taken) {
    const auto least = heap.front();
    const std::int64_t second = heap.second_key();
    CHECK(least.key >= last);
    CHECK(second >= least.key);
    last = least.key;
    heap.remove(*least.node);
    CHECK(second == (heap.empty() ? INT64_MAX : heap.front().key));
  }
  CHECK(taken == count - (count + 2) / 3);
}

TEST_CASE("many removals at once leave a heap in order, whatever is done in between") {
  constexpr int count = 500;
  const int removed = GENERATE(0, 1, 20, 300, 499, 500);
  const bool busy = GENERATE(false, true);
  INFO(removed << " removed, busy " << busy);
  std::vector<base::heap_node> nodes(count);
  std::vector<base::heap_node> late(removed == count ? 0 : 3);
  base::heap heap;
  std::uint32_t random = 4711;
  auto next_random = [&] { return random = random * 1664525u + 1013904223u; };
  std::multiset<std::int64_t> keys;
  for (auto& node : nodes) REQUIRE(heap.insert(node, next_random() % 1000) == 0);
  {
    const base::heap::many_removals scope(heap);
    for (int i = 0; i < removed; ++i) {
      // A step that has no divisor in common with the number of nodes: each once, in no order.
      heap.remove(nodes[static_cast<std::size_t>(i) * 77 % count]);
      if (!busy || i != removed / 2) continue;
      for (auto& node : late) REQUIRE(heap.insert(node, next_random() % 1000) == 0);
      if (!late.empty()) heap.update(late[0], 5);
    }
  }
  for (const auto* some : {&nodes, &late}) {
    for (const auto& node : *some) {
      if (node.in_heap()) keys.insert(heap.key_of(node));
    }
  }
  CHECK(heap.size() == keys.size());
  for (const std::int64_t key : keys) {
    REQUIRE(heap.front().key == key);
    heap.remove(*heap.front().node);
  }
  CHECK(heap.empty());
}

TEST_CASE("the queue from other threads hands over everything in the order of the pushes") {
  base::mpsc_queue queue;
  base::mpsc_node a, b, c;
  CHECK(queue.push(a));
  CHECK_FALSE(queue.push(b));
  CHECK_FALSE(queue.push(c));
  base::mpsc_node* first = queue.drain();
  REQUIRE(first == &a);
  REQUIRE(first->next == &b);
  REQUIRE(first->next->next == &c);
  CHECK(first->next->next->next == nullptr);
  CHECK(queue.empty());
}

TEST_CASE("times saturate instead of wrapping") {
  CHECK(base::saturating_add(base::forever, -5) == base::forever);
  CHECK(base::saturating_add(base::forever - 1, 5) == base::forever);
  CHECK(base::saturating_add(base::long_ago + 1, -5) == base::long_ago);
  CHECK(base::saturating_add(7, -5) == 2);
  const std::int64_t earlier = base::monotonic_now();
  CHECK(base::monotonic_now() >= earlier);
}
