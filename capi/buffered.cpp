// Reading in units.
#include <structio/structio_buffered.h>

#include <utility>

#include "object.hpp"
#include "runtime/wait.hpp"
#include "stream/buffered.hpp"

using namespace structio;
using namespace structio::capi;
namespace stream = structio::rt::stream;

namespace {

constexpr size_t default_limit = 65536;
constexpr size_t default_frame_limit = size_t{16} << 20;

int busy(const char* call) noexcept {
  return fail(STRUCTIO_EBUSY, "%s: another task is using this buffer", call);
}

// A buffer that nobody is using, or null with a message.
found<stream::buffered> buffered_in(structio_buffered* h, const char* call, bool task) noexcept {
  const auto b = find<stream::buffered>(base::handle_kind::buffered, h, call, task);
  if (!b.object || !b.object->busy) return b;
  if (task) rt::give_way(*b.run);
  busy(call);
  return {};
}

// Calls fn(run, buffer) with the buffer held.
template <class Fn>
int64_t use(structio_buffered* h, const char* call, Fn fn) noexcept {
  const auto b = buffered_in(h, call, true);
  if (!b.object) return refused();
  return stream::use(*b.run, *b.object,
                     [&](stream::buffered& held) -> int64_t { return fn(*b.run, held); });
}

// False when refused.
bool frame_format(const structio_frame_options* given, stream::frame_format& out,
                  const char* call) noexcept {
  if (!options_fit(given, call)) return false;
  const structio_frame_options options = whole(given);
  const uint32_t size = options.length_size ? options.length_size : 4;
  if (size != 1 && size != 2 && size != 4 && size != 8) {
    fail(STRUCTIO_EINVALID, "%s: a length has 1, 2, 4 or 8 bytes", call);
    return false;
  }
  out.length_size = static_cast<std::uint8_t>(size);
  out.little_endian = options.little_endian != 0;
  out.limit = options.limit ? options.limit : default_frame_limit;
  return true;
}

// Hands out what a call found, unless its buffer is gone.
int hand_out(int64_t code, const stream::view& v, const void** data, size_t* size) noexcept {
  *data = code > 0 ? v.data : nullptr;
  *size = code > 0 ? v.size : 0;
  return static_cast<int>(code);
}

}  // namespace

int structio_buffered_new(structio_stream* handle, const structio_buffered_options* given,
                          structio_buffered** out) {
  constexpr const char* call = "structio_buffered_new";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (!options_fit(given, call)) return refused();
  const structio_buffered_options options = whole(given);
  const auto s = find<stream::byte_stream>(base::handle_kind::stream, handle, call, false);
  if (!s.object) return refused();
  stream::buffered* b = stream::buffered_make(*s.run, *s.object, options.owns_stream != 0);
  if (!b) return refused();
  b->limit = options.limit ? options.limit : default_limit;
  *out = static_cast<structio_buffered*>(b->handle);
  return 0;
}

int structio_buffered_free(structio_buffered* h) {
  constexpr const char* call = "structio_buffered_free";
  if (!h) return 0;
  auto* b = handle<stream::buffered>(base::handle_kind::buffered, h, call);
  if (!b || !may_free(*b, call)) return refused();
  stream::free(*b);
  return 0;
}

int structio_buffered_receive_exactly(structio_buffered* h, void* buffer, size_t size) {
  constexpr const char* call = "structio_buffered_receive_exactly";
  if (!buffer && size > 0) return null_argument(call, "buffer");
  return static_cast<int>(use(h, call, [&](rt::runtime& r, stream::buffered& b) {
    stream::view v;
    const int code = b.exactly(r, size, v);
    if (code > 0 && size > 0) __builtin_memcpy(buffer, v.data, size);
    return code;
  }));
}

int structio_buffered_take_exactly(structio_buffered* h, size_t size, const void** data) {
  constexpr const char* call = "structio_buffered_take_exactly";
  if (!data) return null_argument(call, "data");
  stream::view v;
  size_t got = 0;
  return hand_out(
      use(h, call, [&](rt::runtime& r, stream::buffered& b) { return b.exactly(r, size, v); }), v,
      data, &got);
}

int structio_buffered_receive_until(structio_buffered* h, const void* delimiter,
                                    size_t delimiter_size, const void** data, size_t* size) {
  constexpr const char* call = "structio_buffered_receive_until";
  if (data) *data = nullptr;
  if (!delimiter) return null_argument(call, "delimiter");
  if (!data) return null_argument(call, "data");
  if (!size) return null_argument(call, "size");
  if (delimiter_size == 0) return fail(STRUCTIO_EINVALID, "%s: the delimiter is empty", call);
  stream::view v;
  const stream::view wanted{static_cast<const char*>(delimiter), delimiter_size};
  return hand_out(
      use(h, call, [&](rt::runtime& r, stream::buffered& b) { return b.until(r, wanted, v); }), v,
      data, size);
}

