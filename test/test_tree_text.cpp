// The two forms in which the tree is printed: text for readers, JSON for programs.
#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include "support/c_tasks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

/// Ids and labels differ from run to run.
std::string without_ids(const std::string& text) {
  return std::regex_replace(text, std::regex("#[0-9]+[.][0-9]+|\"[0-9]{10,}\"|\"[0-9]+[.][0-9]+\""),
                            "#");
}

std::string tree() {
  return without_ids(text_of(structio_debug_tree));
}

int sleep_forever(void*) {
  return structio_sleep_forever();
}

structio_scope_options timed(int64_t duration) {
  structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
  options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
  options.deadline = duration;
  return options;
}

/// Just enough of a reader to know that a text is JSON.
struct json_reader {
  const char* at;

  bool value() {
    if (*at == '{') return row('}', true);
    if (*at == '[') return row(']', false);
    if (*at == '"') return string();
    const char* begin = at;
    while ((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '-') ++at;
    return at != begin;
  }
  bool string() {
    if (*at++ != '"') return false;
    while (*at && *at != '"') {
      if (static_cast<unsigned char>(*at) < 0x20) return false;
      at += *at == '\\' ? 2 : 1;
    }
    return *at++ == '"';
  }
  bool row(char end, bool with_keys) {
    ++at;
    if (*at == end) return ++at, true;
    for (;;) {
      if (with_keys && (!string() || *at++ != ':')) return false;
      if (!value()) return false;
      if (*at == end) return ++at, true;
      if (*at++ != ',') return false;
    }
  }
};

bool is_json(const std::string& text) {
  json_reader reader{text.c_str()};
  return reader.value() && *reader.at == 0;
}

}  // namespace

TEST_CASE("the tree as text: states, scopes with deadlines, nurseries, services") {
  virtual_clock clock;
  auto grandchild = [] {
    structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
    options.shield = 1;
    options.ends_on_stop = 1;
    structio_scope scope;
    structio_scope_init(&scope, &options);
    structio_scope_enter(&scope);
    return structio_scope_leave(&scope, structio_sleep(STRUCTIO_SECONDS(5)), nullptr);
  };
  auto parent = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    spawn(n, "grandchild", grandchild);
    return structio_nursery_close(&n, 0, nullptr);
  };
  std::string alive;
  std::string ending;
  auto body = [&] {
    structio_task_options options = STRUCTIO_TASK_OPTIONS_INIT;
    options.name = "system";
    structio_start_system_task(&options, sleep_forever, nullptr);
    const structio_scope_options deadline = timed(STRUCTIO_MILLISECONDS(2500));
    structio_scope scope;
    structio_scope_init(&scope, &deadline);
    structio_scope_enter(&scope);
    structio_nursery n;
    structio_nursery_open(&n);
    spawn(n, "parent", parent);
    options.name = "house\nkeeper";
    structio_nursery_start_service(&n, &options, sleep_forever, nullptr);
    structio_wait_all_tasks_blocked(0);
    spawn(n, "late", grandchild);
    clock.jump(STRUCTIO_MILLISECONDS(2510));
    alive = tree();
    structio_scope_set_deadline(&scope, STRUCTIO_SECONDS(90));
    structio_scope_cancel(structio_nursery_scope(&n), "enough");
    ending = tree();
    structio_virtual_clock_set_autojump(clock.handle, 0);  // for those behind a shield
    structio_nursery_close(&n, 0, nullptr);
    return structio_scope_leave(&scope, 0, nullptr);
  };
  CHECK(run(body, clock.options()) == 0);
  CHECK(alive ==
        "main #: running\n"
        "├─ scope, deadline 10ms ago\n"
        "└─ nursery of 3 tasks (1 service)\n"
        "   ├─ parent #: waits for children\n"
        "   │  └─ nursery of 1 task, its body has ended\n"
        "   │     └─ grandchild #: waits for sleep\n"
        "   │        └─ scope, shielded, ends on stop\n"
        "   ├─ house keeper #: waits for sleep, service\n"
        "   └─ late #: ready to begin\n"
        "system tasks\n"
        "└─ system #: waits for sleep\n");
  CHECK(ending ==
        "main #: running, cancelled\n"
        "├─ scope, deadline in 1.5min\n"
        "└─ nursery of 3 tasks (1 service), cancelled due to explicit: enough (from task 'main')\n"
        "   ├─ parent #: waits for children, cancelled\n"
        "   │  └─ nursery of 1 task, its body has ended, cancelled from outside\n"
        "   │     └─ grandchild #: waits for sleep\n"
        "   │        └─ scope, shielded, ends on stop\n"
        "   ├─ house keeper #: ready, service, cancelled\n"
        "   └─ late #: ready to begin, cancelled\n"
        "system tasks\n"
        "└─ system #: waits for sleep\n");
}

