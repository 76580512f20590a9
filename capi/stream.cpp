// Byte streams of every kind.
#include "stream/stream.hpp"

#include "object.hpp"

using namespace structio;
using namespace structio::capi;
namespace stream = structio::rt::stream;

namespace {

found<stream::byte_stream> stream_in(structio_stream* h, const char* call) noexcept {
  return find<stream::byte_stream>(base::handle_kind::stream, h, call, true);
}

}  // namespace

int64_t structio_stream_receive_some(structio_stream* handle, void* buffer, size_t size) {
  constexpr const char* call = "structio_stream_receive_some";
  const auto s = stream_in(handle, call);
  if (!s.object) return refused();
  if (!buffer && size > 0) return null_argument(call, "buffer");
  if (size == 0) {
    return fail(STRUCTIO_EINVALID, "%s: size is 0, which could not be told from the end", call);
  }
  return stream::receive_some(*s.run, *s.object, buffer, size);
}

int structio_stream_send_all(structio_stream* handle, const void* data, size_t size) {
  constexpr const char* call = "structio_stream_send_all";
  const auto s = stream_in(handle, call);
  if (!s.object) return refused();
  if (!data && size > 0) return null_argument(call, "data");
  return stream::send_all(*s.run, *s.object, data, size);
}

int structio_stream_send_vectored(structio_stream* handle, const structio_piece* pieces,
                                  size_t count) {
  constexpr const char* call = "structio_stream_send_vectored";
  const auto s = stream_in(handle, call);
  if (!s.object) return refused();
  if (!pieces && count > 0) return null_argument(call, "pieces");
  for (size_t i = 0; i < count; ++i) {
    if (!pieces[i].data && pieces[i].size > 0) return null_argument(call, "the data of a piece");
  }
  static_assert(sizeof(structio_piece) == sizeof(stream::piece));
  return stream::send_pieces(*s.run, *s.object, reinterpret_cast<const stream::piece*>(pieces),
                             count);
}

int structio_stream_wait_send_might_not_block(structio_stream* handle) {
  const auto s = stream_in(handle, "structio_stream_wait_send_might_not_block");
  return s.object ? stream::wait_send(*s.run, *s.object) : refused();
}

int structio_stream_send_eof(structio_stream* handle) {
  const auto s = stream_in(handle, "structio_stream_send_eof");
  return s.object ? stream::send_eof(*s.run, *s.object) : refused();
}

int structio_stream_close(structio_stream* handle) {
  const auto s = stream_in(handle, "structio_stream_close");
  return s.object ? stream::close(*s.run, *s.object) : refused();
}

int structio_stream_free(structio_stream* handle) {
  constexpr const char* call = "structio_stream_free";
  if (!handle) return 0;
  auto* s = capi::handle<stream::byte_stream>(base::handle_kind::stream, handle, call);
  if (!s || !may_free(*s, call)) return refused();
  stream::free(*s);
  return 0;
}
