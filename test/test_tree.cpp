// Looking at the tree: links up and down by id, and backtraces.
#include <unwind.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/c_tasks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

int sleep_forever(void*) {
  return structio_sleep_forever();
}

int frame_of_the_test(void*) {
  const int status = structio_sleep_forever();
  return status + 0 * static_cast<int>(structio_now() & 1);  // no tail call
}

bool shows(const std::vector<void*>& addresses, int (*fn)(void*)) {
  return std::any_of(addresses.begin(), addresses.end(), [fn](void* address) {
    return _Unwind_FindEnclosingFunction(static_cast<char*>(address) - 1) ==
           reinterpret_cast<void*>(fn);
  });
}

std::vector<void*> backtrace_of(structio_task_id task) {
  std::vector<void*> addresses(64);
  const int64_t count = structio_debug_backtrace(task, addresses.data(), addresses.size());
  addresses.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return addresses;
}

}  // namespace

TEST_CASE("the tree is what was built [TREE-01] [TREE-03] [TREE-04]") {
  structio_task_id child1 = 0;
  structio_task_id child2 = 0;
  structio_nursery outer;
  structio_nursery inner;
  auto second = [&] {
    child2 = structio_task_current();
    const structio_task_id root = structio_debug_root_task();
    CHECK(nurseries_of(root) == std::vector<structio_nursery*>{&outer});
    CHECK(nurseries_of(child1) == std::vector<structio_nursery*>{&inner});
    CHECK(nurseries_of(child2).empty());
    CHECK(children_of(&outer) == std::vector<structio_task_id>{child1});
    CHECK(children_of(&inner) == std::vector<structio_task_id>{child2});
    CHECK(structio_debug_parent_nursery(child2) == &inner);
    CHECK(structio_debug_parent_task(&inner) == child1);
    CHECK(structio_debug_parent_nursery(child1) == &outer);
    CHECK(structio_debug_parent_task(&outer) == root);
    CHECK(structio_debug_parent_nursery(root) == nullptr);
    CHECK(structio_debug_eventual_parent_nursery(child2) == nullptr);
    return 0;
  };
  auto first = [&] {
    child1 = structio_task_current();
    structio_nursery_open(&inner);
    spawn(inner, "child2", second);
    return structio_nursery_close(&inner, 0, nullptr);
  };
  auto body = [&] {
    CHECK(structio_debug_root_task() == structio_task_current());
    structio_nursery_open(&outer);
    spawn(outer, "child1", first);
    return structio_nursery_close(&outer, 0, nullptr);
  };
  CHECK(run(body) == 0);
  CHECK(child2 != 0);
  CHECK(structio_debug_root_task() == 0);
}

TEST_CASE("several nurseries come outermost first, and capacity is kept to") {
  structio_nursery a;
  structio_nursery b;
  auto body = [&] {
    structio_nursery_open(&a);
    structio_nursery_open(&b);
    for (int i = 0; i < 3; ++i) structio_nursery_start_soon(&b, sleep_forever, nullptr);
    const structio_task_id me = structio_task_current();
    CHECK(nurseries_of(me) == std::vector<structio_nursery*>{&a, &b});
    structio_nursery* one[2] = {nullptr, nullptr};
    CHECK(structio_debug_nurseries(me, one, 1) == 2);
    CHECK(one[0] == &a);
    CHECK(one[1] == nullptr);
    structio_task_id ids[3] = {0, 0, 0};
    CHECK(structio_debug_children(&b, ids, 2) == 3);
    CHECK(ids[1] != 0);
    CHECK(ids[2] == 0);
    CHECK(structio_debug_children(&b, nullptr, 0) == 3);
    CHECK(structio_debug_children(&b, nullptr, 1) == STRUCTIO_EINVALID);
    CHECK(structio_debug_nurseries(me, nullptr, 1) == STRUCTIO_EINVALID);
    structio_scope_cancel(structio_nursery_scope(&b), nullptr);
    structio_nursery_close(&b, 0, nullptr);
    return structio_nursery_close(&a, 0, nullptr);
  };
  CHECK(run(body) == 0);
}

TEST_CASE("links are harmless when what they name has ended [TREE-02]") {
  structio_nursery n;
  structio_task_id root = 0;
  structio_task_id child = 0;
  auto task = [&] {
    child = structio_task_current();
    return 0;
  };
  auto body = [&] {
    root = structio_task_current();
    structio_nursery_open(&n);
    spawn(n, "child", task);
    structio_nursery_close(&n, 0, nullptr);
    CHECK(structio_debug_parent_task(&n) == root);
    CHECK(children_of(&n).empty());
    for (const structio_task_id id : {child, structio_task_id{0}, ~structio_task_id{0}}) {
      CHECK(structio_debug_parent_nursery(id) == nullptr);
      CHECK(structio_debug_eventual_parent_nursery(id) == nullptr);
      CHECK(structio_debug_nurseries(id, nullptr, 0) == 0);
      CHECK(structio_debug_waiting_for(id) == nullptr);
      CHECK(backtrace_of(id).empty());
    }
    const structio_nursery none{};
    CHECK(structio_debug_parent_task(&none) == 0);
    CHECK(structio_debug_children(&none, nullptr, 0) == STRUCTIO_EINVALID);
    return 0;
  };
  CHECK(run(body) == 0);
  CHECK(structio_debug_parent_task(&n) == root);
  CHECK(structio_debug_parent_nursery(root) == nullptr);
  CHECK(structio_debug_tree(nullptr, 0) == STRUCTIO_ENOTASK);
}

TEST_CASE("frames of a task that waits can be listed, of others none [TREE-05]") {
  auto body = [] {
    structio_nursery n;
    structio_nursery_open(&n);
    structio_nursery_start_soon(&n, frame_of_the_test, nullptr);
    const structio_task_id child = children_of(&n).at(0);
    CHECK(backtrace_of(child).empty());  // not begun, though its stack may have been used before
    structio_wait_all_tasks_blocked(0);
    CHECK(std::string(structio_debug_waiting_for(child)) == "sleep");
    const std::vector<void*> all = backtrace_of(child);
    CHECK(shows(all, frame_of_the_test));
    CHECK_FALSE(shows(all, sleep_forever));
    CHECK(structio_debug_backtrace(child, nullptr, 0) == 0);
    CHECK(structio_debug_backtrace(child, nullptr, 1) == STRUCTIO_EINVALID);
    void* innermost = nullptr;
    CHECK(structio_debug_backtrace(child, &innermost, 1) == 1);
    CHECK(innermost == all.at(0));
    CHECK_FALSE(backtrace_of(structio_task_current()).empty());
    CHECK(structio_debug_waiting_for(structio_task_current()) == nullptr);

    structio_scope_cancel(structio_nursery_scope(&n), nullptr);
    structio_nursery_close(&n, 0, nullptr);
    CHECK(backtrace_of(child).empty());

    // The same stack once more, for a task that has not begun.
    structio_nursery_open(&n);
    structio_nursery_start_soon(&n, frame_of_the_test, nullptr);
    CHECK(backtrace_of(children_of(&n).at(0)).empty());
    structio_scope_cancel(structio_nursery_scope(&n), nullptr);
    return structio_nursery_close(&n, 0, nullptr);
  };
  CHECK(run(body) == 0);
}
