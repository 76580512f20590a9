// Meeting halfway: the receiver copies out of the sender's memory while the sender waits.
#include "stream/lockstep.hpp"

#include <cstring>
#include <utility>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"

namespace structio::rt::stream {
namespace {

lockstep_stream& lockstep(byte_stream& s) noexcept {
  return static_cast<lockstep_stream&>(s);
}

int wait_at(runtime& rt, wait_queue& queue, const char* what) noexcept {
  place p;
  return static_cast<int>(wait_in(rt, queue, p, what));
}

// Keeps a pipe for a call: both ends may be freed meanwhile.
class kept {
 public:
  explicit kept(lockstep_pipe& p) noexcept : p_(p) { ++p_.users; }
  ~kept() { drop(&p_); }
  kept(const kept&) = delete;
  kept& operator=(const kept&) = delete;
  static void drop(lockstep_pipe* p) noexcept {
    if (p && --p->users == 0) base::destroy(p);
  }

 private:
  lockstep_pipe& p_;
};

std::int64_t receive(runtime& rt, byte_stream& b, void* buffer, std::size_t size) noexcept {
  lockstep_pipe& p = *lockstep(b).in;
  const kept keep(p);
  if (p.left > 0 || p.sender_closed) give_way(rt);
  while (p.left == 0 && !p.sender_closed && !p.receiver_closed) {
    p.sender.wake(1, 0);  // who waits until a send might not block has its answer
    if (const int code = wait_at(rt, p.receiver, "receive"); code < 0) return code;
  }
  if (p.receiver_closed) return closed();
  const std::size_t taken = size < p.left ? size : p.left;
  if (taken == 0) return 0;
  std::memcpy(buffer, p.data, taken);
  p.data += taken;
  p.left -= taken;
  if (p.left == 0) p.sender.wake(1, 0);
  return static_cast<std::int64_t>(taken);
}

int send(runtime& rt, byte_stream& b, const void* data, std::size_t size) noexcept {
  lockstep_pipe& p = *lockstep(b).out;
  const kept keep(p);
  if (p.receiver_closed || size == 0) {
    give_way(rt);
    return p.receiver_closed ? other_end_closed() : 0;
  }
  p.data = static_cast<const char*>(data);
  p.left = size;
  p.receiver.wake(1, 0);
  int code = 0;
  while (code == 0 && p.left > 0 && !p.sender_closed && !p.receiver_closed) {
    code = wait_at(rt, p.sender, "send");
  }
  const bool all = p.data && p.left == 0;  // whoever closes afterwards does not undo that
  p.data = nullptr;
  p.left = 0;
  if (code < 0) return code;
  if (all) return 0;
  return p.sender_closed ? closed() : other_end_closed();
}

int wait_send(runtime& rt, byte_stream& b) noexcept {
  lockstep_pipe& p = *lockstep(b).out;
  const kept keep(p);
  if (p.receiver_closed || !p.receiver.empty()) {
    give_way(rt);
    return 0;
  }
  if (const int code = wait_at(rt, p.sender, "send"); code < 0) return code;
  return p.sender_closed ? closed() : 0;
}

void end_out(lockstep_pipe& p) noexcept {
  p.sender_closed = true;
  if (p.left > 0) p.data = nullptr;  // what is being sent is lost, and its sender is told so
  p.left = 0;
  p.sender.wake(1, 0);
  p.receiver.wake(1, 0);
}

int end_sending(runtime& rt, byte_stream& b) noexcept {
  end_out(*lockstep(b).out);
  give_way(rt);
  return 0;
}

void shut_lockstep(byte_stream& b) noexcept {
  lockstep_stream& s = lockstep(b);
  if (s.out) end_out(*s.out);
  if (s.in) {
    s.in->receiver_closed = true;
    s.in->sender.wake(1, 0);
    s.in->receiver.wake(1, 0);
  }
}

void destroy(byte_stream& b) noexcept {
  kept::drop(lockstep(b).out);
  kept::drop(lockstep(b).in);
  base::destroy(&lockstep(b));
}

constexpr stream_table send_only = {
    .send_all = send, .wait_send = wait_send, .shut = shut_lockstep, .destroy = destroy};
constexpr stream_table receive_only = {
    .receive_some = receive, .shut = shut_lockstep, .destroy = destroy};
constexpr stream_table both_tables = {.receive_some = receive,
                                      .send_all = send,
                                      .wait_send = wait_send,
                                      .send_eof = end_sending,
                                      .shut = shut_lockstep,
                                      .destroy = destroy};

}  // namespace

int lockstep_make(runtime& rt, bool both_ways, lockstep_stream*& a, lockstep_stream*& b) noexcept {
  auto* first = base::make<lockstep_stream>();
  auto* second = base::make<lockstep_stream>();
  auto* there = base::make<lockstep_pipe>();
  auto* back = both_ways ? base::make<lockstep_pipe>() : nullptr;
  const bool have = first && second && there && (back || !both_ways) &&
                    enroll(rt, *first, both_ways ? both_tables : send_only);
  if (have && enroll(rt, *second, both_ways ? both_tables : receive_only)) {
    first->out = second->in = there;
    second->out = first->in = back;
    a = first;
    b = second;
    return 0;
  }
  if (have) {
    free(*first);
  } else {
    base::destroy(first);
  }
  base::destroy(second);
  base::destroy(there);
  base::destroy(back);
  return base::fail(STRUCTIO_ENOMEM, "no memory for a pair of streams");
}

}  // namespace structio::rt::stream
