// Every function of the C ABI with the way to call it. The list is made from the headers.
#include <cstdio>
#include <tuple>
#include <utility>

#include "random/arguments.hpp"

namespace random_calls {

namespace {

template <class T>
std::int64_t as_number(T result) {
  if constexpr (std::is_same_v<T, const char*>) {
    // What is returned is good at least until the next call.
    return result ? static_cast<std::int64_t>(std::strlen(result)) : 0;
  } else if constexpr (std::is_pointer_v<T>) {
    return result ? 1 : 0;
  } else {
    return static_cast<std::int64_t>(result);
  }
}

template <auto Function>
struct caller_of;

template <class Result, class... Arguments, Result (*Function)(Arguments...)>
struct caller_of<Function> {
  static std::int64_t call(caller& c, const call_entry& entry) {
    frame f(c, entry);
    return with(f, std::index_sequence_for<Arguments...>());
  }

  template <std::size_t... I>
  static std::int64_t with(frame& f, std::index_sequence<I...>) {
    // In braces: made from left to right, arrays before their sizes.
    [[maybe_unused]] std::tuple<Arguments...> arguments{
        argument<Arguments>(f, f.entry.parameters[I])...};
    std::int64_t result = 0;
    if constexpr (std::is_void_v<Result>) {
      Function(std::get<I>(arguments)...);
    } else {
      result = as_number(Function(std::get<I>(arguments)...));
    }
    f.finish(result);
    return result;
  }
};

// Apart: the list that it is made from takes much of a stack.
[[gnu::noinline]] std::vector<call_entry> make() {
  return {
#define CALL(name, threads, header, ...) \
  {#name, threads, header, caller_of<name>::call, __VA_ARGS__},
#include "random-calls.inc"
#undef CALL
  };
}

}  // namespace

const std::vector<call_entry>& all_calls() {
  static const std::vector<call_entry> all = make();
  return all;
}

}  // namespace random_calls
