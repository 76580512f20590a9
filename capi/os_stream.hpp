// Streams that the system moves, behind handles of streams.
#pragma once

#include "object.hpp"
#include "stream/os_stream.hpp"

namespace structio::capi {

inline int closed(const char* call) noexcept {
  return fail(STRUCTIO_ECLOSED, "%s: it is closed", call);
}

/// A stream that has a descriptor, open or closed.
inline found<rt::stream::os_stream> os_stream_in(structio_stream* h, const char* call,
                                                 bool task = false) noexcept {
  const auto s = find<rt::stream::byte_stream>(base::handle_kind::stream, h, call, task);
  if (!s.object) return {};
  if (auto* os = rt::stream::as_os_stream(*s.object)) return {os, s.run};
  fail(STRUCTIO_EMISUSE, "%s: the stream has no descriptor", call);
  return {};
}

}  // namespace structio::capi
