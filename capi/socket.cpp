// Options of sockets.
#include <structio/structio_socket.h>

#include <climits>

#include "check.hpp"
#include "reactor/posix_datagram.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

int number_of(int64_t descriptor) noexcept {
  return descriptor >= 0 && descriptor <= INT_MAX ? static_cast<int>(descriptor) : -1;
}

int result(int code, const char* call) noexcept {
  return code == 0 ? 0 : fail(code, "%s: %s", call, reactor::os_error_text(code));
}

int64_t seconds(int64_t time) noexcept {
  constexpr int64_t second = 1'000'000'000;
  return time / second + (time % second > 0 ? 1 : 0);
}

}  // namespace

int structio_socket_get_option(int64_t descriptor, int level, int name, void* value, size_t* size) {
  constexpr const char* call = "structio_socket_get_option";
  if (!value) return null_argument(call, "value");
  if (!size) return null_argument(call, "size");
  return result(reactor::option_get(number_of(descriptor), level, name, value, *size), call);
}

int structio_socket_set_option(int64_t descriptor, int level, int name, const void* value,
                               size_t size) {
  constexpr const char* call = "structio_socket_set_option";
  if (!value) return null_argument(call, "value");
  return result(reactor::option_set(number_of(descriptor), level, name, value, size), call);
}

int structio_socket_set_keepalive(int64_t descriptor, int on, int64_t idle, int64_t interval,
                                  int count) {
  constexpr const char* call = "structio_socket_set_keepalive";
  if (idle < 0 || interval < 0 || count < 0 || seconds(idle) > INT_MAX ||
      seconds(interval) > INT_MAX) {
    return fail(STRUCTIO_EINVALID, "%s: a time or the count is negative or too large", call);
  }
  const int code =
      reactor::set_keepalive(number_of(descriptor), on != 0, static_cast<int>(seconds(idle)),
                             static_cast<int>(seconds(interval)), count);
  return result(code, call);
}

int structio_socket_set_send_buffer(int64_t descriptor, int size) {
  constexpr const char* call = "structio_socket_set_send_buffer";
  if (size < 0) return fail(STRUCTIO_EINVALID, "%s: the size is negative", call);
  return result(reactor::set_buffer(number_of(descriptor), true, size), call);
}

int structio_socket_set_receive_buffer(int64_t descriptor, int size) {
  constexpr const char* call = "structio_socket_set_receive_buffer";
  if (size < 0) return fail(STRUCTIO_EINVALID, "%s: the size is negative", call);
  return result(reactor::set_buffer(number_of(descriptor), false, size), call);
}

int structio_socket_send_buffer(int64_t descriptor, int* size) {
  constexpr const char* call = "structio_socket_send_buffer";
  if (!size) return null_argument(call, "size");
  return result(reactor::get_buffer(number_of(descriptor), true, *size), call);
}

int structio_socket_receive_buffer(int64_t descriptor, int* size) {
  constexpr const char* call = "structio_socket_receive_buffer";
  if (!size) return null_argument(call, "size");
  return result(reactor::get_buffer(number_of(descriptor), false, *size), call);
}

int structio_socket_set_linger(int64_t descriptor, int64_t time) {
  constexpr const char* call = "structio_socket_set_linger";
  if (time > 0) {
    return fail(STRUCTIO_EINVALID, "%s: closing would block the thread: only 0 or negative", call);
  }
  return result(reactor::set_abort_on_close(number_of(descriptor), time == 0), call);
}

int structio_socket_set_hops(int64_t descriptor, int hops) {
  return result(reactor::set_hops(number_of(descriptor), hops), "structio_socket_set_hops");
}
