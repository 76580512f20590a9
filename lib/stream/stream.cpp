// What every stream's calls begin and end with.
#include "stream/stream.hpp"

#include "base/handle_table.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::stream {

namespace {

// Keeps the object in place for a call that has no flag.
class held {
 public:
  explicit held(byte_stream& s) noexcept : s_(s) { ++s_.references; }
  ~held() { release(s_); }
  held(const held&) = delete;
  held& operator=(const held&) = delete;

 private:
  byte_stream& s_;
};

// For a call that found it so: a checkpoint gives way whatever comes out.
int closed_before(runtime& rt) noexcept {
  give_way(rt);
  return closed();
}

// What is not in its table.
int cannot(const char* what) noexcept {
  return base::fail(STRUCTIO_EMISUSE, "the stream cannot %s", what);
}

int eof_was_sent(runtime& rt) noexcept {
  give_way(rt);
  return base::fail(STRUCTIO_ECLOSED, "our direction of the stream was ended by send_eof");
}

// Ending the sending may be said again.
int begin_ending(runtime& rt, byte_stream& s) noexcept {
  if (const int code = cancel_check(rt)) return code;
  if (s.closed) return closed_before(rt);
  if (s.sending) return busy(rt, "sending on");
  return 0;
}

}  // namespace

int begin_receiving(runtime& rt, byte_stream& s) noexcept {
  if (const int code = cancel_check(rt)) return code;
  if (s.closed) return closed_before(rt);
  if (s.receiving) return busy(rt, "receiving from");
  return 0;
}

int begin_sending(runtime& rt, byte_stream& s) noexcept {
  if (const int code = begin_ending(rt, s)) return code;
  return s.eof_sent ? eof_was_sent(rt) : 0;
}

int closed() noexcept {
  return base::fail(STRUCTIO_ECLOSED, "the stream has been closed here");
}

int other_end_closed() noexcept {
  return base::fail(STRUCTIO_EBROKEN, "the other end of the stream has been closed");
}

int busy(runtime& rt, const char* doing) noexcept {
  give_way(rt);
  return base::fail(STRUCTIO_EBUSY, "another task is already %s this stream", doing);
}

bool enroll(runtime& rt, byte_stream& s, const stream_table& table) noexcept {
  s.handle = base::handle_make(base::handle_kind::stream, &s);
  if (!s.handle) return false;
  s.table = &table;
  s.rt = &rt;
  s.orphan = [](run_object& self) noexcept { shut(static_cast<byte_stream&>(self)); };
  rt.objects.push_back(s);
  return true;
}

std::int64_t receive_some(runtime& rt, byte_stream& s, void* buffer, std::size_t size) noexcept {
  if (!s.table->receive_some) return cannot("be received from: it only sends");
  if (const int code = begin_receiving(rt, s)) return code;
  const under_way call(s, s.receiving);
  return s.table->receive_some(rt, s, buffer, size);
}

int send_all(runtime& rt, byte_stream& s, const void* data, std::size_t size) noexcept {
  if (!s.table->send_all) return cannot("be sent to: it only receives");
  if (const int code = begin_sending(rt, s)) return code;
  const under_way call(s, s.sending);
  return s.table->send_all(rt, s, data, size);
}

int send_pieces(runtime& rt, byte_stream& s, const piece* pieces, std::size_t count) noexcept {
  if (!s.table->send_all) return cannot("be sent to: it only receives");
  if (const int code = begin_sending(rt, s)) return code;
  const under_way call(s, s.sending);
  if (s.table->send_pieces) return s.table->send_pieces(rt, s, pieces, count);
  if (count == 0) return s.table->send_all(rt, s, nullptr, 0);
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0 && s.closed) return closed();
    if (const int code = s.table->send_all(rt, s, pieces[i].data, pieces[i].size)) return code;
    if (i + 1 == count) break;
    if (const int code = cancel_check(rt)) return code;
  }
  return 0;
}

int wait_send(runtime& rt, byte_stream& s) noexcept {
  if (!s.table->wait_send) return cannot("be sent to: it only receives");
  if (const int code = begin_sending(rt, s)) return code;
  const under_way call(s, s.sending);
  return s.table->wait_send(rt, s);
}

int send_eof(runtime& rt, byte_stream& s) noexcept {
  if (!s.table->send_eof) return cannot("end one direction only: close it");
  if (const int code = begin_ending(rt, s)) return code;
  if (s.eof_sent) {
    give_way(rt);
    return 0;
  }
  const under_way call(s, s.sending);
  const int code = s.table->send_eof(rt, s);
  if (code == 0) s.eof_sent = true;
  return code;
}

int close(runtime& rt, byte_stream& s) noexcept {
  const held keep(s);
  const int code = s.table->close ? s.table->close(rt, s) : 0;
  shut(s);
  if (code < 0) return give_way_failing(rt, code);  // what is told otherwise stays to be told
  give_way(rt);
  return cancel_check(rt);
}

void shut(byte_stream& s) noexcept {
  if (s.closed) return;
  s.closed = true;
  s.table->shut(s);
}

void free(byte_stream& s) noexcept {
  const held keep(s);
  shut(s);
  // Shutting may have called a function of the user's, who may have freed the stream as well.
  if (!base::handle_drop(base::handle_kind::stream, s.handle)) return;
  if (s.table->freed) s.table->freed(s);
  release(s);
}

void release(byte_stream& s) noexcept {
  if (--s.references > 0) return;
  if (s.linked()) s.unlink();
  s.table->destroy(s);
}

}  // namespace structio::rt::stream
