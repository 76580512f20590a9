// Unix sockets.
#include <structio/structio_unix.h>

#include "net/unix_socket.hpp"
#include "os_stream.hpp"

using namespace structio;
using namespace structio::capi;
namespace net = structio::rt::net;
namespace stream = structio::rt::stream;

namespace {

// A stream that has to be a Unix socket.
found<stream::os_stream> unix_in(structio_stream* h, const char* call, bool task) noexcept {
  const auto s = find<stream::byte_stream>(base::handle_kind::stream, h, call, task);
  if (!s.object) return {};
  if (auto* local = stream::as_os_stream(*s.object, stream::os_kind::local)) return {local, s.run};
  fail(STRUCTIO_EMISUSE, "%s: the stream is no Unix socket", call);
  return {};
}

int bad_path(const char* path, const char* call) noexcept {
  if (!path) return null_argument(call, "path");
  return *path ? 0 : fail(STRUCTIO_EINVALID, "%s: the path is empty", call);
}

int no_bytes(const char* call) noexcept {
  return fail(STRUCTIO_EINVALID, "%s: size is 0, but descriptors travel with bytes", call);
}

}  // namespace

int structio_unix_listen(const structio_unix_listen_options* given, structio_listener** out) {
  constexpr const char* call = "structio_unix_listen";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (!options_fit(given, call)) return refused();
  const structio_unix_listen_options options = whole(given);
  if (bad_path(options.path, call)) return refused();
  if (options.backlog < 0) return fail(STRUCTIO_EINVALID, "%s: the backlog is negative", call);
  if (options.permissions > 07777) {
    return fail(STRUCTIO_EINVALID, "%s: the permissions are more than 07777", call);
  }
  rt::runtime* r = in_body(call);
  if (!r) return refused();
  reactor::unix_listen_settings settings;
  settings.backlog = options.backlog;
  if (options.permissions) settings.permissions = static_cast<int>(options.permissions);
  settings.replace_stale = options.replace_stale != 0;
  net::tcp_listener* l = nullptr;
  if (const int code = net::unix_listen(*r, options.path, settings, l)) return code;
  *out = static_cast<structio_listener*>(l->handle);
  return 0;
}

int structio_unix_connect(const char* path, structio_stream** out) {
  constexpr const char* call = "structio_unix_connect";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (bad_path(path, call)) return refused();
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  stream::os_stream* s = nullptr;
  if (const int code = net::unix_connect(*r, path, s)) return code;
  *out = static_cast<structio_stream*>(s->handle);
  return 0;
}

int structio_unix_pair(structio_stream** one, structio_stream** other) {
  constexpr const char* call = "structio_unix_pair";
  if (one) *one = nullptr;
  if (other) *other = nullptr;
  if (!one) return null_argument(call, "one");
  if (!other) return null_argument(call, "other");
  rt::runtime* r = in_body(call);
  if (!r) return refused();
  stream::os_stream *a = nullptr, *b = nullptr;
  if (const int code = stream::open_pair(*r, a, b)) return code;
  *one = static_cast<structio_stream*>(a->handle);
  *other = static_cast<structio_stream*>(b->handle);
  return 0;
}

int structio_unix_peer(structio_stream* handle, structio_unix_credentials* out) {
  constexpr const char* call = "structio_unix_peer";
  const auto s = unix_in(handle, call, false);
  if (!s.object) return refused();
  if (!s.object->slot) return closed(call);
  reactor::unix_credentials peer;
  const int descriptor = static_cast<int>(reactor::file_descriptor(*s.object->slot));
  if (const int code = reactor::unix_peer(descriptor, peer)) {
    return fail(code, "%s: %s", call, reactor::os_error_text(code));
  }
  structio_unix_credentials all{};
  all.process = peer.process;
  all.user = peer.user;
  all.group = peer.group;
  return tell(all, out, call, "out");
}

int structio_unix_send_descriptors(structio_stream* handle, const void* data, size_t size,
                                   const int64_t* descriptors, size_t count) {
  constexpr const char* call = "structio_unix_send_descriptors";
  const auto s = unix_in(handle, call, true);
  if (!s.object) return refused();
  if (!data) return null_argument(call, "data");
  if (size == 0) return no_bytes(call);
  if (!descriptors && count > 0) return null_argument(call, "descriptors");
  if (count > reactor::most_descriptors) {
    return fail(STRUCTIO_EINVALID, "%s: at most %zu descriptors travel at once", call,
                reactor::most_descriptors);
  }
  return net::send_descriptors(*s.run, *s.object, data, size, descriptors, count);
}

int64_t structio_unix_receive_descriptors(structio_stream* handle, void* buffer, size_t size,
                                          structio_descriptors* out) {
  constexpr const char* call = "structio_unix_receive_descriptors";
  if (!out) return null_argument(call, "out");
  if (out->struct_size < sizeof *out) {
    return fail(STRUCTIO_EINVALID, "%s: set struct_size of the descriptors to their sizeof", call);
  }
  out->count = 0;
  out->lost = 0;
  const auto s = unix_in(handle, call, true);
  if (!s.object) return refused();
  if (!buffer) return null_argument(call, "buffer");
  if (size == 0) return no_bytes(call);
  if (!out->array && out->capacity > 0) return null_argument(call, "array");
  reactor::received_descriptors received{out->array, out->capacity};
  const int64_t got = net::receive_descriptors(*s.run, *s.object, buffer, size, received);
  out->count = received.count;
  out->lost = received.lost;
  return got;
}
