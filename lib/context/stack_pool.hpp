// Stacks for fibers: carved from slabs of reserved memory, each with a guard, reused warm first.
// One pool per runtime, used by its thread only.
//
// Always true: a stack's descriptor lies at the very top of its own memory, so that descriptor,
// control block and first frames share one page. A stack is on exactly one free list or in use.
#pragma once

#include <cstddef>
#include <cstdint>

#include "context/fiber.hpp"

namespace structio::ctx {

class slab;

/// Descriptor of one stack, at the top of the memory it describes.
struct stack {
  fiber fib;                  ///< the fiber that lives here, whether or not it is running
  std::byte* base = nullptr;  ///< lowest usable byte, just above the guard
  std::size_t size = 0;       ///< usable bytes from base up to this descriptor
  slab* home = nullptr;
  stack* next_free = nullptr;
  std::uint32_t index = 0;       ///< its place in the pool's table, for stack_pool::at
  std::uint32_t generation = 0;  ///< grows at each acquire: tells tenants apart
  void* user = nullptr;          ///< for the tenant: survives release, null when brand new
  bool prepared = false;         ///< for the tenant: fib holds a looping body at the usual place

  void* top() noexcept { return this; }  ///< the tenant builds downwards from here
};

enum class guard_kind : std::uint8_t { none, madvise, mprotect };

struct stack_pool_options {
  std::size_t stack_size = 256 * 1024;  ///< of the default class, guard included, rounded up
  bool allow_guard_install = true;      ///< false: behave like a kernel without MADV_GUARD_INSTALL
  std::size_t mprotect_budget = 0;      ///< guards by mprotect at most; 0: from vm.max_map_count
};

struct stack_pool_statistics {
  std::size_t in_use;
  std::size_t peak_in_use;
  std::size_t warm;          ///< free, with pages behind them
  std::size_t mapped_bytes;  ///< virtual
  std::size_t guards_madvise;
  std::size_t guards_mprotect;
  std::size_t unguarded;
};

class stack_pool {
 public:
  explicit stack_pool(const stack_pool_options& options) noexcept;
  ~stack_pool();  ///< every stack must have come back
  stack_pool(const stack_pool&) = delete;
  stack_pool& operator=(const stack_pool&) = delete;

  /// A stack of at least `size` bytes (0: the default size), warm ones first. STRUCTIO_ENOMEM when
  /// the system has no memory or address space left, STRUCTIO_EINVALID when size is absurd (> 1 GiB).
  int acquire(std::size_t size, stack*& out) noexcept;

  /// Gives a stack back. May be called while still standing on it: the memory is not touched before
  /// the next acquire or trim.
  void release(stack& s) noexcept;

  /// Lets memory go after a peak: the number of warm stacks kept decays by half a `half_life`
  /// towards what is in use. Called by the hub between turns, never while standing on a free stack.
  void trim(std::int64_t now, std::int64_t half_life) noexcept;

  /// The stack with this index, or null when its memory was given back to the system. Safe for
  /// any index.
  stack* at(std::uint32_t index) const noexcept;

  stack_pool_statistics statistics() const noexcept;
  std::size_t default_size() const noexcept;

  // private members: designed by whoever writes stack_pool.cpp
};

}  // namespace structio::ctx
