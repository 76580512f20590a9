// Copying, proxying; streams of the user's own and stapled ones.
#include <structio/structio_copy.h>
#include <structio/structio_custom_stream.h>

#include "object.hpp"
#include "stream/copy.hpp"
#include "stream/custom.hpp"
#include "stream/staple.hpp"

using namespace structio;
using namespace structio::capi;
namespace stream = structio::rt::stream;

namespace {

found<stream::byte_stream> stream_in(structio_stream* h, const char* call, bool task) noexcept {
  return find<stream::byte_stream>(base::handle_kind::stream, h, call, task);
}

// False when refused.
bool copy_request(const structio_copy_options* given, stream::copy_request& out,
                  const char* call) noexcept {
  if (!options_fit(given, call)) return false;
  const structio_copy_options options = whole(given);
  out.buffer_size = options.buffer_size ? options.buffer_size : 65536;
  out.limit = options.limit ? options.limit : UINT64_MAX;
  return true;
}

// Keeps a stream in place while a call that is none of its own uses it.
class held {
 public:
  explicit held(stream::byte_stream& s) noexcept : s_(s) { ++s_.references; }
  ~held() { stream::release(s_); }
  held(const held&) = delete;
  held& operator=(const held&) = delete;

 private:
  stream::byte_stream& s_;
};

}  // namespace

int structio_stream_copy(structio_stream* from, structio_stream* to,
                         const structio_copy_options* given, uint64_t* moved) {
  constexpr const char* call = "structio_stream_copy";
  stream::copy_request request{};
  if (!copy_request(given, request, call)) return refused();
  const auto source = stream_in(from, call, true);
  if (!source.object) return refused();
  const auto target = stream_in(to, call, true);
  if (!target.object) return refused();
  const held keep_source(*source.object), keep_target(*target.object);
  uint64_t count = 0;
  const int code = stream::copy(*source.run, *source.object, *target.object, request, count);
  if (moved) *moved = count;
  return code;
}

int structio_stream_proxy(structio_stream* a, structio_stream* b,
                          const structio_copy_options* given, uint64_t* a_to_b, uint64_t* b_to_a) {
  constexpr const char* call = "structio_stream_proxy";
  stream::copy_request request{};
  if (!copy_request(given, request, call)) return refused();
  const auto one = stream_in(a, call, true);
  if (!one.object) return refused();
  const auto other = stream_in(b, call, true);
  if (!other.object) return refused();
  if (one.object == other.object) {
    return fail(STRUCTIO_EINVALID, "%s: both streams are the same", call);
  }
  const held keep_one(*one.object), keep_other(*other.object);
  uint64_t there = 0, back = 0;
  const int code = stream::proxy(*one.run, *one.object, *other.object, request, there, back);
  if (a_to_b) *a_to_b = there;
  if (b_to_a) *b_to_a = back;
  return code;
}

int structio_stream_new(const structio_stream_table* given, void* arg, structio_stream** out) {
  constexpr const char* call = "structio_stream_new";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (!given) return null_argument(call, "table");
  if (!options_fit(given, call)) return refused();
  const structio_stream_table table = whole(given);
  if (!table.receive_some && !table.send_all) {
    return fail(STRUCTIO_EINVALID, "%s: the stream neither receives nor sends", call);
  }
  rt::runtime* r = in_body(call);
  if (!r) return refused();
  auto* s = stream::custom_make(*r,
                                {table.receive_some, table.send_all, table.wait_send,
                                 table.send_eof, table.close, table.destroy},
                                arg);
  if (!s) return refused();
  *out = static_cast<structio_stream*>(s->handle);
  return 0;
}

int structio_stream_staple(structio_stream* sends, structio_stream* receives,
                           structio_stream** out) {
  constexpr const char* call = "structio_stream_staple";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  const auto sending = stream_in(sends, call, false);
  if (!sending.object) return refused();
  const auto receiving = stream_in(receives, call, false);
  if (!receiving.object) return refused();
  if (sending.object == receiving.object) {
    return fail(STRUCTIO_EINVALID, "%s: both halves are the same stream", call);
  }
  auto* s = stream::staple(*sending.run, *sending.object, *receiving.object);
  if (!s) return refused();
  *out = static_cast<structio_stream*>(s->handle);
  return 0;
}
