// TLS: contexts, streams, serving.
#include <structio/structio_tls.h>

#include <cstdio>
#include <cstring>

#include "net/tls_serve.hpp"
#include "object.hpp"
#include "serve_options.hpp"

using namespace structio;
using namespace structio::capi;
namespace net = structio::rt::net;
namespace stream = structio::rt::stream;

namespace {

constexpr int64_t usual_patience = STRUCTIO_SECONDS(30);

found<stream::tls_stream> tls_in(structio_stream* h, const char* call, bool task) noexcept {
  if (stream::tls_supported(call)) return {};
  const auto s = find<stream::byte_stream>(base::handle_kind::stream, h, call, task);
  if (!s.object) return {};
  if (stream::tls_stream* tls = stream::as_tls(*s.object)) return {tls, s.run};
  fail(STRUCTIO_EMISUSE, "%s: the stream is not of TLS", call);
  return {};
}

stream::tls_context* context_in(structio_tls_context* h, const char* call) noexcept {
  if (stream::tls_supported(call)) return nullptr;
  return handle<stream::tls_context>(base::handle_kind::tls_context, h, call);
}

stream::tls_context* context_of_side(structio_tls_context* h, bool server,
                                     const char* call) noexcept {
  stream::tls_context* c = context_in(h, call);
  if (!c || stream::tls_context_serves(*c) == server) return c;
  fail(STRUCTIO_EMISUSE, "%s: the context is for a %s", call, server ? "client" : "server");
  return nullptr;
}

int wrap_in(bool server, structio_tls_context* context, structio_stream* transport,
            const structio_tls_stream_options* given, structio_stream** out,
            const char* call) noexcept {
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  stream::tls_context* c = context_of_side(context, server, call);
  if (!c || !options_fit(given, call)) return refused();
  const structio_tls_stream_options options = whole(given);
  const auto s = find<stream::byte_stream>(base::handle_kind::stream, transport, call, false);
  if (!s.object) return refused();
  stream::byte_stream* made = nullptr;
  const char* name = server ? nullptr : options.server_name;
  const int code =
      stream::tls_make(*s.run, {c, s.object, name, options.https_compatible != 0}, made);
  if (code == 0) *out = static_cast<structio_stream*>(made->handle);
  return code;
}

template <std::size_t Size>
void copy_text(char (&to)[Size], const char* from) noexcept {
  std::snprintf(to, Size, "%s", from ? from : "");
}

bool is_version(uint32_t v) noexcept {
  return v == STRUCTIO_TLS_VERSION_DEFAULT || v == STRUCTIO_TLS_VERSION_1_2 ||
         v == STRUCTIO_TLS_VERSION_1_3;
}

int bad_settings(const structio_tls_context_options& o, const char* call) noexcept {
  if (o.client_certificates > STRUCTIO_TLS_CLIENT_CERTIFICATES_REQUIRE) {
    return fail(STRUCTIO_EINVALID, "%s: client_certificates is none of its constants", call);
  }
  if (!is_version(o.oldest_version) || !is_version(o.newest_version)) {
    return fail(STRUCTIO_EINVALID, "%s: a version is none of its constants", call);
  }
  if (o.newest_version != 0 && o.oldest_version > o.newest_version) {
    return fail(STRUCTIO_EINVALID, "%s: the oldest version is newer than the newest", call);
  }
  const bool key = o.key_pem || o.key_file;
  if (key && !o.certificates_pem && !o.certificates_file) {
    return fail(STRUCTIO_EINVALID, "%s: there is a key, but no certificate", call);
  }
  return 0;
}

stream::pem_text text_of(const void* data, size_t size, const char* file) noexcept {
  return {data, size, data ? nullptr : file};
}

}  // namespace

int structio_tls_context_new(const structio_tls_context_options* given,
                             structio_tls_context** out) {
  constexpr const char* call = "structio_tls_context_new";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (stream::tls_supported(call) || !options_fit(given, call)) return refused();
  const structio_tls_context_options o = whole(given);
  if (bad_settings(o, call)) return refused();
  stream::tls_settings settings;
  settings.server = o.server != 0;
  settings.system_roots = !o.without_system_roots;
  settings.skip_verification = o.dangerously_skip_verification != 0;
  settings.resumption = !o.without_resumption;
  settings.client_certificates = static_cast<stream::ask_client>(o.client_certificates);
  settings.oldest = o.oldest_version;
  settings.newest = o.newest_version;
  settings.trusted = text_of(o.trusted_pem, o.trusted_pem_size, o.trusted_file);
  settings.certificates = text_of(o.certificates_pem, o.certificates_pem_size, o.certificates_file);
  settings.key = text_of(o.key_pem, o.key_pem_size, o.key_file);
  settings.protocols = o.protocols;
  stream::tls_context* made = nullptr;
  if (const int code = stream::tls_context_make(settings, made)) return code;
  *out = static_cast<structio_tls_context*>(stream::tls_context_handle(*made));
  return 0;
}

