// Moving bytes from stream to stream: one way until the end, or both ways.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stream/stream.hpp"

namespace structio::rt::stream {

struct copy_request {
  std::size_t buffer_size;
  std::uint64_t limit;  ///< of bytes; UINT64_MAX: none
};

/// Until the end of `from`, or until `limit` bytes have moved. `moved` counts also when it fails.
int copy(runtime& rt, byte_stream& from, byte_stream& to, const copy_request& request,
         std::uint64_t& moved) noexcept;

/// Both ways at once, each until its end, which is passed on: sending to the other one is ended, or
/// left open where it cannot be ended alone.
int proxy(runtime& rt, byte_stream& a, byte_stream& b, const copy_request& request,
          std::uint64_t& a_to_b, std::uint64_t& b_to_a) noexcept;

}  // namespace structio::rt::stream
