// Stacks for fibers: carved from slabs of reserved memory, each with a guard, reused warm first.
// One pool per runtime, used by its thread only.
//
// Always true: a stack's descriptor lies at the very top of its own memory, so that descriptor,
// control block and first frames share one page. A stack is on exactly one free list or in use.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/assert.hpp"
#include "base/list.hpp"
#include "context/fiber.hpp"
#include "context/guards.hpp"

namespace structio::ctx {

class slab;

/// Tells one tenant of one stack from all others of the pool.
struct tenancy {
  std::uint32_t index = 0;       ///< the stack's place in the pool's table, for stack_pool::at
  std::uint32_t generation = 0;  ///< grows at each acquire
};

/// One that none is: its place, plus one, is 0.
inline constexpr tenancy nobody{UINT32_MAX, 0};

/// Descriptor of one stack, at the top of the memory it describes. What a switch, an acquire and a
/// release need lies in its first cache line.
struct stack : tenancy {  // the latest
  stack* next_free = nullptr;
  bool prepared = false;        ///< for the tenant: fib holds a looping body at the usual place
  std::uint8_t size_class = 0;  ///< for the pool: where it goes when it comes back
  unsigned valgrind_id = 0;
  fiber fib;                  ///< the fiber that lives here, whether or not it is running
  std::byte* base = nullptr;  ///< lowest usable byte, just above the guard
  std::size_t size = 0;       ///< usable bytes from base up to this descriptor
  slab* home = nullptr;
  void* user = nullptr;  ///< for the tenant: survives release, null when brand new

  void* top() noexcept { return this; }  ///< the tenant builds downwards from here
};

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
  /// the system has no memory or address space left, STRUCTIO_EINVALID when size is absurd (> 1
  /// GiB).
  int acquire(std::size_t size, stack*& out) noexcept {
    size_class& c = classes_[0];
    stack* s = c.warm;
    if ((size | under_memcheck_) != 0 || !s) [[unlikely]]
      return acquire_slowly(size, out);
    take(c, *s);
    out = s;
    return 0;
  }

  /// The warm stack that acquire(0) would give out, to be taken by it, or null when it has more to
  /// do than that.
  stack* next_warm() const noexcept { return under_memcheck_ ? nullptr : classes_[0].warm; }

  /// Gives a stack back. May be called while still standing on it: the memory is not touched before
  /// the next acquire or trim.
  void release(stack& s) noexcept {
    if (s.size_class == 0) [[likely]] {
      put(classes_[0], s);
    } else {
      put(classes_[s.size_class], s);
    }
  }

  /// Lets memory go after a peak: the number of warm stacks kept decays by half a `half_life`
  /// towards what is in use. Called by the hub between turns, never while standing on a free stack.
  /// Does a bounded part of the work; returns when it wants to be called again (base::forever:
  /// nothing is left to let go).
  std::int64_t trim(std::int64_t now, std::int64_t half_life) noexcept;

  /// The stack with this index, or null when its memory was given back to the system. Safe for
  /// any index.
  stack* at(std::uint32_t index) const noexcept;

  /// The destructor will leave all memory mapped: for tenants that can never be asked to leave.
  void leave_mapped() noexcept { left_mapped_ = true; }

  stack_pool_statistics statistics() const noexcept;
  std::size_t default_size() const noexcept { return default_size_; }

 private:
  bool left_mapped_ = false;
  struct size_class {
    stack* warm = nullptr;  ///< free stacks with pages behind them, the last one released first
    std::size_t in_use = 0;
    std::size_t recent_peak = 0;  ///< of in_use, since the last step of the decay
    std::size_t peak = 0;         ///< of in_use, up to the last step of the decay
    std::size_t live = 0;         ///< in use or warm
    double retained = 0;          ///< how many live stacks the decay leaves at present
    std::size_t stride = 0;       ///< bytes from one stack to the next, guard included
    unsigned per_slab = 0;
    base::list<slab, slab> with_room;
  };
  static constexpr unsigned class_count = 20;

  static void take(size_class& c, stack& s) noexcept {
    c.warm = s.next_free;
    if (++c.in_use > c.recent_peak) c.recent_peak = c.in_use;
    ++s.generation;
  }

  static void put(size_class& c, stack& s) noexcept {
    STRUCTIO_ASSERT(c.in_use > 0);
    --c.in_use;
    s.next_free = c.warm;
    c.warm = &s;
  }

  int acquire_slowly(std::size_t size, stack*& out) noexcept;
  size_class* class_for(std::size_t size) noexcept;
  stack* carve(size_class& c) noexcept;
  slab* add_slab(size_class& c) noexcept;
  slab* new_record() noexcept;
  void decay(size_class& c, double factor) noexcept;
  unsigned let_go(size_class& c, unsigned most) noexcept;
  void give_back(slab& s) noexcept;

  size_class classes_[class_count];  ///< the first is the default one, the others powers of two
  std::size_t under_memcheck_;       ///< not 0: every acquire has something to tell it
  std::size_t default_size_ = 0;
  slab** slabs_ = nullptr;  ///< the table: 64 indices for each slab, mapped or not
  std::uint32_t slab_count_ = 0;
  std::uint32_t slab_capacity_ = 0;
  base::list<slab, slab> without_memory_;
  guard_keeper guards_;
  std::size_t mapped_bytes_ = 0;
  std::size_t unguarded_ = 0;
  std::int64_t decayed_at_ = INT64_MIN;
  bool said_no_memory_ = false;
};

}  // namespace structio::ctx
