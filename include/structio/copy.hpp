// Moving bytes from stream to stream.
#pragma once

#include <structio/structio_copy.h>
#include <structio/error.hpp>
#include <structio/stream.hpp>

#include <cstddef>
#include <cstdint>

namespace structio {
inline namespace v0 {

struct copy_options {
  std::size_t buffer_size = 65536;  ///< for each direction
  std::uint64_t limit = 0;          ///< bytes in each direction, then it ends; 0: none
};

namespace detail {
inline structio_copy_options raw_options(const copy_options& given) noexcept {
  structio_copy_options raw{};
  raw.struct_size = sizeof raw;
  raw.buffer_size = given.buffer_size;
  raw.limit = given.limit;
  return raw;
}
}  // namespace detail

/// Sends on `to` what is received from `from`, until that ends or the limit is reached. Returns how
/// many bytes. Checkpoint. Cancelled: a part has moved. Throws what receiving and sending throw.
inline std::uint64_t copy(any_stream& from, any_stream& to, const copy_options& options = {}) {
  const auto raw = detail::raw_options(options);
  std::uint64_t moved = 0;
  const int status = detail::uncancelled_in_cleanup(
      [&] { return structio_stream_copy(from.native(), to.native(), &raw, &moved); });
  if (status < 0) detail::throw_in_flight(status);
  return moved;
}

struct proxied {
  std::uint64_t a_to_b = 0;
  std::uint64_t b_to_a = 0;
};

/// Copies both ways at once, and passes on the end of each direction. Returns when both have ended;
/// the streams are not closed. The failure of one direction cancels the other. Checkpoint.
/// Cancelled: a part has moved. Throws what receiving and sending throw.
inline proxied proxy(any_stream& a, any_stream& b, const copy_options& options = {}) {
  const auto raw = detail::raw_options(options);
  proxied moved;
  const int status = detail::uncancelled_in_cleanup([&] {
    return structio_stream_proxy(a.native(), b.native(), &raw, &moved.a_to_b, &moved.b_to_a);
  });
  if (status < 0) detail::throw_in_flight(status);
  return moved;
}

}  // namespace v0
}  // namespace structio
