// Several functions at once, each as a task of its own in a nursery that the call opens and closes:
// all of them, the first that ends, the first that ends well, one for each number of a range.
//
// Always true: when a call returns, every task that it started has ended. What fails is reported by
// the nursery's one rule, as a group; the caller's task then has it in flight.
#pragma once

#include <cstddef>

#include "runtime/task.hpp"

namespace structio::rt::sync {

/// No function has ended first.
inline constexpr std::size_t nobody = static_cast<std::size_t>(-1);

/// Functions with their arguments (null: none has one), the caller's for as long as the call lasts.
struct functions {
  const task_fn* fns;
  void* const* args;
  std::size_t count;
};

/// See structio_all. Each of these is a checkpoint.
int all(runtime& rt, const functions& work) noexcept;

/// See structio_race and structio_first_success; `winner` may be nobody's in the end.
int race(runtime& rt, const functions& work, std::size_t& winner) noexcept;
int first_success(runtime& rt, const functions& work, std::size_t& winner) noexcept;

using indexed_fn = int (*)(std::size_t index, void* arg);

/// See structio_for_each_concurrent; `limit` is not 0.
int for_each_concurrent(runtime& rt, std::size_t count, std::size_t limit, indexed_fn fn,
                        void* arg) noexcept;

}  // namespace structio::rt::sync
