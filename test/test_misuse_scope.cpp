// Bad input at the functions of structio_scope.h: a code and a message each, and nothing changed.
#include <climits>
#include <cstring>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/refusals.hpp"

using namespace c_tasks;

namespace {

int nothing(void*) {
  return 0;
}

using scope_call = std::int64_t (*)(structio_scope*);

// Every function that takes a scope which somebody has initialised.
const std::vector<std::pair<const char*, scope_call>> calls_with_scope = {
    {"structio_scope_destroy", [](auto* s) -> std::int64_t { return structio_scope_destroy(s); }},
    {"structio_scope_enter", [](auto* s) -> std::int64_t { return structio_scope_enter(s); }},
    {"structio_scope_leave",
     [](auto* s) -> std::int64_t { return structio_scope_leave(s, 0, nullptr); }},
    {"structio_scope_cancel",
     [](auto* s) -> std::int64_t { return structio_scope_cancel(s, nullptr); }},
    {"structio_scope_stop",
     [](auto* s) -> std::int64_t { return structio_scope_stop(s, 0, nullptr); }},
    {"structio_scope_stop_on_signal",
     [](auto* s) -> std::int64_t { return structio_scope_stop_on_signal(s, 1, 0); }},
    {"structio_scope_set_deadline",
     [](auto* s) -> std::int64_t { return structio_scope_set_deadline(s, 0); }},
    {"structio_scope_set_timeout",
     [](auto* s) -> std::int64_t { return structio_scope_set_timeout(s, 0); }},
    {"structio_scope_deadline",
     [](auto* s) -> std::int64_t {
       std::int64_t moment = 0;
       return structio_scope_deadline(s, &moment);
     }},
    {"structio_scope_timeout",
     [](auto* s) -> std::int64_t {
       std::int64_t duration = 0;
       return structio_scope_timeout(s, &duration);
     }},
    {"structio_scope_set_shield",
     [](auto* s) -> std::int64_t { return structio_scope_set_shield(s, 1); }},
    {"structio_scope_shield", [](auto* s) -> std::int64_t { return structio_scope_shield(s); }},
    {"structio_scope_cancel_called",
     [](auto* s) -> std::int64_t { return structio_scope_cancel_called(s); }},
    {"structio_scope_cancelled_caught",
     [](auto* s) -> std::int64_t { return structio_scope_cancelled_caught(s); }},
    {"structio_scope_describe",
     [](auto* s) -> std::int64_t { return structio_scope_describe(s, nullptr, 0); }},
    {"structio_cancel_token_new",
     [](auto* s) -> std::int64_t {
       structio_cancel_token* token = nullptr;
       return structio_cancel_token_new(s, &token);
     }},
};

}  // namespace

TEST_CASE("NULL, zeros and garbage are no scopes, for any function", "[CANCEL-15]") {
  auto zeros = garbage<structio_scope>(0);
  auto noise = garbage<structio_scope>(0xa5);
  structio_scope destroyed;
  structio_scope_init(&destroyed, nullptr);
  CHECK(structio_scope_destroy(&destroyed) == 0);
  auto body = [&] {
    for (const auto& [name, call] : calls_with_scope) {
      INFO(name);
      CHECK(refused(call(nullptr), STRUCTIO_EINVALID, {name, "scope", "NULL"}));
      for (structio_scope* bad : {&zeros, &noise, &destroyed}) {
        CHECK(refused(call(bad), STRUCTIO_EINVALID, {name, "not an initialised scope"}));
      }
    }
    return structio_checkpoint();
  };
  CHECK(run(body) == 0);
}

TEST_CASE("options that make no scope", "[CANCEL-20]") {
  structio_scope s;
  structio_scope_options options = scope_options();
  CHECK(refused(structio_scope_init(nullptr, nullptr), STRUCTIO_EINVALID, {"scope", "NULL"}));
  options.struct_size = 0;
  CHECK(refused(structio_scope_init(&s, &options), STRUCTIO_EINVALID, {"struct_size"}));
  options = scope_options();
  options.deadline_kind = 3;
  CHECK(refused(structio_scope_init(&s, &options), STRUCTIO_EINVALID, {"deadline_kind 3"}));
  options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
  options.deadline = -1;
  CHECK(refused(structio_scope_init(&s, &options), STRUCTIO_EINVALID, {"negative"}));
  options.deadline_kind = STRUCTIO_DEADLINE_ABSOLUTE;
  options.deadline = INT64_MIN;
  CHECK(structio_scope_init(&s, &options) == 0);
}

