// Reading in units: so many bytes, up to a delimiter, lines, frames; over any stream.
//
//     structio::buffered_reader reader(conn);
//     for (std::string_view line : reader.lines()) { ... }
//
// Always true: a call that throws has consumed nothing: what has come stays in the buffer, and the
// next call finds it. What is viewed is valid until the next call on the same reader.
#pragma once

#include <structio/structio_buffered.h>
#include <structio/error.hpp>
#include <structio/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace structio {
inline namespace v0 {

/// How a frame's length is written in front of it.
struct frame_format {
  unsigned length_size = 4;  ///< 1, 2, 4 or 8 bytes
  bool little_endian = false;
  std::size_t limit = std::size_t{16} << 20;  ///< of a frame's own bytes
};

namespace detail {
inline structio_frame_options frame_options(const frame_format& format) noexcept {
  structio_frame_options raw{};
  raw.struct_size = sizeof raw;
  raw.length_size = format.length_size;
  raw.little_endian = format.little_endian ? 1 : 0;
  raw.limit = format.limit;
  return raw;
}
}  // namespace detail

/// Sends a frame. Checkpoint. Throws as send_all, and error (STRUCTIO_ELIMIT: too long).
inline void send_frame(any_stream& to, std::string_view data, const frame_format& format = {}) {
  const auto raw = detail::frame_options(format);
  const auto status = detail::uncancelled_in_cleanup(
      [&] { return structio_stream_send_frame(to.native(), &raw, data.data(), data.size()); });
  if (status < 0) detail::throw_in_flight(status);
}

/// A buffer over a stream, which should be received from through it only. Movable; one task at a
/// time. Each call is a checkpoint and throws `cancelled`, what receiving throws, and error:
/// STRUCTIO_EINCOMPLETE when the stream ends in the middle, STRUCTIO_ELIMIT.
class buffered_reader {
 public:
  static constexpr std::size_t default_limit = 65536;

  /// Over a stream that stays where it is. `limit`: of bytes before a delimiter.
  explicit buffered_reader(any_stream& stream, std::size_t limit = default_limit)
      : buffered_reader(stream.native(), limit, false) {}
  /// Over a stream that it owns.
  explicit buffered_reader(any_stream&& stream, std::size_t limit = default_limit)
      : buffered_reader(stream.native(), limit, true) {
    static_cast<void>(stream.release());
  }
  buffered_reader(buffered_reader&& other) noexcept
      : raw_(std::exchange(other.raw_, nullptr)), owns_(other.owns_) {}
  buffered_reader& operator=(buffered_reader&& other) noexcept {
    buffered_reader taken(std::move(other));  // goes with what was here before
    std::swap(raw_, taken.raw_);
    std::swap(owns_, taken.owns_);
    return *this;
  }
  ~buffered_reader() { structio_buffered_free(raw_); }

  /// As receive_some of a stream: what was read ahead comes first.
  std::size_t receive_some(std::span<std::byte> buffer) {
    return static_cast<std::size_t>(
        called([&] { return structio_buffered_receive_some(raw_, buffer.data(), buffer.size()); }));
  }

  /// Fills the buffer. False at the end of the stream.
  bool receive_exactly(std::span<std::byte> buffer) {
    return called([&] {
             return structio_buffered_receive_exactly(raw_, buffer.data(), buffer.size());
           }) > 0;
  }

  /// So many bytes, without a copy. Nothing at the end of the stream.
  std::optional<std::string_view> receive_exactly(std::size_t size) {
    const void* data = nullptr;
    const auto status = called([&] { return structio_buffered_take_exactly(raw_, size, &data); });
    if (status == 0) return std::nullopt;
    return std::string_view(static_cast<const char*>(data), size);
  }

  /// What comes before the delimiter, which is consumed as well. Nothing at the end of the stream.
  std::optional<std::string_view> receive_until(std::string_view delimiter) {
    return viewed([&](const void** data, std::size_t* size) {
      return structio_buffered_receive_until(raw_, delimiter.data(), delimiter.size(), data, size);
    });
  }

  /// A line without its end, LF or CR LF; the last one may have none.
  std::optional<std::string_view> receive_line() {
    return viewed([&](const void** data, std::size_t* size) {
      return structio_buffered_receive_line(raw_, data, size);
    });
  }

  /// A frame with its length in front.
  std::optional<std::string_view> receive_frame(const frame_format& format = {}) {
    const auto raw = detail::frame_options(format);
    return viewed([&](const void** data, std::size_t* size) {
      return structio_buffered_receive_frame(raw_, &raw, data, size);
    });
  }

  /// Waits until so many bytes are there, and consumes none; fewer only at the end.
  std::string_view peek(std::size_t size) {
    return viewed([&](const void** data, std::size_t* got) {
             return structio_buffered_peek(raw_, size, data, got);
           })
        .value_or(std::string_view());
  }

  /// Puts bytes in front of what is there. No checkpoint. Throws busy_error, std::bad_alloc.
  void unread(std::string_view bytes) {
    detail::check(structio_buffered_unread(raw_, bytes.data(), bytes.size()));
  }

  /// How many bytes were read ahead.
  std::size_t buffered() const {
    const auto count = structio_buffered_available(raw_);
    if (count < 0) detail::throw_status(static_cast<int>(count));
    return static_cast<std::size_t>(count);
  }

  /// Takes the stream out, which has to be owned; what was read ahead can still be received here.
  /// No checkpoint. Throws usage_error (not owned), busy_error, closed_error.
  any_stream detach() {
    if (!owns_) throw usage_error("buffered_reader: the stream is not owned by its reader");
    structio_stream* stream = nullptr;
    detail::check(structio_buffered_detach(raw_, &stream));
    return any_stream(stream);
  }

  /// The lines that are left, as a range to go through once.
  class line_range {
   public:
    class iterator {
     public:
      using value_type = std::string_view;
      using difference_type = std::ptrdiff_t;
      iterator() = default;
      explicit iterator(buffered_reader& reader) : reader_(&reader), line_(reader.receive_line()) {}
      std::string_view operator*() const { return *line_; }
      iterator& operator++() {
        line_ = reader_->receive_line();
        return *this;
      }
      void operator++(int) { ++*this; }
      bool operator==(std::default_sentinel_t) const { return !line_.has_value(); }

     private:
      buffered_reader* reader_ = nullptr;
      std::optional<std::string_view> line_;
    };

    explicit line_range(buffered_reader& reader) : reader_(reader) {}
    iterator begin() { return iterator(reader_); }
    std::default_sentinel_t end() { return {}; }

   private:
    buffered_reader& reader_;
  };
  line_range lines() { return line_range(*this); }

  structio_buffered* native() const noexcept { return raw_; }

 private:
  buffered_reader(structio_stream* stream, std::size_t limit, bool owns) : owns_(owns) {
    structio_buffered_options options{};
    options.struct_size = sizeof options;
    options.limit = limit;
    options.owns_stream = owns ? 1 : 0;
    detail::check(structio_buffered_new(stream, &options, &raw_));
  }

  // The stream may be one of the user's, which threw: that comes out.
  template <class Call>
  static std::int64_t called(Call&& call) {
    const std::int64_t status = detail::uncancelled_in_cleanup(call);
    if (status < 0) [[unlikely]]
      detail::throw_in_flight(static_cast<int>(status));
    return status;
  }

  template <class Call>
  static std::optional<std::string_view> viewed(Call&& call) {
    const void* data = nullptr;
    std::size_t size = 0;
    if (called([&] { return call(&data, &size); }) == 0) return std::nullopt;
    return std::string_view(static_cast<const char*>(data), size);
  }

  structio_buffered* raw_ = nullptr;
  bool owns_ = false;
};

}  // namespace v0
}  // namespace structio
