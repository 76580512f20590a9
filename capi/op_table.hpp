// One row of the table of functions that can wait, and how such a function is called with arguments
// that are all of one kind: integers of 64 bits.
#pragma once

#include <structio/structio_steps.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace structio::capi {

struct operation {
  const char* name;
  bool checkpoint;
  structio_effect effect;
  std::int64_t (*call)(const std::uint64_t* arguments);
  std::uint32_t arguments;
  const char* signature;
};

/// Calls the function with this index. STRUCTIO_EINVALID when there is none.
std::int64_t perform(std::uint32_t op, const std::uint64_t* arguments) noexcept;

template <class T>
T argument(std::uint64_t value) noexcept {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<T>(static_cast<std::uintptr_t>(value));
  } else if constexpr (std::is_same_v<T, double>) {
    return std::bit_cast<double>(value);
  } else {
    return static_cast<T>(value);
  }
}

/// As structio_op_info::signature has it; by width and sign, since size_t is one of the others.
template <class T>
constexpr char letter() noexcept {
  if constexpr (std::is_pointer_v<T>) {
    return 'p';
  } else if constexpr (std::is_same_v<T, double>) {
    return 'd';
  } else {
    static_assert(std::is_integral_v<T>);
    constexpr bool negative = std::is_signed_v<T>;
    switch (sizeof(T)) {
      case 2: return negative ? 0 : 'w';
      case 4: return negative ? 'i' : 'u';
      case 8: return negative ? 'q' : 'Q';
      default: return 0;
    }
  }
}

template <auto Function>
struct typed;

template <class Result, class... Arguments, Result (*Function)(Arguments...)>
struct typed<Function> {
  static constexpr std::uint32_t count = sizeof...(Arguments);
  static constexpr char signature[] = {letter<Result>(), '(', letter<Arguments>()..., ')', 0};
  static_assert(count <= STRUCTIO_CALL_ARGUMENTS);
  static_assert(letter<Result>() == 'i' || letter<Result>() == 'q');
  static_assert(((letter<Arguments>() != 0) && ...));

  static std::int64_t call([[maybe_unused]] const std::uint64_t* arguments) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return static_cast<std::int64_t>(Function(argument<Arguments>(arguments[I])...));
    }
    (std::index_sequence_for<Arguments...>{});
  }
};

}  // namespace structio::capi
