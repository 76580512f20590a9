// Streams of one's own: any object with the calls of a stream, as one type.
//
//     structio::any_stream s = structio::make_any_stream(compressing(std::move(conn)));
#pragma once

#include <structio/structio_custom_stream.h>
#include <structio/detail/trampoline.hpp>
#include <structio/error.hpp>
#include <structio/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {
namespace detail {

/// The functions of the C ABI for an object of the user's. What it throws is the failure in flight,
/// and comes out of the call on the any_stream again; errors of the library stay what they are.
template <class Stream>
struct custom_entries {
  static Stream& of(void* arg) noexcept { return *static_cast<Stream*>(arg); }

  static std::int64_t receive_some(void* arg, void* buffer, std::size_t size) noexcept {
    std::size_t got = 0;
    const int status = enter_as_call(
        [&] { got = of(arg).receive_some(std::span(static_cast<std::byte*>(buffer), size)); });
    return status < 0 ? status : static_cast<std::int64_t>(got);
  }
  static int send_all(void* arg, const void* data, std::size_t size) noexcept {
    return enter_as_call(
        [&] { of(arg).send_all(std::span(static_cast<const std::byte*>(data), size)); });
  }
  static int wait_send(void* arg) noexcept {
    return enter_as_call([&] { of(arg).wait_send_might_not_block(); });
  }
  static int send_eof(void* arg) noexcept {
    return enter_as_call([&] { of(arg).send_eof(); });
  }
  static int close(void* arg) noexcept {
    return enter_as_call([&] { of(arg).close(); });
  }
};

}  // namespace detail

/// Makes an any_stream of an object that sends, receives or both, by moving it in. Closing calls
/// its close() once; closing while it waits cancels what it waits in. Its destructor must not wait.
/// Throws std::bad_alloc.
template <class Stream>
requires send_stream<std::decay_t<Stream>> || receive_stream<std::decay_t<Stream>> any_stream
make_any_stream(Stream&& stream) {
  using type = std::decay_t<Stream>;
  using entries = detail::custom_entries<type>;
  structio_stream_table table{};
  table.struct_size = sizeof table;
  if constexpr (receive_stream<type>) table.receive_some = &entries::receive_some;
  if constexpr (send_stream<type>) {
    table.send_all = &entries::send_all;
    table.wait_send = &entries::wait_send;
    if constexpr (requires(type & s) { s.send_eof(); }) table.send_eof = &entries::send_eof;
  }
  table.close = &entries::close;
  table.destroy = [](void* arg) { delete static_cast<type*>(arg); };
  auto owned = std::make_unique<type>(std::forward<Stream>(stream));
  structio_stream* raw = nullptr;
  detail::check(structio_stream_new(&table, owned.get(), &raw));
  static_cast<void>(owned.release());
  return any_stream(raw);
}

/// Two streams as one: sends on the first, receives from the second, owns both. (stapled_stream
/// does the same for types that are known.) Throws std::bad_alloc.
inline any_stream staple(any_stream sends, any_stream receives) {
  structio_stream* raw = nullptr;
  detail::check(structio_stream_staple(sends.native(), receives.native(), &raw));
  static_cast<void>(sends.release());
  static_cast<void>(receives.release());
  return any_stream(raw);
}

}  // namespace v0
}  // namespace structio
