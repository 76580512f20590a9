// The user's functions, each in its scope.
#include "stream/custom.hpp"

#include <utility>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/dropping.hpp"
#include "runtime/user_call.hpp"
#include "stream/in_scope.hpp"

namespace structio::rt::stream {
namespace {

custom_stream& of(byte_stream& s) noexcept {
  return static_cast<custom_stream&>(s);
}

// Calls fn(), which is the user's, so that closing the stream ends it.
template <class Fn>
std::int64_t of_user(runtime& rt, scope*& place, Fn fn) noexcept {
  bool ended = false;
  const std::int64_t result = in_scope(rt, place, ended, fn);
  if (ended) return closed();
  if (result >= 0) give_way(rt);
  return result;
}

std::int64_t receive_some(runtime& rt, byte_stream& b, void* buffer, std::size_t size) noexcept {
  custom_stream& s = of(b);
  const std::int64_t got =
      of_user(rt, s.receiving_in, [&] { return s.functions.receive_some(s.arg, buffer, size); });
  if (got <= 0 || static_cast<std::uint64_t>(got) <= size) return got;
  return base::fail(STRUCTIO_EINVALID, "a stream of one's own received more than it was asked for");
}

int send_all(runtime& rt, byte_stream& b, const void* data, std::size_t size) noexcept {
  custom_stream& s = of(b);
  const auto code = of_user(
      rt, s.sending_in, [&]() -> std::int64_t { return s.functions.send_all(s.arg, data, size); });
  return code < 0 ? static_cast<int>(code) : 0;
}

int wait_send(runtime& rt, byte_stream& b) noexcept {
  custom_stream& s = of(b);
  if (!s.functions.wait_send) {
    give_way(rt);
    return 0;
  }
  const auto code =
      of_user(rt, s.sending_in, [&]() -> std::int64_t { return s.functions.wait_send(s.arg); });
  return code < 0 ? static_cast<int>(code) : 0;
}

int send_eof(runtime& rt, byte_stream& b) noexcept {
  custom_stream& s = of(b);
  const auto code =
      of_user(rt, s.sending_in, [&]() -> std::int64_t { return s.functions.send_eof(s.arg); });
  return code < 0 ? static_cast<int>(code) : 0;
}

int close(runtime& rt, byte_stream& b) noexcept {
  custom_stream& s = of(b);
  if (!s.functions.close || std::exchange(s.close_called, true)) return 0;
  const int code = call_user(rt, [&] { return s.functions.close(s.arg); });
  return code < 0 ? code : 0;
}

void shut(byte_stream& b) noexcept {
  custom_stream& s = of(b);
  const task* by = b.rt ? b.rt->current : nullptr;
  end_call(s.receiving_in, by, "the stream was closed");
  end_call(s.sending_in, by, "the stream was closed");
}

void destroy(byte_stream& b) noexcept {
  custom_stream& s = of(b);
  if (s.functions.destroy) call_drop(s.functions.destroy, s.arg);
  base::destroy(&s);
}

stream_table table_for(const custom_functions& given) noexcept {
  stream_table t;
  if (given.receive_some) t.receive_some = receive_some;
  if (given.send_all) {
    t.send_all = send_all;
    t.wait_send = wait_send;
    if (given.send_eof) t.send_eof = send_eof;
  }
  t.close = close;
  t.shut = shut;
  t.destroy = destroy;
  return t;
}

}  // namespace

custom_stream* custom_make(runtime& rt, const custom_functions& functions, void* arg) noexcept {
  auto* s = base::make<custom_stream>();
  if (s) {
    s->functions = functions;
    s->own = table_for(functions);
    s->arg = arg;
    if (enroll(rt, *s, s->own)) return s;
    base::destroy(s);
  }
  base::fail(STRUCTIO_ENOMEM, "no memory for a stream");
  return nullptr;
}

}  // namespace structio::rt::stream
