// Receiving, sending and closing, over the reactor's slots.
#include "stream/os_stream.hpp"

#include <utility>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "reactor/uv_readiness.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::stream {
namespace {

// The most that one call to the system is asked to move: it refuses sizes that reach beyond the end
// of memory, which a caller may mean by "as much as there is".
constexpr std::size_t most_at_once = std::size_t{1} << 30;

// Waits until what has been queued is with the kernel.
int await_written(runtime& rt, slot_wait& wait) noexcept {
  return static_cast<int>(park(
      rt, "send",
      [](void* arg) {
        reactor::write_cancel(*static_cast<slot_wait*>(arg)->slot);
        return abort_done;
      },
      &wait));
}

// Has the reactor write what the kernel does not take now. Returns how much that was: nothing when
// a piece of a send that was given up had to go first.
std::int64_t send_queued(runtime& rt, os_stream& s, const char* data, std::size_t size) noexcept {
  slot_wait wait(*rt.current, s.slot);
  const std::int64_t queued = reactor::write_start(*s.slot, data, size, wait);
  if (queued < 0) return queued;
  const int code = await_written(rt, wait);
  return code < 0 ? code : queued;
}

int send_rest(runtime& rt, os_stream& s, const char* data, std::size_t size) noexcept {
  for (;;) {
    if (size == 0) {
      give_way(rt);
      return 0;
    }
    if (!s.slot) return closed();
    const std::size_t piece = size < most_at_once ? size : most_at_once;
    std::int64_t sent = reactor::try_write(*s.slot, data, piece);
    if (reactor::is_would_wait(sent)) sent = send_queued(rt, s, data, piece);
    if (sent < 0) return transfer_failed(sent);
    data += sent;
    size -= static_cast<std::size_t>(sent);
    if (size == 0) continue;
    // A peer that reads as fast as we write must not keep the thread from everybody else.
    give_way(rt);
    if (const int code = cancel_check(rt)) return code;
  }
}

os_stream& of(byte_stream& s) noexcept {
  return static_cast<os_stream&>(s);
}

std::int64_t receive_some(runtime& rt, byte_stream& b, void* buffer, std::size_t size) noexcept {
  reactor::stream_slot& slot = *of(b).slot;
  slot_wait wait(*rt.current, &slot);
  const int begun =
      reactor::read_start(slot, buffer, size < most_at_once ? size : most_at_once, wait);
  if (begun == reactor::read_at_end) {
    give_way(rt);
    return 0;
  }
  if (begun < 0) return transfer_failed(begun);
  const std::int64_t got = park(
      rt, "receive",
      [](void* arg) {
        reactor::read_cancel(*static_cast<slot_wait*>(arg)->slot);
        return abort_done;
      },
      &wait);
  if (got >= 0 || got == STRUCTIO_ECANCELLED) [[likely]]
    return got;
  return transfer_failed(got);
}

int send_all(runtime& rt, byte_stream& b, const void* data, std::size_t size) noexcept {
  return send_rest(rt, of(b), static_cast<const char*>(data), size);
}

// Takes the next pieces that are not empty, up to most_at_once altogether. Returns how many.
std::size_t gather(const piece* pieces, std::size_t count, std::size_t skipped,
                   reactor::write_piece* out) noexcept {
  std::size_t taken = 0;
  std::size_t total = 0;
  for (std::size_t i = 0; i < count && taken < reactor::most_pieces; ++i, skipped = 0) {
    const std::size_t size = pieces[i].size - skipped;
    if (size == 0) continue;
    const std::size_t room = most_at_once - total;
    out[taken++] = {static_cast<const char*>(pieces[i].data) + skipped, size < room ? size : room};
    total += out[taken - 1].size;
    if (total == most_at_once) break;
  }
  return taken;
}

// Goes on by so many bytes.
void advance(const piece*& pieces, std::size_t& count, std::size_t& skipped,
             std::size_t by) noexcept {
  skipped += by;
  while (count > 0 && skipped >= pieces->size) {
    skipped -= pieces->size;
    ++pieces;
    --count;
  }
}

int send_pieces_of(runtime& rt, byte_stream& b, const piece* pieces, std::size_t count) noexcept {
  os_stream& s = of(b);
  std::size_t skipped = 0;  // of the first piece
  for (bool first = true;; first = false) {
    advance(pieces, count, skipped, 0);
    if (count == 0) {
      give_way(rt);
      return 0;
    }
    // A peer that reads as fast as we write must not keep the thread from everybody else.
    if (!first) {
      give_way(rt);
      if (const int code = cancel_check(rt)) return code;
    }
    if (!s.slot) return closed();
    reactor::write_piece at_once[reactor::most_pieces];
    const std::size_t taken = gather(pieces, count, skipped, at_once);
    std::int64_t sent = reactor::try_write_pieces(*s.slot, at_once, taken);
    if (reactor::is_would_wait(sent)) {
      sent = send_queued(rt, s, static_cast<const char*>(at_once[0].data), at_once[0].size);
    }
    if (sent < 0) return transfer_failed(sent);
    advance(pieces, count, skipped, static_cast<std::size_t>(sent));
  }
}

// What a send that was given up has left under way is not looked at: it may return early.
int wait_send(runtime& rt, byte_stream& b) noexcept {
  return wait_ready(rt, of(b), reactor::ready_to_write);
}

int send_eof(runtime& rt, byte_stream& b) noexcept {
  os_stream& s = of(b);
  int code = settle(rt, s);
  if (code == 0) code = s.slot ? reactor::end_sending(*s.slot) : STRUCTIO_ECLOSED;
  if (code < 0) return transfer_failed(code);
  give_way(rt);
  return 0;
}

void shut(byte_stream& b) noexcept {
  os_stream& s = of(b);
  reactor::stream_slot* slot = std::exchange(s.slot, nullptr);
  if (!slot) return;
  // The user may wait for the descriptor as well.
  reactor::readiness_closing(b.rt->kernel, static_cast<int>(reactor::file_descriptor(*slot)));
  reactor::close(*slot);
}

// One for each os_kind, in its order.
constexpr stream_table table_of(bool receives, bool sends, bool by_halves) noexcept {
  stream_table t;
  if (receives) t.receive_some = receive_some;
  if (sends) {
    t.send_all = send_all;
    t.send_pieces = send_pieces_of;
    t.wait_send = wait_send;
  }
  if (by_halves) t.send_eof = send_eof;
  t.shut = shut;
  t.destroy = [](byte_stream& b) noexcept { base::destroy(&of(b)); };
  return t;
}

constexpr stream_table tables[] = {
    table_of(true, true, true),    // tcp
    table_of(true, true, true),    // local
    table_of(true, false, false),  // pipe_in
    table_of(false, true, false),  // pipe_out
    table_of(true, true, false),   // both_ways
};

}  // namespace

