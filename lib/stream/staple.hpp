// A stream made of two that go one way each.
#pragma once

#include "stream/stream.hpp"

namespace structio::rt::stream {

struct stapled_stream : byte_stream {
  byte_stream* sends = nullptr;  ///< both owned, and held by a reference
  byte_stream* receives = nullptr;
};

/// Takes over both. Null, with a message, when memory is out: then they are the caller's still.
stapled_stream* staple(runtime& rt, byte_stream& sends, byte_stream& receives) noexcept;

}  // namespace structio::rt::stream
