// exception_group: several failures as one exception. group.hpp has the tools to work with it.
// Its constructor from exceptions is defined in detail/exceptions.hpp, which group.hpp includes.
#pragma once

#include <structio/error.hpp>
#include <structio/failure.hpp>

#include <cstddef>
#include <exception>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {

/// What failed in a nursery (or what you put together). Members may be groups themselves. Copying
/// shares. Any thread.
class exception_group final : public std::exception {
 public:
  /// Takes over a failure whose kind is group.
  explicit exception_group(failure group) noexcept : group_(std::move(group)) {}

  /// A group of these exceptions. Throws std::bad_alloc, and std::invalid_argument when empty.
  explicit exception_group(const std::vector<std::exception_ptr>& members);
  exception_group(std::initializer_list<std::exception_ptr> members)
      : exception_group(std::vector<std::exception_ptr>(members)) {}

  /// One line; to_string() has the whole tree.
  const char* what() const noexcept override { return group_.message(); }

  /// How many members it has at its top.
  std::size_t size() const noexcept { return group_.size(); }

  /// A member as a failure: code, task name, reason, "while" lines.
  failure operator[](std::size_t index) const noexcept { return group_[index]; }

  /// A member as something that can be rethrown.
  std::exception_ptr exception(std::size_t index) const { return group_[index].exception(); }

  /// The members at its top.
  std::vector<std::exception_ptr> exceptions() const {
    std::vector<std::exception_ptr> all;
    all.reserve(size());
    for (std::size_t i = 0; i < size(); ++i) all.push_back(exception(i));
    return all;
  }

  const failure& as_failure() const noexcept { return group_; }

 private:
  friend struct detail::error_access;
  failure group_;
};

/// The two halves of a split; an empty half is absent.
struct split_result {
  std::optional<exception_group> matched;
  std::optional<exception_group> rest;
};

}  // namespace v0
}  // namespace structio
