// Listening, connecting and passing descriptors over Unix sockets.
#include "net/unix_socket.hpp"

#include <cstring>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "reactor/posix_socket.hpp"
#include "reactor/uv_readiness.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::net {
namespace {

// Pauses between attempts to get into a queue that is full: no event tells that it has room.
constexpr std::int64_t first_pause = 1'000'000;
constexpr std::int64_t longest_pause = 50'000'000;

int listen_failed(int code, const char* path) noexcept {
  return base::fail(code, "cannot listen on '%.103s': %s", path, error_text(code));
}

int connect_failed(int code, const char* path) noexcept {
  if (code == STRUCTIO_ECANCELLED || code == STRUCTIO_EINTERRUPTED) return code;
  return base::fail(code, "cannot connect to '%.103s': %s", path, error_text(code));
}

// A connected descriptor, or a code.
int connection_to(runtime& rt, const char* path) noexcept {
  for (std::int64_t pause = first_pause;; pause *= 2) {
    const int descriptor = reactor::unix_connection(path);
    if (!reactor::is_would_wait(descriptor)) return descriptor;
    if (pause > longest_pause) pause = longest_pause;
    if (const int code = sleep_until(rt, base::saturating_add(rt.now(), pause))) return code;
  }
}

}  // namespace

int unix_listen(runtime& rt, const char* path, const reactor::unix_listen_settings& settings,
                tcp_listener*& out) noexcept {
  out = nullptr;
  tcp_listener* l = listener_make(rt);
  if (!l) return base::fail(STRUCTIO_ENOMEM, "no memory for a listener");
  auto* binding = base::make<unix_binding>();
  int code = binding ? 0 : STRUCTIO_ENOMEM;
  if (code == 0) {
    const int descriptor = reactor::unix_listening_socket(path, settings, binding->file);
    if (descriptor >= 0) {
      std::strcpy(binding->path, path);  // long ones are refused as addresses
      l->binding = binding;
      code = reactor::listen_on(rt.kernel, descriptor, reactor::stream_kind::pipe, l->slot);
    } else {
      base::destroy(binding);
      code = descriptor;
    }
  }
  if (code == 0) {
    out = l;
    return 0;
  }
  free_listener(*l);
  return listen_failed(code, path);
}

int unix_connect(runtime& rt, const char* path, stream::os_stream*& out) noexcept {
  out = nullptr;
  if (const int code = cancel_check(rt)) return code;
  // The object first: nothing is to be undone at the other end for want of memory.
  stream::os_stream* s = stream::os_stream_make(rt, stream::os_kind::local);
  if (!s) return base::fail(STRUCTIO_ENOMEM, "no memory for a stream");
  const int descriptor = connection_to(rt, path);
  int code = descriptor;
  if (descriptor >= 0) {
    code = reactor::stream_open(rt.kernel, descriptor, reactor::stream_kind::pipe, s->slot);
    if (code != 0) reactor::close_socket(descriptor);
  }
  if (code == 0) {
    give_way(rt);
    out = s;
    return 0;
  }
  stream::free(*s);
  return connect_failed(code, path);
}

int send_descriptors(runtime& rt, stream::os_stream& s, const void* data, std::size_t size,
                     const std::int64_t* descriptors, std::size_t count) noexcept {
  if (const int code = stream::begin_sending(rt, s)) return code;
  std::int64_t sent = 0;
  {
    const stream::under_way call(s, s.sending);
    int code = stream::settle(rt, s);
    if (code < 0) return stream::transfer_failed(code);
    for (;;) {
      if (!s.slot) return stream::closed();
      const int descriptor = static_cast<int>(reactor::file_descriptor(*s.slot));
      sent = reactor::send_with_descriptors(descriptor, data, size, descriptors, count);
      if (!reactor::is_would_wait(sent)) break;
      code = stream::wait_ready(rt, s, reactor::ready_to_write);
      if (code < 0) return code;
    }
  }
  if (sent == reactor::bad_descriptor) {
    return base::fail(static_cast<int>(sent), "one of the descriptors to send is none");
  }
  if (sent < 0) return stream::transfer_failed(sent);
  const auto taken = static_cast<std::size_t>(sent);
  if (taken < size)
    return stream::send_all(rt, s, static_cast<const char*>(data) + taken, size - taken);
  give_way(rt);
  return 0;
}

std::int64_t receive_descriptors(runtime& rt, stream::os_stream& s, void* buffer, std::size_t size,
                                 reactor::received_descriptors& out) noexcept {
  if (const int code = stream::begin_receiving(rt, s)) return code;
  const stream::under_way call(s, s.receiving);
  for (bool waited = false;; waited = true) {
    if (!s.slot) return stream::closed();
    const int descriptor = static_cast<int>(reactor::file_descriptor(*s.slot));
    const std::int64_t got = reactor::receive_with_descriptors(descriptor, buffer, size, out);
    if (!reactor::is_would_wait(got)) {
      if (got < 0) return stream::transfer_failed(got);
      if (!waited) give_way(rt);
      return got;
    }
    if (const int code = stream::wait_ready(rt, s, reactor::ready_to_read)) return code;
  }
}

}  // namespace structio::rt::net