int structio_buffered_receive_line(structio_buffered* h, const void** data, size_t* size) {
  constexpr const char* call = "structio_buffered_receive_line";
  if (data) *data = nullptr;
  if (!data) return null_argument(call, "data");
  if (!size) return null_argument(call, "size");
  stream::view v;
  return hand_out(use(h, call, [&](rt::runtime& r, stream::buffered& b) { return b.line(r, v); }),
                  v, data, size);
}

int structio_buffered_receive_frame(structio_buffered* h, const structio_frame_options* given,
                                    const void** data, size_t* size) {
  constexpr const char* call = "structio_buffered_receive_frame";
  if (data) *data = nullptr;
  if (!data) return null_argument(call, "data");
  if (!size) return null_argument(call, "size");
  stream::frame_format format;
  if (!frame_format(given, format, call)) return refused();
  stream::view v;
  return hand_out(
      use(h, call, [&](rt::runtime& r, stream::buffered& b) { return b.frame(r, format, v); }), v,
      data, size);
}

int structio_buffered_peek(structio_buffered* h, size_t size, const void** data, size_t* got) {
  constexpr const char* call = "structio_buffered_peek";
  if (!data) return null_argument(call, "data");
  if (!got) return null_argument(call, "got");
  stream::view v;
  return hand_out(
      use(h, call, [&](rt::runtime& r, stream::buffered& b) { return b.fill(r, size, v); }), v,
      data, got);
}

int64_t structio_buffered_receive_some(structio_buffered* h, void* buffer, size_t size) {
  constexpr const char* call = "structio_buffered_receive_some";
  if (!buffer && size > 0) return null_argument(call, "buffer");
  if (size == 0) {
    return fail(STRUCTIO_EINVALID, "%s: size is 0, which could not be told from the end", call);
  }
  return use(h, call, [&](rt::runtime& r, stream::buffered& b) -> int64_t {
    return b.receive_some(r, buffer, size);
  });
}

int structio_buffered_unread(structio_buffered* h, const void* data, size_t size) {
  constexpr const char* call = "structio_buffered_unread";
  if (!data && size > 0) return null_argument(call, "data");
  const auto b = buffered_in(h, call, false);
  if (!b.object) return refused();
  if (b.object->unread(data, size)) return 0;
  return fail(STRUCTIO_ENOMEM, "%s: no memory for the bytes", call);
}

int64_t structio_buffered_available(structio_buffered* h) {
  const auto b =
      find<stream::buffered>(base::handle_kind::buffered, h, "structio_buffered_available", false);
  return b.object ? static_cast<int64_t>(b.object->available()) : refused();
}

int structio_buffered_detach(structio_buffered* h, structio_stream** out) {
  constexpr const char* call = "structio_buffered_detach";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  const auto b = buffered_in(h, call, false);
  if (!b.object) return refused();
  *out = static_cast<structio_stream*>(stream::detach(*b.object));
  return *out ? 0 : fail(STRUCTIO_ECLOSED, "%s: the stream was taken out before, or freed", call);
}

int structio_stream_send_frame(structio_stream* handle, const structio_frame_options* given,
                               const void* data, size_t size) {
  constexpr const char* call = "structio_stream_send_frame";
  stream::frame_format format;
  if (!frame_format(given, format, call)) return refused();
  const auto s = find<stream::byte_stream>(base::handle_kind::stream, handle, call, true);
  if (!s.object) return refused();
  if (!data && size > 0) return null_argument(call, "data");
  const unsigned bits = format.length_size * 8u;
  if (size > format.limit || (bits < 64 && static_cast<uint64_t>(size) >> bits != 0)) {
    return fail(STRUCTIO_ELIMIT, "%s: a frame of %zu bytes is too long", call, size);
  }
  unsigned char length[8];
  for (unsigned i = 0; i < format.length_size; ++i) {
    const unsigned at = format.little_endian ? i : format.length_size - 1 - i;
    length[at] = static_cast<unsigned char>(static_cast<uint64_t>(size) >> (8 * i));
  }
  const stream::piece pieces[] = {{length, format.length_size}, {data, size}};
  return stream::send_pieces(*s.run, *s.object, pieces, size > 0 ? 2 : 1);
}
