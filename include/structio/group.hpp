// The tools to work with several failures as one exception: split, catch_each, unwrap_single,
// while_doing, printing.
// A nursery always throws a group, even for one failure: code that handles errors must not depend
// on how many there were.
#pragma once

#include <structio/detail/exceptions.hpp>
#include <structio/error.hpp>
#include <structio/exception_group.hpp>
#include <structio/failure.hpp>

#include <cstddef>
#include <exception>
#include <iosfwd>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {

/// Takes a group apart: leaves for which `predicate(failure)` is true to one side, all others to
/// the other; groups keep their nesting. An exception of the predicate passes through.
template <class Predicate>
split_result split_if(const exception_group& group, Predicate&& predicate) {
  struct context {
    std::remove_reference_t<Predicate>* predicate;
    std::exception_ptr thrown;
  } state{&predicate, nullptr};
  const auto match = [](const structio_failure* leaf, void* arg) -> int {
    auto* context_of_call = static_cast<context*>(arg);
    if (context_of_call->thrown) return 0;
    try {
      auto one = failure::share(const_cast<structio_failure*>(leaf));
      return (*context_of_call->predicate)(std::as_const(one)) ? 1 : 0;
    } catch (...) {
      context_of_call->thrown = std::current_exception();
      return 0;
    }
  };
  return detail::split_failure(group.as_failure(), match, &state, state.thrown);
}

/// True when what `one` stands for would be caught by `catch (const T&)`.
template <class T>
bool holds(const failure& one) {
  if constexpr (std::is_same_v<T, cancelled>) {
    return one.kind() == failure_kind::cancelled;
  } else {
    const std::exception_ptr thrown = one.exception();
    try {
      std::rethrow_exception(thrown);
    } catch (const T&) {
      return true;
    } catch (...) {
      return false;
    }
  }
}

/// Splits by type: leaves that `catch (const T&)` would catch, and all others.
///
///     auto [resets, rest] = structio::split<structio::broken_error>(group);
template <class T>
split_result split(const exception_group& group) {
  return split_if(group, [](const failure& leaf) { return holds<T>(leaf); });
}

namespace detail {
template <class T, class Handler>
void handle_leaves(const failure& tree, Handler& handler) {
  if (tree.kind() == failure_kind::group) {
    for (std::size_t i = 0; i < tree.size(); ++i) handle_leaves<T>(tree[i], handler);
    return;
  }
  const std::exception_ptr thrown = tree.exception();
  std::exception_ptr failed;
  try {
    std::rethrow_exception(thrown);
  } catch (const T& caught) {
    try {
      handler(caught);
    } catch (...) {
      failed = std::current_exception();
    }
  }
  if (failed) std::rethrow_exception(failed);
}
}  // namespace detail

/// Calls `handler(const T&)` for each leaf of this type, at every depth, and throws what is left
/// as a group; returns when nothing is. What the handler throws ends it.
///
///     try { structio::open_nursery(body); }
///     catch (const structio::exception_group& group) {
///       structio::catch_each<std::system_error>(group, [](auto& e) { log(e.what()); });
///     }
template <class T, class Handler>
void catch_each(const exception_group& group, Handler&& handler) {
  auto halves = split<T>(group);
  if (halves.matched) detail::handle_leaves<T>(halves.matched->as_failure(), handler);
  if (halves.rest) throw *std::move(halves.rest);
}

/// Throws the one error of a group that has one, the very object, with one layer of grouping taken
/// off; "cancelled" members do not count. A group of nothing but "cancelled" throws the first. An
/// interrupt outranks everything and has the group as its cause(). Two or more errors throw
/// internal_error, whose cause() is the group.
[[noreturn]] inline void unwrap_single(const exception_group& group) {
  detail::unwrap_single_failure(group.as_failure());
}

/// Runs `body` and returns its value; a group that leaves it is unwrapped as above.
template <class Body>
requires std::is_invocable_v<Body>
decltype(auto) unwrap_single(Body&& body) {
  failure group;
  try {
    return std::forward<Body>(body)();
  } catch (const exception_group& thrown) {
    group = thrown.as_failure();
  }
  detail::unwrap_single_failure(group);
}

/// The whole tree as text, one failure a line, with its "while" lines.
inline std::string to_string(const exception_group& group) {
  return to_string(group.as_failure());
}

/// The same for any exception; "while" lines of the one in flight in this task are found.
inline std::string to_string(const std::exception_ptr& thrown) {
  return to_string(detail::failure_of(thrown));
}

template <class Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                             const exception_group& group) {
  return out << to_string(group);
}

/// Runs `body` and returns its value. An exception that leaves it passes through as it is, and
/// when a nursery reports it, the line "while `doing`" stands below it. Not itself a checkpoint.
template <class Body>
decltype(auto) while_doing(const char* doing, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (...) {
    detail::note_while(doing);
    throw;
  }
}
template <class Body>
decltype(auto) while_doing(const std::string& doing, Body&& body) {
  return while_doing(doing.c_str(), std::forward<Body>(body));
}

}  // namespace v0
}  // namespace structio
