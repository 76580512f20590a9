// What the combinators of combine.hpp and concurrent.hpp are made of: a function with room for its
// value, in the frame of the call that waits for it, and elements of ranges on their way to a task.
#pragma once

#include <structio/structio_combine.h>
#include <structio/detail/trampoline.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace structio {
inline namespace v0 {
namespace detail {

/// The value of a call of `Fn`, decayed; std::monostate when it has none.
template <class Fn>
using plain_value = std::decay_t<std::invoke_result_t<Fn>>;
template <class T>
using value_or_monostate = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// One function of several. `Fn` as in std::forward: an lvalue is referred to, an rvalue as well,
/// since it lives until the whole call is over.
template <class Fn>
class combined_call {
 public:
  using value_type = value_or_monostate<plain_value<Fn>>;

  explicit combined_call(std::remove_reference_t<Fn>& fn) noexcept : fn_(&fn) {}

  static int entry(void* self) noexcept {
    auto& call = *static_cast<combined_call*>(self);
    return enter([&call] {
      if constexpr (std::is_void_v<std::invoke_result_t<Fn>>) {
        std::invoke(std::forward<Fn>(*call.fn_));
        call.value_.emplace();
      } else {
        call.value_.emplace(std::invoke(std::forward<Fn>(*call.fn_)));
      }
    });
  }

  value_type take() { return *std::move(value_); }

 private:
  std::remove_reference_t<Fn>* fn_;
  std::optional<value_type> value_;
};

/// Makes one of the calls of structio_combine.h, and throws what failed.
template <class Call>
void combined(Call&& call) {
  const int status = uncancelled_in_cleanup(std::forward<Call>(call));
  if (status < 0) throw_in_flight(status);
}

/// How an element travels from its range to the task that works on it: what stays where it is, by
/// its address; what the range makes anew, or overwrites when it goes on, by value.
template <class Range>
struct element {
  using reference = std::ranges::range_reference_t<Range>;
  static constexpr bool stays =
      std::ranges::forward_range<Range> && std::is_lvalue_reference_v<reference>;
  using made = std::conditional_t<std::is_reference_v<reference>, std::ranges::range_value_t<Range>,
                                  reference>;
  using held = std::conditional_t<stays, std::remove_reference_t<reference>*, made>;
  using argument = std::conditional_t<stays, reference, made>;

  static held take(std::ranges::iterator_t<Range>& from) {
    if constexpr (stays) {
      return std::addressof(*from);
    } else if constexpr (std::is_reference_v<reference>) {
      return held(std::ranges::iter_move(from));
    } else {
      return *from;
    }
  }
  static argument&& pass(held& one) {
    if constexpr (stays) {
      return static_cast<argument&&>(*one);
    } else {
      return std::move(one);
    }
  }
};

/// A range of functions without arguments.
template <class Range>
concept callables = std::ranges::input_range<Range> &&
    std::is_invocable_v<typename element<Range>::argument> && !std::is_invocable_v<Range>;

/// The functions of a range, each with room for its value.
template <class Range>
class combined_calls {
 public:
  using call = combined_call<typename element<Range>::argument>;
  using value_type = plain_value<typename element<Range>::argument>;

  explicit combined_calls(Range& range) {
    for (auto it = std::ranges::begin(range); it != std::ranges::end(range); ++it) {
      held_.push_back(element<Range>::take(it));
    }
    calls_.reserve(held_.size());
    for (auto& one : held_) {
      auto&& fn = element<Range>::pass(one);
      calls_.emplace_back(fn);
    }
    entries_.assign(calls_.size(), &call::entry);
    for (call& one : calls_) args_.push_back(&one);
  }
  combined_calls(const combined_calls&) = delete;
  combined_calls& operator=(const combined_calls&) = delete;

  const structio_task_fn* entries() const noexcept { return entries_.data(); }
  void* const* args() const noexcept { return args_.data(); }
  std::size_t size() const noexcept { return calls_.size(); }
  auto take(std::size_t index) { return calls_[index].take(); }

 private:
  std::vector<typename element<Range>::held> held_;
  std::vector<call> calls_;
  std::vector<structio_task_fn> entries_;
  std::vector<void*> args_;
};

}  // namespace detail
}  // namespace v0
}  // namespace structio
