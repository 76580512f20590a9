// Memory and lockstep streams.
#include <structio/structio_testing_stream.h>

#include "base/memory.hpp"
#include "object.hpp"
#include "stream/lockstep.hpp"
#include "stream/memory.hpp"

using namespace structio;
using namespace structio::capi;
namespace stream = structio::rt::stream;

namespace {

found<stream::memory_stream> memory_in(structio_stream* h, const char* call, bool task) noexcept {
  const auto s = find<stream::byte_stream>(base::handle_kind::stream, h, call, task);
  if (!s.object) return {};
  if (stream::memory_stream* m = stream::as_memory(*s.object)) return {m, s.run};
  fail(STRUCTIO_EMISUSE, "%s: the stream is no memory stream", call);
  return {};
}

structio_stream* handle_of(const stream::byte_stream& s) noexcept {
  return static_cast<structio_stream*>(s.handle);
}

int make_one(stream::memory_kind kind, structio_stream** out, const char* call) noexcept {
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  rt::runtime* r = in_body(call);
  if (!r) return refused();
  stream::memory_stream* s = stream::memory_make(*r, kind);
  if (!s) return refused();
  *out = handle_of(*s);
  return 0;
}

// The run for a new pair, or null with a message.
rt::runtime* for_pair(structio_stream** a, structio_stream** b, const char* call) noexcept {
  if (a) *a = nullptr;
  if (b) *b = nullptr;
  if (a && b) return in_body(call);
  null_argument(call, a ? "the second stream" : "the first stream");
  return nullptr;
}

int make_memory_pair(bool both_ways, structio_stream** a, structio_stream** b,
                     const char* call) noexcept {
  using stream::memory_kind;
  rt::runtime* r = for_pair(a, b, call);
  if (!r) return refused();
  auto* first = stream::memory_make(*r, both_ways ? memory_kind::both : memory_kind::sends);
  if (!first) return refused();
  auto* second = stream::memory_make(*r, both_ways ? memory_kind::both : memory_kind::receives);
  if (!second) {
    stream::free(*first);
    return refused();
  }
  stream::memory_connect(*first, *second);
  if (both_ways) stream::memory_connect(*second, *first);
  *a = handle_of(*first);
  *b = handle_of(*second);
  return 0;
}

int make_lockstep_pair(bool both_ways, structio_stream** a, structio_stream** b,
                       const char* call) noexcept {
  rt::runtime* r = for_pair(a, b, call);
  if (!r) return refused();
  stream::lockstep_stream* first = nullptr;
  stream::lockstep_stream* second = nullptr;
  if (const int code = stream::lockstep_make(*r, both_ways, first, second)) return code;
  *a = handle_of(*first);
  *b = handle_of(*second);
  return 0;
}

int64_t get_data(structio_stream* h, void* buffer, size_t size, bool waits,
                 const char* call) noexcept {
  const auto s = memory_in(h, call, waits);
  if (!s.object) return refused();
  if (!buffer) return null_argument(call, "buffer");
  if (size == 0) return fail(STRUCTIO_EINVALID, "%s: size is 0", call);
  return stream::memory_get(*s.run, *s.object, buffer, size, waits);
}

}  // namespace

int structio_memory_send_stream_new(structio_stream** out) {
  return make_one(stream::memory_kind::sends, out, "structio_memory_send_stream_new");
}

int structio_memory_receive_stream_new(structio_stream** out) {
  return make_one(stream::memory_kind::receives, out, "structio_memory_receive_stream_new");
}

int structio_memory_stream_set_hooks(structio_stream* h,
                                     const structio_memory_stream_hooks* given) {
  constexpr const char* call = "structio_memory_stream_set_hooks";
  const auto s = memory_in(h, call, false);
  if (!s.object || !options_fit(given, call)) return refused();
  const structio_memory_stream_hooks all = whole(given);
  stream::memory_hooks* hooks = nullptr;
  if (given) {
    hooks = base::make<stream::memory_hooks>(1U, all.after_send, all.might_not_block,
                                             all.before_receive, all.on_close, all.arg, all.drop);
    if (!hooks) return fail(STRUCTIO_ENOMEM, "%s: no memory", call);
  }
  stream::memory_set_hooks(*s.object, hooks);
  return 0;
}

int64_t structio_memory_stream_get_data(structio_stream* h, void* buffer, size_t size) {
  return get_data(h, buffer, size, true, "structio_memory_stream_get_data");
}

int64_t structio_memory_stream_try_get_data(structio_stream* h, void* buffer, size_t size) {
  return get_data(h, buffer, size, false, "structio_memory_stream_try_get_data");
}

int structio_memory_stream_put_data(structio_stream* h, const void* data, size_t size) {
  constexpr const char* call = "structio_memory_stream_put_data";
  const auto s = memory_in(h, call, false);
  if (!s.object) return refused();
  if (!data && size > 0) return null_argument(call, "data");
  return stream::memory_put(*s.object, data, size);
}

int structio_memory_stream_put_eof(structio_stream* h) {
  const auto s = memory_in(h, "structio_memory_stream_put_eof", false);
  return s.object ? stream::memory_put_eof(*s.object) : refused();
}

int structio_memory_stream_pump(structio_stream* from, structio_stream* to, size_t most) {
  constexpr const char* call = "structio_memory_stream_pump";
  const auto source = memory_in(from, call, false);
  if (!source.object) return refused();
  const auto target = memory_in(to, call, false);
  if (!target.object) return refused();
  if (!target.object->table->receive_some) {
    return fail(STRUCTIO_EMISUSE, "%s: nothing is received on the second stream", call);
  }
  return stream::memory_pump(*source.object, *target.object, most);
}

int structio_memory_stream_set_pumping(structio_stream* from, int on) {
  constexpr const char* call = "structio_memory_stream_set_pumping";
  const auto s = memory_in(from, call, false);
  if (!s.object) return refused();
  if (!s.object->peer) {
    return fail(STRUCTIO_EMISUSE, "%s: the stream is not of a pair, or it is closed", call);
  }
  return stream::memory_set_pumping(*s.object, on != 0);
}

int structio_memory_stream_one_way_pair(structio_stream** send, structio_stream** receive) {
  return make_memory_pair(false, send, receive, "structio_memory_stream_one_way_pair");
}

int structio_memory_stream_pair(structio_stream** a, structio_stream** b) {
  return make_memory_pair(true, a, b, "structio_memory_stream_pair");
}

int structio_lockstep_stream_one_way_pair(structio_stream** send, structio_stream** receive) {
  return make_lockstep_pair(false, send, receive, "structio_lockstep_stream_one_way_pair");
}

int structio_lockstep_stream_pair(structio_stream** a, structio_stream** b) {
  return make_lockstep_pair(true, a, b, "structio_lockstep_stream_pair");
}
