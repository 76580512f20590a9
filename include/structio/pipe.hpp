// Pipes, terminals, and any other descriptor that moves bytes, as streams.
//
//     auto [reading, writing] = structio::open_pipe();
#pragma once

#include <structio/structio_pipe.h>
#include <structio/error.hpp>
#include <structio/stream.hpp>

#include <cstdint>
#include <utility>

namespace structio {
inline namespace v0 {

/// A pipe of the system: what is sent on the second is received from the first. Throws error (no
/// descriptors).
inline std::pair<any_stream, any_stream> open_pipe() {
  structio_stream *reading = nullptr, *writing = nullptr;
  detail::check(structio_pipe_open(&reading, &writing));
  return {any_stream(reading), any_stream(writing)};
}

/// Makes a descriptor a stream, which then owns it: the end of a pipe or FIFO, a connected socket,
/// a terminal, a device. What the stream can do follows from what it is. It is made non-blocking
/// until the stream is closed. The controlling end of a pseudo terminal ends when nobody has the
/// other one open, after all that was sent there (on Linux); a terminal whose controlling end is
/// closed loses what has not been received from it. Throws error (no descriptor; a file, which is
/// read and written as one; a stream already), and then it is still yours.
inline any_stream stream_from_descriptor(std::int64_t descriptor) {
  structio_stream* made = nullptr;
  detail::check(structio_stream_from_descriptor(descriptor, &made));
  return any_stream(made);
}

struct terminal_size {
  std::int32_t columns = 0;
  std::int32_t rows = 0;
};

/// Throws usage_error when the stream is no terminal.
inline terminal_size size_of_terminal(const any_stream& terminal) {
  terminal_size size;
  detail::check(structio_terminal_size(terminal.native(), &size.columns, &size.rows));
  return size;
}

/// Raw mode: every key at once, none with a meaning of its own, no echo. Closing the stream goes
/// back to how it was. Throws usage_error when the stream is no terminal.
inline void set_terminal_raw(any_stream& terminal, bool on) {
  detail::check(structio_terminal_set_raw(terminal.native(), on ? 1 : 0));
}

}  // namespace v0
}  // namespace structio
