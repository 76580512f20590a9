// Starting a program by posix_spawn. The only file that names it. Blocks as long as the system
// needs to find and open the program, so it is called on worker threads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace structio::rt::process {

/// In place of a descriptor: the parent's own; the one that stdout gets.
inline constexpr int stdio_inherited = -1;
inline constexpr int stdio_as_stdout = -2;

/// A descriptor that the child gets as well, and as which number.
struct passed_on {
  int from = -1;
  int number = -1;  ///< from 3 on
};

struct child_plan {
  const char* const* argv = nullptr;  ///< looked for in `path` unless argv[0] has a slash
  const char* path = nullptr;         ///< folders, with colons between them
  const char* const* env = nullptr;
  const char* cwd = nullptr;  ///< null: the parent's
  int stdio[3] = {stdio_inherited, stdio_inherited, stdio_inherited};
  const passed_on* others = nullptr;
  std::size_t other_count = 0;
  bool new_group = false;
  bool new_session = false;
};

/// The child begins with no signal blocked or ignored, whatever the calling thread has. 0, or a
/// code with its message, which names the program; also when the program could not be executed.
int start_child(const child_plan& plan, std::int64_t& pid) noexcept;

/// Closes a descriptor, if it is one, and makes it -1.
void close_pipe_end(int& descriptor) noexcept;

/// Gives it another number if that is one of the standard descriptors', which libuv does not close.
/// 0 or a code; then it is as it was.
int move_beyond_stdio(int& descriptor) noexcept;

}  // namespace structio::rt::process
