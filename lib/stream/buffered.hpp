// Reading in units: so many bytes, up to a delimiter, a line, a frame with its length in front.
//
// Always true: what has come and was not handed out yet lies in one piece between begin_ and end_.
// A call that fails, or is cancelled, has consumed nothing. Each byte is searched once and moved a
// bounded number of times.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.hpp"
#include "stream/in_scope.hpp"
#include "stream/stream.hpp"

namespace structio::rt::stream {

struct view {
  const char* data = nullptr;
  std::size_t size = 0;
};

struct frame_format {
  std::uint8_t length_size = 4;  ///< 1, 2, 4 or 8
  bool little_endian = false;
  std::size_t limit = 0;
};

class buffered : public run_object {
 public:
  void* handle = nullptr;
  std::uint32_t references = 1;   ///< the handle's, and one for a call under way
  byte_stream* source = nullptr;  ///< null once taken out
  bool owns_source = false;
  bool busy = false;         ///< a call is under way: the buffer is not to be touched
  bool freed = false;        ///< the handle has ended: that call's answer is for nobody
  scope* calling = nullptr;  ///< what that call runs in
  std::size_t limit = 0;     ///< of what is searched for a delimiter

  buffered() = default;
  buffered(const buffered&) = delete;
  buffered& operator=(const buffered&) = delete;
  ~buffered();

  // Each returns 1 with what it was asked for, 0 at the end of the stream with nothing before it, a
  // negative code with its message. Checkpoints. Views hold until the next call.

  int fill(runtime& run, std::size_t size, view& out) noexcept;  ///< consumes nothing
  int exactly(runtime& run, std::size_t size, view& out) noexcept;
  int until(runtime& run, view delimiter, view& out) noexcept;  ///< the delimiter is left out
  int line(runtime& run, view& out) noexcept;                   ///< so are LF and CR LF
  int frame(runtime& run, const frame_format& format, view& out) noexcept;

  /// As receive_some of the stream: what is there first.
  std::int64_t receive_some(runtime& run, void* buffer, std::size_t size) noexcept;

  std::size_t available() const noexcept { return end_ - begin_; }
  view rest() const noexcept { return {data_ + begin_, end_ - begin_}; }
  void consume(std::size_t size) noexcept;

  /// Puts bytes in front of what is there. False when memory is out.
  bool unread(const void* bytes, std::size_t size) noexcept;

 private:
  bool make_room(std::size_t size) noexcept;
  std::int64_t receive_more(runtime& run, std::size_t wanted) noexcept;
  int find(runtime& run, view delimiter, std::size_t& at) noexcept;
  int end_reached(const char* what) noexcept;
  int settled(runtime& run) noexcept;
  int taken_out(runtime& run) noexcept;

  char* data_ = nullptr;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t room_ = 0;
  std::size_t searched_ = 0;  ///< so far from begin_ no delimiter begins, of the last search
  char last_delimiter_ = 0;
  std::size_t last_size_ = 0;
};

void release(buffered& b) noexcept;

/// One call, fn(buffer), with the buffer held and nobody else's; ended when that is freed.
template <class Fn>
std::int64_t use(runtime& rt, buffered& b, Fn fn) noexcept {
  b.busy = true;
  ++b.references;
  bool ended = false;
  std::int64_t result = in_scope(rt, b.calling, ended, [&] { return fn(b); });
  b.busy = false;
  if (ended || b.freed) result = base::fail(STRUCTIO_ECLOSED, "the buffer has been freed");
  release(b);
  return result;
}

/// With a handle; null when memory is out.
buffered* buffered_make(runtime& run, byte_stream& source, bool owns) noexcept;

/// Ends the handle, and the stream if it is owned.
void free(buffered& b) noexcept;

/// Gives the stream's handle back: it is not owned any more, and nothing can be received here.
void* detach(buffered& b) noexcept;

}  // namespace structio::rt::stream