TEST_CASE("system tasks have no parent, and are seen when the main task has ended [TREE-03]") {
  std::string seen;
  std::string json;
  auto system = [&] {
    const structio_task_id me = structio_task_current();
    CHECK(structio_debug_parent_nursery(me) == nullptr);
    CHECK(structio_debug_eventual_parent_nursery(me) == nullptr);
    const int status = structio_sleep_forever();
    CHECK(structio_debug_root_task() != 0);
    CHECK(nurseries_of(structio_debug_root_task()).empty());
    seen = tree();
    json = text_of(structio_debug_tree_json);
    return status;
  };
  auto body = [&] {
    structio_task_options options = STRUCTIO_TASK_OPTIONS_INIT;
    options.name = "system";
    structio_start_system_task(&options, call<decltype(system)>, &system);
    return structio_wait_all_tasks_blocked(0);
  };
  CHECK(run(body) == 0);
  CHECK(seen ==
        "the main task has ended\n"
        "system tasks\n"
        "└─ system #: running, cancelled\n");
  CHECK(is_json(json));
  CHECK_THAT(json, ContainsSubstring("\"main\":null,\"system\":[{"));
}

TEST_CASE("a starting task is shown with its starter and names its new home") {
  std::string seen;
  structio_nursery target;
  structio_task_id child = 0;
  auto starting = [&] {
    child = structio_task_current();
    structio_nursery* hidden = structio_debug_parent_nursery(child);
    CHECK(hidden != &target);
    CHECK(structio_debug_eventual_parent_nursery(child) == &target);
    CHECK(children_of(hidden) == std::vector<structio_task_id>{child});
    CHECK(structio_debug_parent_task(hidden) == structio_debug_root_task());
    seen = tree();
    CHECK(is_json(text_of(structio_debug_tree_json)));
    CHECK(structio_started(nullptr) == 0);
    CHECK(structio_debug_parent_nursery(child) == &target);
    CHECK(structio_debug_eventual_parent_nursery(child) == nullptr);
    return 0;
  };
  auto body = [&] {
    structio_task_options options = STRUCTIO_TASK_OPTIONS_INIT;
    options.name = "server";
    structio_nursery_open(&target);
    CHECK(structio_nursery_start(&target, &options, call<decltype(starting)>, &starting, nullptr) ==
          0);
    return structio_nursery_close(&target, 0, nullptr);
  };
  CHECK(run(body) == 0);
  CHECK(seen ==
        "main #: waits for children\n"
        "├─ nursery of 0 tasks, 1 more starting\n"
        "└─ start, until its task is ready\n"
        "   └─ server #: running, will move to a nursery of main\n");
}

TEST_CASE("a row of tasks that are alike is one line") {
  virtual_clock clock;
  auto client = [] {
    const structio_scope_options options = timed(structio_now() + STRUCTIO_SECONDS(2));
    structio_scope scope;
    structio_scope_init(&scope, &options);
    structio_scope_enter(&scope);
    return structio_scope_leave(&scope, structio_sleep_forever(), nullptr);
  };
  std::string seen;
  auto body = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    spawn(n, "first", sleep_forever);
    for (int i = 0; i < 1000; ++i) {
      spawn(n, ("client " + std::to_string(i)).c_str(), client);
      if (i == 499) {
        structio_wait_all_tasks_blocked(0);
        clock.jump(STRUCTIO_MILLISECONDS(500));
      }
    }
    for (int i = 0; i < 4; ++i) spawn(n, "same", sleep_forever);
    for (int i = 0; i < 4; ++i) {
      spawn(n, "together", client);
      structio_wait_all_tasks_blocked(0);
      clock.jump(1);  // too little to be seen
    }
    for (int i = 0; i < 2; ++i) spawn(n, "few", sleep_forever);
    structio_wait_all_tasks_blocked(0);
    seen = tree();
    CHECK(is_json(text_of(structio_debug_tree_json)));
    structio_scope_cancel(structio_nursery_scope(&n), nullptr);
    return structio_nursery_close(&n, 0, nullptr);
  };
  CHECK(run(body, clock.options()) == 0);
  CHECK(seen ==
        "main #: running\n"
        "└─ nursery of 1011 tasks\n"
        "   ├─ first #: waits for sleep\n"
        "   ├─ client 0 .. client 999 x 1000: waits for sleep, deadlines in 1.5s to 2.5s\n"
        "   ├─ same x 4: waits for sleep\n"
        "   ├─ together x 4: waits for sleep, deadline in 2.5s\n"
        "   ├─ few #: waits for sleep\n"
        "   └─ few #: waits for sleep\n");
}

