// What the library does about its own state around a fork. Another thread may hold one of its locks
// at that moment, and the child would wait for that thread for ever; so a fork takes them all, in
// the order of their ranks, and lets them go on both sides.
#pragma once

#include <cstdint>

namespace structio::base {

/// Lower ones are taken first. Who holds the lock of one takes none of a lower rank, runs no code
/// of the user's and waits for nobody.
enum class fork_rank : std::uint8_t {
  log,
  once_calls,
  signals,
  overflow,
  runs,
  no_memory,
  handles,
  threads,
  none  ///< no lock
};

/// Registers itself; made before main begins, and never gone.
struct fork_hook {
  using action = void (*)();

  /// Each may be null: before the fork; after it in the parent; after it in the child, on the
  /// thread that forked.
  fork_hook(fork_rank place, action before, action in_parent, action in_child) noexcept;
  fork_hook(const fork_hook&) = delete;
  fork_hook& operator=(const fork_hook&) = delete;

  action before;
  action in_parent;
  action in_child;
  fork_rank rank;
  fork_hook* next = nullptr;
};

/// For a lock that has static storage and needs no more.
template <auto& Lock>
struct fork_lock : fork_hook {
  explicit fork_lock(fork_rank place) noexcept
      : fork_hook(
            place, [] { Lock.lock(); }, [] { Lock.unlock(); }, [] { Lock.unlock(); }) {}
};

/// Forks between the process that loaded the library and this one: tells what is only a copy. Any
/// thread, signal handlers too.
std::uint32_t fork_count() noexcept;

}  // namespace structio::base