int transfer_failed(std::int64_t code) noexcept {
  const int own = static_cast<int>(code);
  if (own == STRUCTIO_ECLOSED) return closed();
  if (base::own_error_name(own)) return own;
  return base::fail(STRUCTIO_EBROKEN, "the connection is broken: %s (%s)",
                    reactor::os_error_text(own), reactor::os_error_name(own));
}

int settle(runtime& rt, os_stream& s) noexcept {
  while (s.slot && reactor::is_writing(*s.slot)) {
    const std::int64_t code = send_queued(rt, s, nullptr, 0);
    if (code < 0) return static_cast<int>(code);
  }
  return s.slot ? 0 : STRUCTIO_ECLOSED;
}

int wait_ready(runtime& rt, os_stream& s, std::uint8_t direction) noexcept {
  struct readiness : slot_wait {
    using slot_wait::slot_wait;
    reactor::uv_reactor* kernel = nullptr;
    int descriptor = -1;
    std::uint8_t direction = 0;
  } wait(*rt.current, s.slot);
  wait.kernel = &rt.kernel;
  wait.descriptor = static_cast<int>(reactor::file_descriptor(*s.slot));
  wait.direction = direction;
  int code = reactor::readiness_try(rt.kernel, wait.descriptor, direction);
  if (code == 0) code = reactor::readiness_begin(rt.kernel, wait.descriptor, direction, wait);
  if (code == 0) {
    code = static_cast<int>(park(
        rt, direction == reactor::ready_to_write ? "send" : "receive",
        [](void* arg) {
          auto& waiting = *static_cast<readiness*>(arg);
          reactor::readiness_cancel(*waiting.kernel, waiting.descriptor, waiting.direction,
                                    waiting);
          return abort_done;
        },
        &wait));
  } else if (code > 0) {
    give_way(rt);
  }
  return code < 0 ? transfer_failed(code) : 0;
}

os_stream* os_stream_make(runtime& rt, os_kind kind) noexcept {
  auto* s = base::make<os_stream>();
  if (s && enroll(rt, *s, tables[static_cast<int>(kind)])) return s;
  base::destroy(s);
  return nullptr;
}

os_stream* as_os_stream(byte_stream& s) noexcept {
  for (const stream_table& t : tables) {
    if (s.table == &t) return &of(s);
  }
  return nullptr;
}

os_stream* as_os_stream(byte_stream& s, os_kind kind) noexcept {
  return s.table == &tables[static_cast<int>(kind)] ? &of(s) : nullptr;
}

}  // namespace structio::rt::stream