TEST_CASE("a text that does not fit is cut off and still terminated") {
  virtual_clock clock;  // so that all readings are alike
  auto body = [] {
    for (auto* describe : {structio_debug_tree, structio_debug_tree_json}) {
      const std::string all = text_of(describe);
      CHECK(all.size() > 10);
      CHECK(describe(nullptr, 0) == static_cast<int64_t>(all.size()));
      CHECK(describe(nullptr, 1) == STRUCTIO_EINVALID);
      for (const std::size_t size : {std::size_t{1}, std::size_t{8}, all.size()}) {
        std::string buffer(size + 1, '?');
        CHECK(describe(buffer.data(), size) == static_cast<int64_t>(all.size()));
        CHECK(buffer[size] == '?');
        CHECK(std::string(buffer.c_str()) == all.substr(0, size - 1));
      }
    }
    return 0;
  };
  CHECK(run(body, clock.options()) == 0);
}

TEST_CASE("the tree as JSON, whatever the names hold") {
  virtual_clock clock;
  std::string seen;
  auto child = [] { return structio_sleep(STRUCTIO_SECONDS(5)); };
  auto body = [&] {
    const structio_scope_options deadline = timed(7);
    structio_nursery n;
    structio_nursery_open_with(&n, &deadline);
    spawn(n, "a\"b\\c\n\x01 \xc3\xa4 \xff\xc0\xaf\xc3", child);
    structio_wait_all_tasks_blocked(0);
    seen = text_of(structio_debug_tree_json);
    structio_scope_cancel(structio_nursery_scope(&n), nullptr);
    return structio_nursery_close(&n, 0, nullptr);
  };
  CHECK(run(body, clock.options()) == 0);
  CHECK(is_json(seen));
  const std::string plain = R"("cancelled":false,"service":false,"moves_to":null,"scopes":[)";
  CHECK(
      without_ids(seen) ==
      R"({"now":0,"main":{"id":#,"label":#,"name":"main","state":"running",)"
      R"("waits_for":null,"held_by":null,"begun":true,)" +
          plain +
          R"({"kind":"nursery","deadline_in":7,"shield":false,"cancelled":false,)"
          R"("cancel_called":false,"reason":null,"stopping":false,"stop_called":false,)"
          R"("ends_on_stop":false,"grace_ends_in":null,"closing":false,"pending_starts":0,)"
          R"("failed":0,"tasks":[{"id":#,"label":#,"name":"a\"b\\c\u000a\u0001 )"
          "\xc3\xa4"
          R"( \ufffd\ufffd\ufffd\ufffd","state":"waiting","waits_for":"sleep","held_by":null,"begun":true,)" +
          plain + R"(]}]}]},"system":[]})");
}

TEST_CASE("a tree of any depth is printed from a small stack") {
  constexpr int depth = 3000;
  std::string text;
  std::string json;
  int level = 0;
  structio_task_options options = STRUCTIO_TASK_OPTIONS_INIT;
  options.name = "level";
  options.stack_size = 64 * 1024;
  struct nested {
    std::string &text, &json;
    int& level;
    const structio_task_options& options;
    int operator()() {
      if (++level == depth) {
        text = text_of(structio_debug_tree);
        json = text_of(structio_debug_tree_json);
        return 0;
      }
      structio_nursery n;
      structio_nursery_open(&n);
      structio_nursery_spawn(&n, &options, call<nested>, this);
      return structio_nursery_close(&n, 0, nullptr);
    }
  } task{text, json, level, options};
  CHECK(run(task) == 0);
  CHECK(level == depth);
  CHECK(text.find("(level 5998) level #") != std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == 2 * depth - 1);
  CHECK(is_json(json));
}

TEST_CASE("a deadlock is answered with the tree") {
  auto body = [] {
    structio_nursery n;
    structio_nursery_open(&n);
    structio_lot lot;
    structio_lot_init(&lot);
    auto stuck = [&] { return structio_lot_park(&lot); };
    spawn(n, "stuck", stuck);
    return structio_nursery_close(&n, 0, nullptr);
  };
  structio_failure* failure = nullptr;
  structio_run_options options = run_options();
  options.failure = &failure;
  CHECK(run(body, options) == STRUCTIO_EDEADLOCK);
  const std::string text = without_ids(structio_failure_message(failure));
  structio_failure_free(failure);
  CHECK_THAT(text, ContainsSubstring("main #: waits for children\n"
                                     "└─ nursery of 1 task, its body has ended\n"
                                     "   └─ stuck #: waits for parking lot\n"));
}
