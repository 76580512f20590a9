// Byte streams: what all of them can do, as a concept for templates and as one type for the rest.
//
// Always true: one task at a time receives, and one at a time sends, waits to send or ends the
// sending. Closed here is closed_error; the other end gone is broken_error for who sends, and the
// end of the stream (or broken_error, where bytes may be lost) for who receives. No buffer is
// touched after the call that took it has returned; destructors close at once and never wait.
#pragma once

#include <structio/structio_stream.h>
#include <structio/detail/exceptions.hpp>
#include <structio/error.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {

/// What can be sent on.
template <class T>
concept send_stream = requires(T& stream, std::span<const std::byte> data) {
  stream.send_all(data);
  stream.wait_send_might_not_block();
  stream.close();
};

/// What can be received from.
template <class T>
concept receive_stream = requires(T& stream, std::span<std::byte> buffer) {
  { stream.receive_some(buffer) } -> std::convertible_to<std::size_t>;
  stream.close();
};

/// Both, over one object: closing closes both ways.
template <class T>
concept byte_stream = send_stream<T> && receive_stream<T>;

/// One that can end its own direction while the other goes on.
template <class T>
concept half_closeable_stream = byte_stream<T> && requires(T& stream) {
  stream.send_eof();
};

/// Any stream of the library: TCP connections and the others convert to it by moving. Movable. Used
/// from tasks of its run; destroyed there, in hooks, or anywhere after the run.
class any_stream {
 public:
  /// Takes over a handle.
  explicit any_stream(structio_stream* raw) noexcept : raw_(raw) {}
  any_stream(any_stream&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  /// Closes what it held, at once.
  any_stream& operator=(any_stream&& other) noexcept {
    any_stream taken(std::move(other));  // goes with what was here before
    std::swap(raw_, taken.raw_);
    return *this;
  }
  /// Closes at once, without waiting.
  ~any_stream() { structio_stream_free(raw_); }

  /// Waits until at least one byte is there and takes at most buffer.size(). Returns how many, 0 at
  /// the end of the stream. Checkpoint. Cancelled: nothing was taken. Throws `cancelled`,
  /// busy_error, closed_error, broken_error (the connection was reset), std::invalid_argument (an
  /// empty buffer).
  std::size_t receive_some(std::span<std::byte> buffer) {
    return receive(buffer.data(), buffer.size());
  }
  std::size_t receive_some(std::span<char> buffer) { return receive(buffer.data(), buffer.size()); }

  /// Sends everything. Checkpoint. Cancelled: a prefix may have been sent; the stream is then good
  /// for nothing but closing. Throws `cancelled`, busy_error, closed_error (also after send_eof),
  /// broken_error.
  void send_all(std::span<const std::byte> data) { send(data.data(), data.size()); }
  void send_all(std::string_view data) { send(data.data(), data.size()); }

  /// Sends several pieces as if they were one, where the system can with one call. Checkpoint.
  /// Throws as send_all.
  void send_vectored(std::span<const structio_piece> pieces) {
    hooked([&] { return structio_stream_send_vectored(raw_, pieces.data(), pieces.size()); });
  }
  void send_vectored(std::initializer_list<std::string_view> pieces) {
    std::vector<structio_piece> all;
    for (const std::string_view piece : pieces) all.push_back({piece.data(), piece.size()});
    send_vectored(all);
  }

  /// Waits until send_all might not have to wait: a chance to decide late what to send. It may
  /// return early. Checkpoint. Throws as send_all.
  void wait_send_might_not_block() {
    hooked([this] { return structio_stream_wait_send_might_not_block(raw_); });
  }

  /// Ends our direction: the peer sees the end of the stream; receiving goes on. Idempotent.
  /// Checkpoint. Throws as send_all, and usage_error where that cannot be done.
  void send_eof() {
    hooked([this] { return structio_stream_send_eof(raw_); });
  }

  /// Closes: whoever waits here gets closed_error; later calls too. Idempotent. Checkpoint that
  /// also closes when cancelled. The destructor closes as well.
  void close() {
    hooked([this] { return structio_stream_close(raw_); });
  }

  structio_stream* native() const noexcept { return raw_; }

  /// Gives the handle away: the stream is empty, and good for assignment and destruction only.
  structio_stream* release() noexcept { return std::exchange(raw_, nullptr); }

 private:
  std::size_t receive(void* data, std::size_t size) {
    return static_cast<std::size_t>(
        hooked([&] { return structio_stream_receive_some(raw_, data, size); }));
  }
  void send(const void* data, std::size_t size) {
    hooked([&] { return structio_stream_send_all(raw_, data, size); });
  }

  // The stream may have called a function that threw (testing::stream_hooks): that comes out.
  template <class Call>
  static std::int64_t hooked(Call&& call) {
    const auto status = detail::uncancelled_in_cleanup(call);
    if (status < 0) [[unlikely]]
      detail::throw_in_flight(static_cast<int>(status));
    return status;
  }

  structio_stream* raw_;
};

/// A stream made of two: sends on one and receives from the other. Closing closes both, also when
/// the first close fails; ending the sending ends the sending half, or closes it where it cannot be
/// ended alone.
template <send_stream Send, receive_stream Receive>
class stapled_stream {
 public:
  stapled_stream(Send send, Receive receive)
      : send_(std::move(send)), receive_(std::move(receive)) {}

  std::size_t receive_some(std::span<std::byte> buffer) { return receive_.receive_some(buffer); }
  std::size_t receive_some(std::span<char> buffer) {
    return receive_.receive_some(std::as_writable_bytes(buffer));
  }
  void send_all(std::span<const std::byte> data) { send_.send_all(data); }
  void send_all(std::string_view data) {
    send_.send_all(std::as_bytes(std::span<const char>(data)));
  }
  void wait_send_might_not_block() { send_.wait_send_might_not_block(); }
  void send_eof() {
    if constexpr (requires { send_.send_eof(); }) {
      // A half may have the call and yet be a stream that cannot: any_stream is any of them.
      try {
        return send_.send_eof();
      } catch (const usage_error& cannot) {
        if (cannot.code() != STRUCTIO_EMISUSE) throw;
      }
      send_.close();
    } else {
      send_.close();
    }
  }
  void close() {
    try {
      send_.close();
    } catch (...) {
      receive_.close();
      throw;
    }
    receive_.close();
  }

  Send& send_half() noexcept { return send_; }
  Receive& receive_half() noexcept { return receive_; }

 private:
  Send send_;
  Receive receive_;
};

}  // namespace v0
}  // namespace structio
