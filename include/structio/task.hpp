// The calling task: its id and name; variables local to a task or to a run.
#pragma once

#include <structio/structio.h>
#include <structio/error.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {

/// Names a task for as long as the process lives; 0 is no task.
using task_id = structio_task_id;

/// The calling task, or 0 outside of a task. Any thread.
inline task_id current_task() noexcept {
  return structio_task_current();
}

/// Name of a living task of this run; empty when there is none with this id. Any task or hook.
inline std::string task_name(task_id task = current_task()) {
  const char* name = structio_task_name(task);
  return name == nullptr ? std::string() : std::string(name);
}

/// Renames the calling task.
inline void set_task_name(const char* name) {
  detail::check(structio_task_set_name(name));
}
inline void set_task_name(const std::string& name) {
  set_task_name(name.c_str());
}

namespace detail {

/// The two sets of functions that the C ABI has for local variables.
struct task_scope_of_locals {
  static int set(const void* key, void* value, structio_drop_fn drop, structio_local_token* token) {
    return structio_local_set(key, value, drop, token);
  }
  static int get(const void* key, void** value) { return structio_local_get(key, value); }
  static int reset(const void* key, structio_local_token* token) {
    return structio_local_reset(key, token);
  }
};
struct run_scope_of_locals {
  static int set(const void* key, void* value, structio_drop_fn drop, structio_local_token* token) {
    return structio_run_local_set(key, value, drop, token);
  }
  static int get(const void* key, void** value) { return structio_run_local_get(key, value); }
  static int reset(const void* key, structio_local_token* token) {
    return structio_run_local_reset(key, token);
  }
};

}  // namespace detail

/// What a replace() replaced; give it to reset() to go back. Good once, for the same variable (and
/// for a task_local in the same task). Dropping it changes nothing.
class local_token {
 public:
  local_token(const local_token&) = delete;
  local_token& operator=(const local_token&) = delete;
  ~local_token() { structio_local_token_free(&raw_); }

 private:
  template <class, class>
  friend class basic_local;
  template <class Set>
  explicit local_token(Set&& set) {
    std::forward<Set>(set)(&raw_);
  }
  structio_local_token raw_{};
};

/// A variable of its own value in each task or run: see task_local and run_local. Declare it with
/// static storage; it is named by its address.
template <class T, class Scope>
class basic_local {
 public:
  basic_local() = default;
  /// With a default, which reading gives as long as nothing is set.
  explicit basic_local(T fallback) : fallback_(std::move(fallback)) {}
  basic_local(const basic_local&) = delete;
  basic_local& operator=(const basic_local&) = delete;

  /// The value, or the default. Valid until it is set or reset here. Throws absent_error.
  const T& get() const {
    void* value = nullptr;
    const int status = Scope::get(this, &value);
    if (status >= 0) return *static_cast<const T*>(value);
    if (status == STRUCTIO_EABSENT && fallback_) return *fallback_;
    detail::throw_status(status);
  }

  /// The value, or `other` when nothing is set: the variable's own default does not count.
  T get_or(T other) const {
    void* value = nullptr;
    const int status = Scope::get(this, &value);
    if (status >= 0) return *static_cast<const T*>(value);
    if (status == STRUCTIO_EABSENT) return other;
    detail::throw_status(status);
  }

  /// Sets it.
  void set(T value) const { store(std::move(value), nullptr); }

  /// Sets it, and gives a token with which reset() goes back to what was there before. Until then
  /// the token keeps that alive.
  [[nodiscard]] local_token replace(T value) const {
    return local_token([&](structio_local_token* token) { store(std::move(value), token); });
  }

  /// Goes back. Throws std::invalid_argument: a token used before, another variable's, and for a
  /// task_local another task's.
  void reset(local_token& token) const { detail::check(Scope::reset(this, &token.raw_)); }

  /// Runs `body` with another value and goes back, however it ends.
  template <class Body>
  decltype(auto) with(T value, Body&& body) const {
    struct restore {
      const basic_local& local;
      local_token token;
      ~restore() { Scope::reset(&local, &token.raw_); }
    } guard{*this, replace(std::move(value))};
    return std::invoke(std::forward<Body>(body));
  }

 private:
  void store(T&& value, structio_local_token* token) const {
    auto owned = std::make_unique<T>(std::move(value));
    detail::check(Scope::set(this, owned.get(), &drop, token));
    owned.release();
  }

  static void drop(void* value) { delete static_cast<T*>(value); }

  std::optional<T> fallback_;
};

/// A child starts with what its starter had at that moment; later changes on either side are not
/// seen by the other. Outside of a run it belongs to the thread, and a run's main task starts with
/// that. Any thread.
template <class T>
using task_local = basic_local<T, detail::task_scope_of_locals>;

/// One value for all tasks of a run, gone when the run ends. Any task or hook.
template <class T>
using run_local = basic_local<T, detail::run_scope_of_locals>;

}  // namespace v0
}  // namespace structio
