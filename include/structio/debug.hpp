// Looking inside a run: statistics, the tree of tasks and scopes, backtraces.
// This part of the face may still change between releases.
#pragma once

#include <structio/structio_debug.h>
#include <structio/error.hpp>
#include <structio/nursery.hpp>
#include <structio/task.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace structio {
inline namespace v0 {
namespace debug {

using statistics = structio_statistics;

namespace inner {

/// Reads a text whose length is not known beforehand.
template <class Read>
std::string read_text(Read read) {
  std::string text(512, '\0');
  for (;;) {
    const auto length =
        static_cast<std::size_t>(structio::detail::check(read(text.data(), text.size())));
    const bool whole = length < text.size();
    text.resize(whole ? length : length + 1);
    if (whole) return text;
  }
}

template <class Item, class Read>
std::vector<Item> read_list(Read read) {
  std::vector<Item> items(static_cast<std::size_t>(structio::detail::check(read(nullptr, 0))));
  if (!items.empty()) read(items.data(), items.size());
  return items;
}

}  // namespace inner

/// Counts of the calling run. Any task or hook.
inline statistics get_statistics() {
  statistics result{};
  result.struct_size = sizeof result;
  structio::detail::check(structio_get_statistics(&result));
  return result;
}

/// Every task with what it waits for, its nurseries and its scopes with their deadlines, as
/// indented text. Any task or hook.
inline std::string tree() {
  return inner::read_text(&structio_debug_tree);
}

/// The same as JSON.
inline std::string tree_json() {
  return inner::read_text(&structio_debug_tree_json);
}

/// The main task; 0 outside of a run.
inline task_id root_task() noexcept {
  return structio_debug_root_task();
}

/// The nursery that a task lives in; null for the main task, a system task, one that has ended.
inline structio_nursery* parent_nursery(task_id task) noexcept {
  return structio_debug_parent_nursery(task);
}

/// The nursery that a task will move to when it says that it has started.
inline structio_nursery* eventual_parent_nursery(task_id task) noexcept {
  return structio_debug_eventual_parent_nursery(task);
}

/// The task that opened a nursery, also when it has ended; 0 when this is no nursery.
inline task_id parent_task(const structio_nursery* nursery) noexcept {
  return structio_debug_parent_task(nursery);
}

/// Children of a nursery.
inline std::vector<task_id> children(const structio_nursery* nursery) {
  return inner::read_list<task_id>([nursery](task_id* ids, std::size_t capacity) {
    return structio_debug_children(nursery, ids, capacity);
  });
}

/// Open nurseries of a task, from the outermost inwards.
inline std::vector<structio_nursery*> nurseries(task_id task) {
  return inner::read_list<structio_nursery*>([task](structio_nursery** out, std::size_t capacity) {
    return structio_debug_nurseries(task, out, capacity);
  });
}

/// What a waiting task waits for ("sleep", "mutex held by 'writer'"); empty when it does not wait.
inline std::string waiting_for(task_id task) {
  const char* what = structio_debug_waiting_for(task);
  return what == nullptr ? std::string() : std::string(what);
}

/// Return addresses of a suspended task's stack, innermost first, at most `limit`; empty for a
/// task that has ended or not begun.
inline std::vector<void*> backtrace(task_id task, std::size_t limit = 64) {
  std::vector<void*> addresses(limit);
  const auto count =
      structio::detail::check(structio_debug_backtrace(task, addresses.data(), limit));
  addresses.resize(static_cast<std::size_t>(count));
  return addresses;
}

}  // namespace debug
}  // namespace v0
}  // namespace structio
