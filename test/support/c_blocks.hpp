// Blocks and handles of the C ABI for tests: a nursery or a scope around a lambda, a failure that
// frees itself, the message of the last refusal. What a lambda returns is its block's status.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "support/c_tasks.hpp"

namespace c_tasks {

inline std::string message() {
  return structio_last_message();
}

/// True when the last message has every one of these words.
inline bool says(std::initializer_list<const char*> words) {
  const std::string text = message();
  for (const char* word : words) {
    if (text.find(word) == std::string::npos) return false;
  }
  return true;
}

/// A reference to a failure, given back at the end.
class owned_failure {
 public:
  owned_failure() = default;
  explicit owned_failure(structio_failure* taken) : raw(taken) {}
  owned_failure(const owned_failure&) = delete;
  owned_failure& operator=(const owned_failure&) = delete;
  ~owned_failure() { structio_failure_free(raw); }

  int code() const { return structio_failure_code(raw); }
  int kind() const { return structio_failure_get_kind(raw); }
  std::size_t count() const { return structio_failure_count(raw); }
  int member(std::size_t i) const { return structio_failure_code(structio_failure_member(raw, i)); }
  std::string text() const { return raw ? structio_failure_message(raw) : ""; }
  std::string tree() const {
    std::string all(4096, 0);
    structio_failure_describe(raw, all.data(), all.size());
    return all.c_str();
  }

  structio_failure* raw = nullptr;
};

/// A nursery around body(nursery); its status, and what failed in `why`.
template <class Body>
int nursery_block(Body&& body, owned_failure* why = nullptr) {
  structio_nursery n;
  int status = structio_nursery_open(&n);
  if (status == 0) status = body(n);
  structio_failure* f = status < 0 ? structio_failure_take() : nullptr;
  status = structio_nursery_close(&n, status, &f);
  if (why) {
    structio_failure_free(std::exchange(why->raw, f));
  } else {
    structio_failure_free(f);
  }
  return status;
}

inline structio_scope_options scope_options() {
  structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
  return options;
}

/// A scope around body().
template <class Body>
int scope_block(structio_scope& s, Body&& body,
                const structio_scope_options& options = scope_options()) {
  int status = structio_scope_init(&s, &options);
  if (status == 0) status = structio_scope_enter(&s);
  return status == 0 ? structio_scope_leave(&s, body(), nullptr) : status;
}

template <class Body>
int shielded(Body&& body) {
  structio_scope s;
  structio_scope_options options = scope_options();
  options.shield = 1;
  return scope_block(s, body, options);
}

template <class Fn>
int start_task(structio_nursery& n, Fn& fn, structio_task** handle) {
  return structio_nursery_start_task(&n, nullptr, call<Fn>, &fn, handle);
}

template <class Fn>
int start_service(structio_nursery& n, Fn& fn) {
  return structio_nursery_start_service(&n, nullptr, call<Fn>, &fn);
}

template <class Fn>
int start_system(Fn& fn, const char* name = "system") {
  structio_task_options options = STRUCTIO_TASK_OPTIONS_INIT;
  options.name = name;
  return structio_start_system_task(&options, call<Fn>, &fn);
}

/// Waits until every other task waits.
inline void settle() {
  structio_wait_all_tasks_blocked(0);
}

/// Why the calling task is cancelled: its source, 0 when it is not.
inline int cancel_source(std::string* reason = nullptr, std::string* by = nullptr) {
  structio_cancel_info info{};
  info.struct_size = sizeof info;
  if (structio_cancel_reason(&info) != 1) return 0;
  if (reason) *reason = info.reason ? info.reason : "";
  if (by) *by = info.task_name ? info.task_name : "";
  return static_cast<int>(info.source);
}

/// A failure with a code and a message, in flight: `return fail(-5, "text");`.
inline int fail(int code, const char* text) {
  structio_failure* f = nullptr;
  if (const int status = structio_failure_new_status(code, text, &f)) return status;
  return structio_failure_raise(f);
}

}  // namespace c_tasks
