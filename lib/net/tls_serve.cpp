// A handshake within a limit of time before each handler.
#include "net/tls_serve.hpp"

#include "base/handle_table.hpp"
#include "base/log.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/user_call.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::net {
namespace {

// 0: done; 1: it failed or took too long, which is no failure of the server; else an error.
int shake_hands(runtime& rt, stream::tls_stream& s, std::int64_t limit) noexcept {
  task& self = *rt.current;
  scope patience;
  patience.ends_on_stop = true;  // nobody is being served yet
  if (limit < base::forever) {
    patience.kind = deadline_kind::relative;
    patience.deadline = limit;
  }
  if (const int code = scope_enter(rt, self, patience)) return code;
  int status = stream::tls_do_handshake(rt, s);
  failure* none = nullptr;
  const bool own_failure = status < 0 && status != STRUCTIO_ECANCELLED;
  status = scope_leave(patience, status, none);
  if (patience.caught) {
    base::log(base::log_level::debug,
              "tls_serve: '%s': the handshake was given up: it took too long, or we stop",
              self.name);
    return 1;
  }
  if (status == 0 || !own_failure || status == STRUCTIO_EINTERRUPTED) return status;
  base::log(base::log_level::debug, "tls_serve: '%s': %s", self.name, base::last_message());
  return 1;
}

int serve_one(structio_stream* plain, void* arg) {
  const auto& request = *static_cast<const tls_serve_request*>(arg);
  runtime& rt = *current_runtime();
  auto* inner =
      static_cast<stream::byte_stream*>(base::handle_object(base::handle_kind::stream, plain));
  stream::byte_stream* s = nullptr;
  if (const int code =
          stream::tls_make(rt, {request.context, inner, nullptr, request.https_compatible}, s)) {
    stream::free(*inner);
    if (code != STRUCTIO_ENOMEM) return code;
    base::log(base::log_level::warn, "tls_serve: %s; the connection is dropped",
              base::last_message());
    return 0;
  }
  int status = shake_hands(rt, *stream::as_tls(*s), request.handshake_timeout);
  if (status != 0) {
    stream::free(*s);
    return status == 1 ? 0 : status;
  }
  void* const handle = s->handle;
  status = call_user(rt, [&] {
    return request.serving.handler(static_cast<structio_stream*>(handle), request.serving.arg);
  });
  // The handler may have freed the stream although it need not.
  if (!request.serving.handler_owns_stream &&
      base::handle_object(base::handle_kind::stream, handle) == s) {
    stream::free(*s);
  }
  return status;
}

}  // namespace

int tls_serve(runtime& rt, tcp_listener& l, const tls_serve_request& request) noexcept {
  // What the handlers look at; in a nursery of the user's they may outlive the call.
  auto* own = base::make<tls_serve_request>(request);
  if (!own) return base::fail(STRUCTIO_ENOMEM, "no memory for a server");
  stream::tls_context_keep(*own->context);
  const auto drop = [](void* arg) {
    auto* done = static_cast<tls_serve_request*>(arg);
    stream::tls_context_release(*done->context);
    base::destroy(done);
  };
  serve_request plain = request.serving;
  plain.handler = serve_one;
  plain.arg = own;
  plain.handler_owns_stream = true;
  if (plain.home) plain.drop = drop;
  const int status = serve(rt, l, plain);
  if (!plain.home) drop(own);
  return status;
}

}  // namespace structio::rt::net
