// A child by its number: how it ended, and signals to it. Nobody else's child is ever waited for.
#pragma once

#include <cstdint>

namespace structio::rt::process {

struct child_ending {
  int exit_status = 0;
  int signal = 0;  ///< not 0: it was killed by this one
  bool core_dumped = false;
  bool unknown = false;  ///< somebody else was told, or the system did not keep it
};

/// True: it has ended, and its number is free from now on.
bool reap(std::int64_t pid, child_ending& out) noexcept;

/// Blocks until it has ended; leaves it as it is.
void block_until_ended(std::int64_t pid) noexcept;

/// Blocks until it has ended and its number is free.
void block_until_reaped(std::int64_t pid) noexcept;

extern const int signal_terminate;
extern const int signal_kill;

/// 0 or a code. The child must not have been reaped.
int signal_child(std::int64_t pid, int signum) noexcept;
int signal_group(std::int64_t leader, int signum) noexcept;

/// What those say when there is none with that number any more.
bool is_no_process(int code) noexcept;

}  // namespace structio::rt::process
