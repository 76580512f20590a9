// What an exception_group should hold, as a pattern that it is compared with: types of leaves,
// their texts, how they are nested. Part of testing.hpp; catch2.hpp makes Catch2 matchers of it.
//
//     using namespace structio::testing;
//     const failure_pattern expected = pattern_of(leaf<key_error>("no such key"),
//                                                 pattern_of(leaf<value_error>()));
//     expected.matches(group.as_failure());
//
// The order of members does not matter, their number does.
#pragma once

#include <structio/exception_group.hpp>
#include <structio/failure.hpp>
#include <structio/group.hpp>

#include <cxxabi.h>

#include <cstddef>
#include <cstdlib>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {
namespace testing {

class failure_pattern {
 public:
  using leaf_test = bool (*)(const failure&);

  /// One failure that is no group: `test` is true for it, and `text` is a part of its message.
  failure_pattern(leaf_test test, std::string type, std::string text)
      : kind_(kind::leaf), test_(test), type_(std::move(type)), text_(std::move(text)) {}

  /// A group with exactly these members; when `flat`, with exactly these leaves at any depth.
  failure_pattern(std::vector<failure_pattern> members, bool flat)
      : kind_(flat ? kind::leaves : kind::group), members_(std::move(members)) {}

  bool matches(const failure& one) const {
    if (kind_ == kind::leaf) {
      return one && one.kind() != failure_kind::group && test_(one) &&
             std::string(one.message()).find(text_) != std::string::npos;
    }
    if (one.kind() != failure_kind::group) return false;
    std::vector<failure> found;
    if (kind_ == kind::leaves) {
      collect_leaves(one, found);
    } else {
      for (std::size_t i = 0; i < one.size(); ++i) found.push_back(one[i]);
    }
    if (found.size() != members_.size()) return false;
    std::vector<bool> used(found.size(), false);
    return assign(found, used, 0);
  }

  /// "a group of exactly key_error with "text", value_error".
  std::string describe() const {
    if (kind_ == kind::leaf) return text_.empty() ? type_ : type_ + " with \"" + text_ + '"';
    std::string text = kind_ == kind::leaves ? "a group with exactly the leaves (" : "a group of (";
    for (std::size_t i = 0; i < members_.size(); ++i) {
      text += (i > 0 ? ", " : "") + members_[i].describe();
    }
    return text + ')';
  }

 private:
  enum class kind { leaf, group, leaves };

  static void collect_leaves(const failure& tree, std::vector<failure>& out) {
    if (tree.kind() != failure_kind::group) return out.push_back(tree);
    for (std::size_t i = 0; i < tree.size(); ++i) collect_leaves(tree[i], out);
  }

  // Whether members from `next` on can each have a failure of their own: a failure may match
  // several, so that the first choice need not be the right one.
  bool assign(const std::vector<failure>& found, std::vector<bool>& used, std::size_t next) const {
    if (next == members_.size()) return true;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (used[i] || !members_[next].matches(found[i])) continue;
      used[i] = true;
      if (assign(found, used, next + 1)) return true;
      used[i] = false;
    }
    return false;
  }

  kind kind_;
  leaf_test test_ = nullptr;
  std::string type_;
  std::string text_;
  std::vector<failure_pattern> members_;
};

namespace detail_testing {
template <class T>
std::string type_name() {
  int status = 0;
  char* readable = abi::__cxa_demangle(typeid(T).name(), nullptr, nullptr, &status);
  std::string name = status == 0 && readable != nullptr ? readable : typeid(T).name();
  std::free(readable);
  return name;
}
}  // namespace detail_testing

/// A failure that `catch (const T&)` would catch, with `text` in its message.
template <class T>
failure_pattern leaf(std::string text = {}) {
  return failure_pattern([](const failure& one) { return holds<T>(one); },
                         detail_testing::type_name<T>(), std::move(text));
}

/// A group with a member for each of these, and no others.
template <class... Members>
failure_pattern pattern_of(Members&&... members) {
  return failure_pattern(std::vector<failure_pattern>{std::forward<Members>(members)...}, false);
}

/// A group with exactly these leaves, however they are nested.
template <class... Ts>
failure_pattern leaves_of() {
  return failure_pattern(std::vector<failure_pattern>{leaf<Ts>()...}, true);
}

}  // namespace testing
}  // namespace v0
}  // namespace structio
