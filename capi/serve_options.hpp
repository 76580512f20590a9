// The options of serving, read and checked: shared by TCP and TLS.
#pragma once

#include <structio/structio_net.h>

#include "net/serve.hpp"
#include "object.hpp"
#include "runtime/nursery.hpp"

namespace structio::capi {

/// False when refused.
inline bool read_serving(const structio_serve_options* given, structio_serve_fn handler, void* arg,
                         rt::net::serve_request& request, const char* call) noexcept {
  if (!handler) return null_argument(call, "handler"), false;
  if (!options_fit(given, call)) return false;
  const structio_serve_options options = whole(given);
  request = {};
  if (options.handler_nursery) {
    request.home = block<rt::nursery>(options.handler_nursery, call, "handler_nursery");
    if (!request.home) return false;
    if (request.home->state == rt::nursery_state::closed) {
      fail(STRUCTIO_ECLOSED, "%s: the handlers' nursery has ended", call);
      return false;
    }
  }
  request.handler = handler;
  request.arg = arg;
  request.handler_owns_stream = options.handler_owns_stream != 0;
  request.most_connections = options.max_connections;
  request.goes_on = options.log_errors != 0;
  request.on_error = options.on_error;
  request.on_error_arg = options.on_error_arg;
  return true;
}

/// Whether the handlers' nursery, if there is one, is of that run.
inline bool serves_in(const rt::runtime& run, const rt::net::serve_request& request) noexcept {
  return !request.home || request.home->rt == &run;
}

}  // namespace structio::capi