int structio_tls_context_free(structio_tls_context* context) {
  constexpr const char* call = "structio_tls_context_free";
  if (!context) return 0;
  if (stream::tls_supported(call)) return refused();
  void* c = base::handle_drop(base::handle_kind::tls_context, context);
  if (!c) return fail(STRUCTIO_ESTALE, "%s: the handle was freed, or is no TLS context", call);
  stream::tls_context_release(*static_cast<stream::tls_context*>(c));
  return 0;
}

int structio_tls_client(structio_tls_context* context, structio_stream* transport,
                        const structio_tls_stream_options* options, structio_stream** out) {
  return wrap_in(false, context, transport, options, out, "structio_tls_client");
}

int structio_tls_server(structio_tls_context* context, structio_stream* transport,
                        const structio_tls_stream_options* options, structio_stream** out) {
  return wrap_in(true, context, transport, options, out, "structio_tls_server");
}

int structio_tls_do_handshake(structio_stream* handle) {
  const auto s = tls_in(handle, "structio_tls_do_handshake", true);
  return s.object ? stream::tls_do_handshake(*s.run, *s.object) : refused();
}

int structio_tls_set_context(structio_stream* handle, structio_tls_context* context) {
  constexpr const char* call = "structio_tls_set_context";
  const auto s = tls_in(handle, call, false);
  if (!s.object) return refused();
  stream::tls_context* c = context_in(context, call);
  return c ? stream::tls_set_context(*s.object, *c) : refused();
}

int structio_tls_transport(structio_stream* handle, structio_stream** out) {
  constexpr const char* call = "structio_tls_transport";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  const auto s = tls_in(handle, call, false);
  if (!s.object) return refused();
  stream::byte_stream* inner = nullptr;
  if (const int code = stream::tls_transport(*s.object, inner)) return code;
  *out = static_cast<structio_stream*>(inner->handle);
  return 0;
}

int structio_tls_get_info(structio_stream* handle, structio_tls_info* out) {
  constexpr const char* call = "structio_tls_get_info";
  const auto s = tls_in(handle, call, false);
  if (!s.object) return refused();
  stream::tls_facts facts{};
  if (const int code = stream::tls_ask(*s.object, facts)) return code;
  structio_tls_info all{};
  copy_text(all.version, facts.version);
  copy_text(all.cipher, facts.cipher);
  copy_text(all.server_name, facts.server_name);
  const std::size_t most = sizeof all.protocol - 1;
  const std::size_t size = facts.protocol_size < most ? facts.protocol_size : most;
  if (size > 0) std::memcpy(all.protocol, facts.protocol, size);
  all.resumed = facts.resumed ? 1 : 0;
  return tell(all, out, call, "out");
}

int64_t structio_tls_peer_certificate(structio_stream* handle, void* der, size_t size) {
  constexpr const char* call = "structio_tls_peer_certificate";
  const auto s = tls_in(handle, call, false);
  if (!s.object) return refused();
  if (!der && size > 0) return null_argument(call, "der");
  return stream::tls_peer_certificate(*s.object, der, size);
}

int64_t structio_tls_peer_subject(structio_stream* handle, char* text, size_t size) {
  constexpr const char* call = "structio_tls_peer_subject";
  const auto s = tls_in(handle, call, false);
  if (!s.object) return refused();
  if (!text && size > 0) return null_argument(call, "text");
  return stream::tls_peer_subject(*s.object, text, size);
}

int structio_tls_unwrap(structio_stream* handle, structio_stream** transport, void* rest,
                        size_t size, size_t* rest_size) {
  constexpr const char* call = "structio_tls_unwrap";
  if (!transport) return null_argument(call, "transport");
  *transport = nullptr;
  if (!rest_size) return null_argument(call, "rest_size");
  *rest_size = 0;
  const auto s = tls_in(handle, call, true);
  if (!s.object) return refused();
  if (!rest && size > 0) return null_argument(call, "rest");
  stream::byte_stream* inner = nullptr;
  stream::tls_rest behind{rest, size, 0};
  const int code = stream::tls_unwrap(*s.run, *s.object, inner, behind);
  *rest_size = behind.size;
  if (code == 0) *transport = static_cast<structio_stream*>(inner->handle);
  return code;
}

int structio_tls_serve(structio_listener* listener, structio_tls_context* context,
                       structio_serve_fn handler, void* arg,
                       const structio_tls_serve_options* given) {
  constexpr const char* call = "structio_tls_serve";
  if (!handler) return null_argument(call, "handler");
  stream::tls_context* c = context_of_side(context, true, call);
  if (!c || !options_fit(given, call)) return refused();
  const structio_tls_serve_options options = whole(given);
  net::tls_serve_request request{};
  if (!read_serving(options.serving, handler, arg, request.serving, call)) return refused();
  if (options.handshake_timeout < 0) {
    return fail(STRUCTIO_EINVALID, "%s: handshake_timeout is negative", call);
  }
  const auto l = find<net::tcp_listener>(base::handle_kind::listener, listener, call, true);
  if (!l.object) return refused();
  if (!serves_in(*l.run, request.serving)) return other_run(call);
  request.context = c;
  request.serving.handler_owns_stream |= options.handler_owns_stream != 0;
  request.handshake_timeout =
      options.handshake_timeout ? options.handshake_timeout : usual_patience;
  request.https_compatible = options.https_compatible != 0;
  return net::tls_serve(*l.run, *l.object, request);
}
