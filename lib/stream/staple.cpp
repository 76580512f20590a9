// Each call goes to its half.
#include "stream/staple.hpp"

#include <initializer_list>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"

namespace structio::rt::stream {
namespace {

stapled_stream& of(byte_stream& s) noexcept {
  return static_cast<stapled_stream&>(s);
}

// A half that can be ended ends; another is closed, which is the same to who receives.
int end_half(runtime& rt, byte_stream& b) noexcept {
  byte_stream& half = *of(b).sends;
  return half.table->send_eof ? send_eof(rt, half) : close(rt, half);
}

int close_both(runtime& rt, byte_stream& b) noexcept {
  const int first = close(rt, *of(b).sends);
  const int second = close(rt, *of(b).receives);
  return first < 0 ? first : second;
}

void shut_both(byte_stream& b) noexcept {
  shut(*of(b).sends);
  shut(*of(b).receives);
}

void destroy(byte_stream& b) noexcept {
  stapled_stream& s = of(b);
  for (byte_stream* half : {s.sends, s.receives}) {
    free(*half);
    release(*half);
  }
  base::destroy(&s);
}

constexpr stream_table table = {
    .receive_some =
        [](runtime& rt, byte_stream& b, void* buffer, std::size_t size) noexcept {
          return receive_some(rt, *of(b).receives, buffer, size);
        },
    .send_all = [](runtime& rt, byte_stream& b, const void* data,
                   std::size_t size) noexcept { return send_all(rt, *of(b).sends, data, size); },
    .send_pieces =
        [](runtime& rt, byte_stream& b, const piece* pieces, std::size_t count) noexcept {
          return send_pieces(rt, *of(b).sends, pieces, count);
        },
    .wait_send = [](runtime& rt, byte_stream& b) noexcept { return wait_send(rt, *of(b).sends); },
    .send_eof = end_half,
    .close = close_both,
    .shut = shut_both,
    .destroy = destroy,
};

}  // namespace

stapled_stream* staple(runtime& rt, byte_stream& sends, byte_stream& receives) noexcept {
  auto* s = base::make<stapled_stream>();
  if (!s || !enroll(rt, *s, table)) {
    base::destroy(s);
    base::fail(STRUCTIO_ENOMEM, "no memory for a stream");
    return nullptr;
  }
  s->sends = &sends;
  s->receives = &receives;
  ++sends.references;
  ++receives.references;
  return s;
}

}  // namespace structio::rt::stream
