// Several functions at once: all, race, first_success, gather; concurrent.hpp has the loops.
//
//     auto [user, orders] = structio::all([&] { return fetch_user(id); },
//                                         [&] { return fetch_orders(id); });
//     auto answer = structio::race([&] { return ask(first_server); },
//                                  [&] { return ask(second_server); }).value;
//
// Always true: when a call has returned or thrown, every function that it began has ended, so that
// they may refer to whatever the caller's frame holds. Functions are not copied. What fails is
// thrown as a nursery throws it: as an exception_group, also when it is only one. `cancelled` when
// nothing failed but a scope around the caller is cancelled. Each call is a checkpoint.
#pragma once

#include <structio/structio_combine.h>
#include <structio/detail/combined.hpp>
#include <structio/error.hpp>
#include <structio/group.hpp>

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace structio {
inline namespace v0 {

/// Which function was first, and what it returned.
template <class T>
struct race_winner {
  std::size_t index;
  T value;
};
template <>
struct race_winner<void> {
  std::size_t index;
};

namespace detail {

/// What a race between functions with these values gives: the value with its index where all are
/// of one type, else a variant whose index() is the winner's.
template <class First, class... Others>
struct race_result {
  using type = std::variant<value_or_monostate<First>, value_or_monostate<Others>...>;
};
template <class First, class... Others>
requires(std::is_same_v<First, Others>&&...) struct race_result<First, Others...> {
  using type = race_winner<First>;
};
template <class... Fns>
using race_result_t = typename race_result<plain_value<Fns>...>::type;

using compete_function = int(const structio_task_fn*, void* const*, std::size_t, std::size_t*);

template <class Result, std::size_t... Is, class Calls>
Result take_winner(Calls& calls, std::size_t winner, std::index_sequence<Is...>) {
  std::optional<Result> result;
  const auto take = [&](auto index) {
    if constexpr (std::is_same_v<Result, race_winner<void>>) {
      result.emplace(race_winner<void>{index});
    } else if constexpr (requires(Result r) { r.value; }) {
      result.emplace(Result{index, std::get<index>(calls).take()});
    } else {
      result.emplace(std::in_place_index<index>, std::get<index>(calls).take());
    }
  };
  ((Is == winner ? take(std::integral_constant<std::size_t, Is>{}) : void()), ...);
  return *std::move(result);
}

template <class... Fns>
race_result_t<Fns...> compete(compete_function* how, Fns&&... fns) {
  std::tuple<combined_call<Fns>...> calls{combined_call<Fns>(fns)...};
  const structio_task_fn entries[] = {&combined_call<Fns>::entry...};
  std::size_t winner = 0;
  std::apply(
      [&](auto&... each) {
        void* const args[] = {&each...};
        combined([&] { return how(entries, args, sizeof...(Fns), &winner); });
      },
      calls);
  return take_winner<race_result_t<Fns...>>(calls, winner, std::index_sequence_for<Fns...>{});
}

template <class Range>
auto compete_in(compete_function* how, Range& range) {
  combined_calls<Range> calls(range);
  using value = typename combined_calls<Range>::value_type;
  std::size_t winner = 0;
  combined([&] { return how(calls.entries(), calls.args(), calls.size(), &winner); });
  if constexpr (std::is_void_v<value>) {
    return race_winner<void>{winner};
  } else {
    return race_winner<value>{winner, calls.take(winner)};
  }
}

}  // namespace detail

/// Runs the functions concurrently and returns their values as a std::tuple, in the order of the
/// arguments; std::monostate stands for a function without a value, so that positions stay. A
/// failure cancels the others. Throws exception_group, `cancelled`.
template <class... Fns>
requires(std::is_invocable_v<Fns>&&...) auto all(Fns&&... fns) {
  std::tuple<detail::combined_call<Fns>...> calls{detail::combined_call<Fns>(fns)...};
  return std::apply(
      [](auto&... each) {
        // One more than needed, since there may be none.
        const structio_task_fn entries[] = {&detail::combined_call<Fns>::entry..., nullptr};
        void* const args[] = {&each..., nullptr};
        detail::combined([&] { return structio_all(entries, args, sizeof...(Fns)); });
        return std::tuple<typename detail::combined_call<Fns>::value_type...>{each.take()...};
      },
      calls);
}

/// Runs the functions of a range concurrently and returns their values as a std::vector, in the
/// order of the range (nothing when they have none). A failure cancels the others. Functions that a
/// range makes anew are kept for the call. To have only so many at once: map_concurrent. Throws
/// exception_group, `cancelled`, and as it is what the range throws while it is read, when nothing
/// has begun.
template <class Range>
requires detail::callables<Range>
auto gather(Range&& functions) {
  detail::combined_calls<Range> calls(functions);
  using value = typename detail::combined_calls<Range>::value_type;
  detail::combined([&] { return structio_all(calls.entries(), calls.args(), calls.size()); });
  if constexpr (!std::is_void_v<value>) {
    std::vector<value> values;
    values.reserve(calls.size());
    for (std::size_t i = 0; i < calls.size(); ++i) values.push_back(calls.take(i));
    return values;
  }
}

/// Runs the functions until the first has ended, cancels the others and waits for them. Returns a
/// race_winner (index and value) when all values are of one type, else a std::variant, whose
/// index() is the winner's, with std::monostate for a function without a value. A winner that
/// failed is what the race throws, in a group; so is what a loser failed with. A winner that ended
/// well is returned even if the caller was cancelled while the losers were awaited. Throws
/// exception_group, `cancelled`.
template <class... Fns>
requires(sizeof...(Fns) > 0 && (std::is_invocable_v<Fns> && ...)) auto race(Fns&&... fns) {
  return detail::compete(&structio_race, std::forward<Fns>(fns)...);
}

/// The same for a range of functions. Throws also std::invalid_argument when it is empty.
template <class Range>
requires detail::callables<Range>
auto race(Range&& functions) {
  return detail::compete_in(&structio_race, functions);
}

/// Runs the functions until the first has ended well: one that fails is out, and cancels nobody.
/// Returns as race does. Failures are dropped when somebody succeeds; when nobody does, all of them
/// are thrown as a group. Throws exception_group, `cancelled`.
template <class... Fns>
requires(sizeof...(Fns) > 0 && (std::is_invocable_v<Fns> && ...)) auto first_success(Fns&&... fns) {
  return detail::compete(&structio_first_success, std::forward<Fns>(fns)...);
}

/// The same for a range of functions. Throws also std::invalid_argument when it is empty.
template <class Range>
requires detail::callables<Range>
auto first_success(Range&& functions) {
  return detail::compete_in(&structio_first_success, functions);
}

}  // namespace v0
}  // namespace structio
