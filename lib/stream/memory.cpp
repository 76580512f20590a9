// Collecting, pumping, receiving.
#include "stream/memory.hpp"

#include <utility>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/dropping.hpp"
#include "runtime/user_call.hpp"

namespace structio::rt::stream {
namespace {

memory_stream& memory(byte_stream& s) noexcept {
  return static_cast<memory_stream&>(s);
}

void leave_hooks(memory_hooks* hooks) noexcept {
  if (!hooks || --hooks->users > 0) return;
  if (hooks->drop) call_drop(hooks->drop, hooks->arg);
  base::destroy(hooks);
}

int call(int (*memory_hooks::*which)(void*), const memory_stream& s) noexcept {
  memory_hooks* hooks = s.hooks;
  if (!hooks || !(hooks->*which)) return 0;
  ++hooks->users;
  const auto hook = [&] { return (hooks->*which)(hooks->arg); };
  const int code = which == &memory_hooks::on_close ? hook() : call_user(*s.rt, hook);
  leave_hooks(hooks);
  return code;
}

void call_on_close(memory_stream& s) noexcept {
  if (s.in_on_close) return;  // it may close its own stream
  s.in_on_close = true;
  {
    const confinement here(current_runtime(), confined::waiting);  // perhaps in a hook
    call(&memory_hooks::on_close, s);
  }
  s.in_on_close = false;
}

// Whether anything can still be put in; the end may have been put by hand.
bool receives(const memory_stream& s) noexcept {
  return !s.closed && !s.in_ended;
}

// Looks for cancellation in a call that has given way and done nothing yet.
int look(runtime& rt) noexcept {
  give_way(rt);
  return cancel_check(rt);
}

std::int64_t receive(runtime& rt, byte_stream& b, void* buffer, std::size_t size) noexcept {
  memory_stream& s = memory(b);
  if (const int code = call(&memory_hooks::before_receive, s); code < 0 || s.closed) {
    give_way(rt);
    return code < 0 ? code : closed();
  }
  const bool waits = s.in.empty() && !s.in_ended;
  if (!waits) give_way(rt);
  while (s.in.empty() && !s.in_ended && !s.closed) {
    place p;
    if (const std::int64_t code = wait_in(rt, s.receiver, p, "receive"); code < 0) return code;
  }
  if (s.closed) return closed();
  return static_cast<std::int64_t>(s.in.take(buffer, size));
}

int send(runtime& rt, byte_stream& b, const void* data, std::size_t size) noexcept {
  memory_stream& s = memory(b);
  if (const int code = look(rt)) return code;
  if (s.closed) return closed();
  if (s.pumps && !receives(*s.peer)) return other_end_closed();
  if (!s.out.add(data, size)) {
    return base::fail(STRUCTIO_ENOMEM, "no memory for what is sent on the stream");
  }
  if (s.pumps) {
    if (const int code = memory_pump(s, *s.peer, SIZE_MAX); code < 0) {
      s.out.take_back(size);  // a send that fails has sent nothing
      return code;
    }
  }
  if (!s.out.empty()) s.takers.wake(1, 0);
  const int code = call(&memory_hooks::after_send, s);
  return code < 0 ? code : 0;
}

int wait_send(runtime& rt, byte_stream& b) noexcept {
  memory_stream& s = memory(b);
  give_way(rt);
  if (s.closed) return closed();
  const int code = call(&memory_hooks::might_not_block, s);
  if (s.closed) return closed();
  return code < 0 ? code : 0;
}

// The end of what is sent: the peer's reader sees it once it has read the rest.
void end_out(memory_stream& s) noexcept {
  s.takers.wake(1, 0);
  if (s.pumps && !s.peer->closed) memory_pump(s, *s.peer, SIZE_MAX);
}

int end_sending(runtime& rt, byte_stream& b) noexcept {
  memory_stream& s = memory(b);
  if (const int code = look(rt)) return code;
  if (s.closed) return closed();
  s.eof_sent = true;
  end_out(s);
  return 0;
}

int closing(runtime&, byte_stream& b) noexcept {
  memory_stream& s = memory(b);
  if (s.closed) call_on_close(s);  // the first time it is called when it is shut
  return 0;
}

void shut_memory(byte_stream& b) noexcept {
  memory_stream& s = memory(b);
  end_out(s);
  s.in.clear();
  s.receiver.wake(1, 0);
  // A run that is over closes what was left behind, when the user's functions are gone.
  if (!s.rt->ending) call_on_close(s);
  s.pumps = false;
  if (memory_stream* peer = std::exchange(s.peer, nullptr)) release(*peer);
}

void freed(byte_stream& b) noexcept {
  memory_set_hooks(memory(b), nullptr);
}

void destroy(byte_stream& b) noexcept {
  base::destroy(&memory(b));
}

constexpr stream_table send_only = {.send_all = send,
                                    .wait_send = wait_send,
                                    .close = closing,
                                    .shut = shut_memory,
                                    .freed = freed,
                                    .destroy = destroy};
constexpr stream_table receive_only = {.receive_some = receive,
                                       .close = closing,
                                       .shut = shut_memory,
                                       .freed = freed,
                                       .destroy = destroy};
constexpr stream_table both_ways = {.receive_some = receive,
                                    .send_all = send,
                                    .wait_send = wait_send,
                                    .send_eof = end_sending,
                                    .close = closing,
                                    .shut = shut_memory,
                                    .freed = freed,
                                    .destroy = destroy};

const stream_table& table_of(memory_kind kind) noexcept {
  if (kind == memory_kind::sends) return send_only;
  return kind == memory_kind::receives ? receive_only : both_ways;
}

}  // namespace

memory_stream* memory_make(runtime& rt, memory_kind kind) noexcept {
  auto* s = base::make<memory_stream>();
  if (s && enroll(rt, *s, table_of(kind))) return s;
  base::destroy(s);
  base::fail(STRUCTIO_ENOMEM, "no memory for a stream");
  return nullptr;
}

void memory_set_hooks(memory_stream& s, memory_hooks* hooks) noexcept {
  leave_hooks(std::exchange(s.hooks, hooks));
}

int memory_set_pumping(memory_stream& s, bool on) noexcept {
  s.pumps = on;
  if (!on) return 0;
  // Who cannot receive any more is what the next send is told; memory is short now.
  const int code = memory_pump(s, *s.peer, SIZE_MAX);
  return code == STRUCTIO_ENOMEM ? code : 0;
}

void memory_connect(memory_stream& from, memory_stream& to) noexcept {
  from.peer = &to;
  ++to.references;
  from.pumps = true;
}

memory_stream* as_memory(byte_stream& s) noexcept {
  const bool is = s.table == &send_only || s.table == &receive_only || s.table == &both_ways;
  return is ? &memory(s) : nullptr;
}

std::int64_t memory_get(runtime& rt, memory_stream& s, void* buffer, std::size_t most,
                        bool waits) noexcept {
  if (!s.table->send_all) {
    return base::fail(STRUCTIO_EMISUSE, "the stream only receives: nothing is sent on it");
  }
  const auto ended = [&s] { return s.closed || s.eof_sent; };
  if (!waits) {
    if (!s.out.empty() || ended()) return static_cast<std::int64_t>(s.out.take(buffer, most));
    return base::fail(STRUCTIO_EWOULDBLOCK, "nothing has been sent on the stream");
  }
  if (const int code = cancel_check(rt)) return code;
  if (s.taking) return busy(rt, "taking from");
  const under_way keep(s, s.taking);
  std::int64_t result = 0;
  if (!s.out.empty() || ended()) give_way(rt);
  while (result == 0 && s.out.empty() && !ended()) {
    place p;
    result = wait_in(rt, s.takers, p, "data that is sent");
  }
  if (result == 0) result = static_cast<std::int64_t>(s.out.take(buffer, most));
  return result;
}

int memory_put(memory_stream& s, const void* data, std::size_t size) noexcept {
  if (!s.table->receive_some) {
    return base::fail(STRUCTIO_EMISUSE, "the stream only sends: nothing is received on it");
  }
  if (s.closed) return closed();
  if (s.in_ended) return base::fail(STRUCTIO_ECLOSED, "the end of the stream was put before");
  if (!s.in.add(data, size)) {
    return base::fail(STRUCTIO_ENOMEM, "no memory for what is received on the stream");
  }
  if (size > 0) s.receiver.wake(1, 0);
  return 0;
}

int memory_put_eof(memory_stream& s) noexcept {
  if (!s.table->receive_some) return memory_put(s, nullptr, 0);
  if (s.closed) return closed();
  s.in_ended = true;
  s.receiver.wake(1, 0);
  return 0;
}

int memory_pump(memory_stream& from, memory_stream& to, std::size_t most) noexcept {
  const bool at_end = from.closed || from.eof_sent;
  if (from.out.empty() && (!at_end || to.in_ended)) return 0;
  if (to.closed || (to.in_ended && !from.out.empty())) return other_end_closed();
  const std::size_t size = most < from.out.size() ? most : from.out.size();
  if (size > 0) {
    if (const int code = memory_put(to, from.out.front(), size)) return code;
    from.out.drop(size);
  }
  // As a stream would: the end comes when there is nothing before it.
  if (at_end && from.out.empty()) memory_put_eof(to);
  return 1;
}

}  // namespace structio::rt::stream