TEST_CASE("a scope in use is not made anew, entered or destroyed", "[CANCEL-15]") {
  auto body = [] {
    structio_scope s;
    structio_scope inner;
    return scope_block(s, [&] {
      return scope_block(inner, [&] {
        CHECK(refused(structio_scope_init(&s, nullptr), STRUCTIO_EMISUSE, {"inside this scope"}));
        CHECK(refused(structio_scope_enter(&s), STRUCTIO_EMISUSE, {"single block"}));
        CHECK(refused(structio_scope_destroy(&s), STRUCTIO_EMISUSE, {"inside", "leave it first"}));
        CHECK(structio_scope_cancel(&s, nullptr) == 0);
        return structio_checkpoint();
      });
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("leaving what was not entered, or not by this task", "[MISNEST-04]") {
  auto body = [] {
    structio_scope s;
    structio_scope_init(&s, nullptr);
    CHECK(refused(structio_scope_leave(&s, 0, nullptr), STRUCTIO_EMISUSE, {"never entered"}));
    structio_scope_enter(&s);
    CHECK(structio_scope_leave(&s, -5, nullptr) == -5);
    CHECK(refused(structio_scope_leave(&s, 0, nullptr), STRUCTIO_EMISUSE, {"left before"}));
    CHECK(refused(structio_scope_enter(&s), STRUCTIO_EMISUSE, {"entered before"}));
    return structio_scope_destroy(&s);
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a scope is left whatever failure is given", "[FIB-11]") {
  structio_failure* freed = nullptr;
  structio_failure_new_status(-5, nullptr, &freed);
  structio_failure_free(freed);
  auto body = [&] {
    structio_scope s;
    structio_scope_init(&s, nullptr);
    structio_scope_enter(&s);
    structio_failure* given = freed;
    CHECK(refused(structio_scope_leave(&s, 0, &given), STRUCTIO_ESTALE, {"structio_scope_leave"}));
    CHECK(given == nullptr);
    CHECK(refused(structio_scope_leave(&s, 0, nullptr), STRUCTIO_EMISUSE, {"left before"}));
    return structio_checkpoint();
  };
  CHECK(run(body) == 0);
}

TEST_CASE("durations and moments at the ends of time", "[CANCEL-20][SRC-02]") {
  for (const int64_t start : {int64_t{0}, INT64_MIN + 10, INT64_MAX - 10}) {
    virtual_clock clock(-1, start);
    auto body = [&] {
      structio_scope s;
      return scope_block(s, [&] {
        int64_t left = 0;
        CHECK(refused(structio_scope_set_timeout(&s, -1), STRUCTIO_EINVALID, {"negative"}));
        CHECK(refused(structio_scope_stop(&s, -1, nullptr), STRUCTIO_EINVALID, {"negative"}));
        CHECK(refused(structio_scope_stop_on_signal(&s, 10, -1), STRUCTIO_EINVALID, {"negative"}));
        for (const int64_t duration : {INT64_MAX - 1, STRUCTIO_FOREVER}) {
          CHECK(structio_scope_set_timeout(&s, duration) == 0);
          CHECK(structio_scope_timeout(&s, &left) == 0);
          CHECK(left > 0);
          CHECK(structio_scope_describe(&s, nullptr, 0) > 0);
        }
        CHECK(structio_scope_stop(&s, INT64_MAX - 1, nullptr) == 0);
        CHECK(structio_scope_cancel_called(&s) == 0);
        CHECK(structio_checkpoint() == 0);
        CHECK(structio_scope_set_deadline(&s, INT64_MIN) == 0);
        CHECK(structio_scope_timeout(&s, &left) == 0);
        CHECK(left < 0);
        CHECK(structio_scope_describe(&s, nullptr, 0) > 0);
        CHECK(structio_current_deadline() == INT64_MIN);
        return structio_checkpoint();
      });
    };
    CHECK(run(body, clock.options()) == 0);
  }
}

TEST_CASE("deadlines that a scope does not have yet", "[CANCEL-16][TIME-12]") {
  structio_scope absolute;
  structio_scope relative;
  structio_scope_options options = scope_options();
  options.deadline_kind = STRUCTIO_DEADLINE_ABSOLUTE;
  structio_scope_init(&absolute, &options);
  options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
  structio_scope_init(&relative, &options);
  int64_t got = 0;
  CHECK(refused(structio_scope_timeout(&absolute, &got), STRUCTIO_EMISUSE, {"before entry"}));
  CHECK(refused(structio_scope_deadline(&relative, &got), STRUCTIO_EMISUSE, {"before entry"}));
  CHECK(refused(structio_scope_timeout(&relative, nullptr), STRUCTIO_EINVALID, {"NULL"}));
  CHECK(refused(structio_scope_deadline(&absolute, nullptr), STRUCTIO_EINVALID, {"NULL"}));
}

TEST_CASE("what is asked of a scope outside of a run", "[CANCEL-22]") {
  structio_scope s;
  structio_scope_init(&s, nullptr);
  char text[8] = "xxxxxxx";
  CHECK(structio_scope_describe(&s, text, sizeof text) > 7);
  CHECK(std::strlen(text) == 7);
  CHECK(refused(structio_scope_describe(&s, nullptr, 4), STRUCTIO_EINVALID, {"text"}));
  CHECK(structio_scope_set_shield(&s, 5) == 0);
  CHECK(structio_scope_shield(&s) == 1);
  CHECK(structio_scope_cancel_called(&s) == 0);
  CHECK(structio_scope_set_timeout(&s, 5) == 0);
  CHECK(structio_scope_enter(&s) == STRUCTIO_ENOTASK);
  CHECK(structio_scope_destroy(&s) == 0);
}

TEST_CASE("signals that are none", "[SIG]") {
  auto body = [] {
    structio_scope s;
    structio_scope_init(&s, nullptr);
    CHECK(refused(structio_scope_stop_on_signal(&s, 10, 0), STRUCTIO_EMISUSE, {"enter the scope"}));
    return scope_block(s, [&] {
      for (const int bad : {0, -1, 9, 19, 65, 1000, INT_MAX, INT_MIN}) {
        INFO(bad);
        CHECK(refused(structio_scope_stop_on_signal(&s, bad, 0), -22, {"signal"}));
      }
      return structio_checkpoint();
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("bodies that are none", "[TIME-08]") {
  int timed_out = 7;
  auto body = [&] {
    CHECK(refused(structio_move_on_after(1, nullptr, nullptr, &timed_out), STRUCTIO_EINVALID,
                  {"structio_move_on_after", "fn"}));
    CHECK(timed_out == 0);
    CHECK(refused(structio_fail_after(1, nullptr, nullptr), STRUCTIO_EINVALID, {"fn"}));
    CHECK(refused(structio_move_on_after(-1, nothing, nullptr, nullptr), STRUCTIO_EINVALID,
                  {"negative"}));
    CHECK(refused(structio_fail_after(-1, nothing, nullptr), STRUCTIO_EINVALID, {"negative"}));
    return 0;
  };
  CHECK(run(body) == 0);
  CHECK(structio_move_on_after(1, nothing, nullptr, nullptr) == STRUCTIO_ENOTASK);
  CHECK(structio_fail_after(1, nothing, nullptr) == STRUCTIO_ENOTASK);
}

TEST_CASE("reasons are asked for with room for them", "[REASON-01]") {
  auto body = [] {
    structio_cancel_info info{};
    CHECK(refused(structio_cancel_reason(nullptr), STRUCTIO_EINVALID, {"info"}));
    CHECK(refused(structio_cancel_reason(&info), STRUCTIO_EINVALID, {"struct_size"}));
    info.struct_size = sizeof info;
    CHECK(structio_cancel_reason(&info) == 0);
    CHECK(refused(structio_cancel_describe(nullptr, 3), STRUCTIO_EINVALID, {"text"}));
    structio_scope s;
    return scope_block(s, [&] {
      structio_scope_cancel(&s, "because");
      std::string longest(100, 'x');
      structio_cancel_info brief{};
      brief.struct_size = offsetof(structio_cancel_info, reason);
      brief.reason = "untouched";
      CHECK(structio_cancel_reason(&brief) == 1);
      CHECK(brief.source == STRUCTIO_SOURCE_EXPLICIT);
      CHECK(brief.reason == std::string("untouched"));
      char tiny[4];
      CHECK(structio_cancel_describe(tiny, sizeof tiny) > 20);
      CHECK(tiny[3] == 0);
      return structio_checkpoint();
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("tokens that are none, or of scopes that are over", "[TOKEN][FIB-11]") {
  structio_cancel_token* token = nullptr;
  auto body = [&] {
    structio_scope s;
    CHECK(refused(structio_cancel_token_new(&s, nullptr), STRUCTIO_EINVALID, {"out"}));
    scope_block(s, [&] { return structio_cancel_token_new(&s, &token); });
    structio_cancel_token* late = token;
    CHECK(refused(structio_cancel_token_new(&s, &late), STRUCTIO_EMISUSE, {"left already"}));
    CHECK(late == nullptr);
    CHECK(structio_cancel_token_cancel(token) == 0);
    return structio_checkpoint();
  };
  CHECK(run(body) == 0);
  CHECK(structio_cancel_token_free(token) == 0);
  CHECK(refused(structio_cancel_token_free(token), STRUCTIO_ESTALE, {"freed before"}));
  CHECK(structio_cancel_token_cancel(token) == STRUCTIO_ESTALE);
  CHECK(structio_cancel_token_cancel(nullptr) == STRUCTIO_ESTALE);
  CHECK(structio_cancel_token_free(nullptr) == 0);
}
