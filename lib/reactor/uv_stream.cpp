// Byte streams. Reading is started once and left on: libuv asks for a buffer when data is there,
// and is given the waiting reader's own, or none, in which case the data stays in the kernel.
//
// Always true: a waiter is taken out of the slot before it is told, so that what it does in `done`
// (read again, close) meets a slot in order.
#include "reactor/uv_stream.hpp"

#include <cstring>

#include "base/status.hpp"
#include "reactor/posix_descriptor.hpp"
#include "reactor/uv_reactor_state.hpp"

namespace structio::reactor {
namespace {

stream_slot& slot_of(void* handle_or_request_data) noexcept {
  return *static_cast<stream_slot*>(handle_or_request_data);
}

void disarm(stream_slot& s) noexcept {
  if (!s.armed) return;
  s.armed = false;
  uv_read_stop(s.stream());
}

void give_buffer(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
  stream_slot& s = slot_of(handle->data);
  buffer->base = s.reader ? s.read_buffer : nullptr;
  buffer->len = s.reader ? s.read_size : 0;
}

void on_read(uv_stream_t* handle, ssize_t count, const uv_buf_t*) {
  stream_slot& s = slot_of(handle->data);
  uv_reactor::state& r = *s.home;
  if (count > 0) {
    s.served_turn = r.turn;
    s.spare_events = 0;
    r.complete(s.reader, count);
    return;
  }
  if (count == 0) return;  // no data after all
  if (count == UV_ENOBUFS && !s.reader) {
    // Not an error but our own answer: nobody wants the data now.
    if (r.worth_disarming(s.served_turn, s.spare_events)) disarm(s);
    return;
  }
  if (count == UV_EOF && !s.reader) {
    // A guess of libuv's, which takes a hang-up after a short read for the end. Terminals, packets
    // and what comes with descriptors are read piece by piece, so there may be more: the next
    // reader looks.
    disarm(s);
    return;
  }
  if (count == UV_EIO && s.kind == stream_kind::terminal &&
      is_terminal_master(static_cast<int>(file_descriptor(s)))) {
    count = UV_EOF;
  }
  s.read_end = static_cast<int>(count);
  disarm(s);
  r.complete(s.reader, count == UV_EOF ? 0 : count);
}

void on_connected(uv_connect_t* request, int status) {
  stream_slot& s = slot_of(request->data);
  s.home->complete(s.connector, status);
}

void on_written(uv_write_t* request, int status) {
  stream_slot& s = slot_of(request->data);
  s.home->give_back_chunk(s.chunk);
  s.chunk = nullptr;
  if (status < 0 && !s.writer) s.write_end = status;
  s.home->complete(s.writer, status);
}

void on_closed(uv_handle_t* handle) {
  stream_slot& s = slot_of(handle->data);
  STRUCTIO_ASSERT(!s.chunk);
  s.home->streams.give_back(s);
}

// The number where it is one of those that libuv does not close, else -1.
int standard_descriptor(const stream_slot& s) noexcept {
  const std::int64_t number = file_descriptor(s);
  return number >= 0 && number <= last_standard_descriptor ? static_cast<int>(number) : -1;
}

// A failed one is to be closed all the same.
int open_as(stream_slot& s, int descriptor) noexcept {
  uv_loop_t* loop = &s.home->loop;
  switch (s.kind) {
    case stream_kind::tcp: uv_tcp_init(loop, &s.tcp); return uv_tcp_open(&s.tcp, descriptor);
    case stream_kind::pipe: break;
    case stream_kind::terminal:
      // Opens the terminal once more where it can, so that who shares ours sees no change.
      if (const int status = uv_tty_init(loop, &s.tty, descriptor, 0)) {
        uv_pipe_init(loop, &s.pipe, 0);
        return status;
      }
      if (file_descriptor(s) != descriptor && descriptor > last_standard_descriptor) {
        close_socket(descriptor);
      }
      return 0;
  }
  uv_pipe_init(loop, &s.pipe, 0);
  return uv_pipe_open(&s.pipe, descriptor);
}

}  // namespace

int tcp_connect(uv_reactor& r, const sockaddr* address, const sockaddr* local, operation& op,
                stream_slot*& out) noexcept {
  out = nullptr;
  uv_reactor::state& home = r.inner();
  if (home.closing) return STRUCTIO_ECLOSED;
  if (address_size(*address) == 0) return UV_EAFNOSUPPORT;
  stream_slot* s = home.streams.take(home);
  if (!s) return STRUCTIO_ENOMEM;
  uv_tcp_init(&home.loop, &s->tcp);
  s->ours = true;
  s->handle.data = s->connect_request.data = s;
  int status = local ? uv_tcp_bind(&s->tcp, local, 0) : 0;
  if (status == 0) {
    status = uv_tcp_connect(&s->connect_request, &s->tcp, address, on_connected);
  }
  if (status < 0) {
    close(*s);
    return status;
  }
  home.expect(s->connector, op);
  out = s;
  return 0;
}

void connect_cancel(stream_slot& s) noexcept {
  s.home->forget(s.connector);
}

int adopt_descriptor(stream_slot& s, int descriptor) noexcept {
  const int status = open_as(s, descriptor);
  s.handle.data = &s;
  if (status == 0) return 0;
  s.was_blocking = false;
  close(s);
  return status;
}

const int stream_already = UV_EEXIST;

bool is_stream(uv_reactor& r, int descriptor) noexcept {
  bool found = false;
  r.inner().streams.for_each([&found, descriptor](const stream_slot& s) {
    if (!s.closing && file_descriptor(s) == descriptor) found = true;
  });
  return found;
}

int stream_open(uv_reactor& r, int descriptor, stream_kind kind, stream_slot*& out) noexcept {
  out = nullptr;
  uv_reactor::state& home = r.inner();
  if (home.closing) return STRUCTIO_ECLOSED;
  if (const int status = can_be_watched(descriptor)) return status;
  stream_slot* s = home.streams.take(home);
  if (!s) return STRUCTIO_ENOMEM;
  s->kind = kind;
  s->was_blocking = is_blocking(descriptor);
  const int status = adopt_descriptor(*s, descriptor);
  if (status == 0) out = s;
  return status;
}

int read_start(stream_slot& s, void* buffer, std::size_t size, operation& op) noexcept {
  STRUCTIO_ASSERT(size > 0);
  if (s.closing) return STRUCTIO_ECLOSED;
  if (s.reader) return STRUCTIO_EBUSY;
  if (s.read_end) return s.read_end == UV_EOF ? read_at_end : s.read_end;
  if (!s.armed) {
    const int status = uv_read_start(s.stream(), give_buffer, on_read);
    if (status < 0) return status;
    s.armed = true;
  }
  s.spare_events = 0;
  s.read_buffer = static_cast<char*>(buffer);
  s.read_size = size;
  s.home->expect(s.reader, op);
  return 0;
}

void read_cancel(stream_slot& s) noexcept {
  s.home->forget(s.reader);
}

std::int64_t try_write(stream_slot& s, const void* data, std::size_t size) noexcept {
  if (s.closing) return STRUCTIO_ECLOSED;
  if (s.write_end) return s.write_end;
  uv_buf_t buffer;
  buffer.base = static_cast<char*>(const_cast<void*>(data));
  buffer.len = size;
  return uv_try_write(s.stream(), &buffer, 1);
}

std::int64_t try_write_pieces(stream_slot& s, const write_piece* pieces,
                              std::size_t count) noexcept {
  STRUCTIO_ASSERT(count > 0 && count <= most_pieces);
  if (s.closing) return STRUCTIO_ECLOSED;
  if (s.write_end) return s.write_end;
  uv_buf_t buffers[most_pieces];
  for (std::size_t i = 0; i < count; ++i) {
    buffers[i].base = static_cast<char*>(const_cast<void*>(pieces[i].data));
    buffers[i].len = pieces[i].size;
  }
  return uv_try_write(s.stream(), buffers, static_cast<unsigned>(count));
}

std::int64_t write_start(stream_slot& s, const void* data, std::size_t size,
                         operation& op) noexcept {
  if (s.closing) return STRUCTIO_ECLOSED;
  if (s.writer) return STRUCTIO_EBUSY;
  if (s.write_end) return s.write_end;
  if (s.chunk) {
    s.home->expect(s.writer, op);
    return 0;
  }
  STRUCTIO_ASSERT(size > 0);
  const std::size_t taken = size < chunk_size ? size : chunk_size;
  void* chunk = s.home->take_chunk();
  if (!chunk) return STRUCTIO_ENOMEM;
  std::memcpy(chunk, data, taken);
  uv_buf_t buffer;
  buffer.base = static_cast<char*>(chunk);
  buffer.len = taken;
  s.write_request.data = &s;
  const int status = uv_write(&s.write_request, s.stream(), &buffer, 1, on_written);
  if (status < 0) {
    s.home->give_back_chunk(chunk);
    return status;
  }
  s.chunk = chunk;
  s.home->expect(s.writer, op);
  return static_cast<std::int64_t>(taken);
}

void write_cancel(stream_slot& s) noexcept {
  s.home->forget(s.writer);
}

bool is_writing(const stream_slot& s) noexcept {
  return s.chunk != nullptr;
}

int end_sending(stream_slot& s) noexcept {
  if (s.closing) return STRUCTIO_ECLOSED;
  if (s.write_end) return s.write_end;
  if (s.chunk) return UV_EAGAIN;
  // Not by uv_shutdown, which waits for room in the kernel although the end needs none.
  return end_of_sending(static_cast<int>(file_descriptor(s)));
}

void close(stream_slot& s) noexcept {
  if (s.closing) return;
  s.closing = true;
  uv_reactor::state& r = *s.home;
  r.complete(s.connector, STRUCTIO_ECLOSED);
  r.complete(s.reader, STRUCTIO_ECLOSED);
  r.complete(s.writer, STRUCTIO_ECLOSED);
  if (s.kind == stream_kind::terminal) terminal_set_raw(s, false);
  if (s.was_blocking) make_blocking(static_cast<int>(file_descriptor(s)));
  const int left_open = s.ours ? standard_descriptor(s) : -1;
  uv_close(&s.handle, on_closed);
  if (left_open >= 0) close_socket(left_open);
}

int local_address(const stream_slot& s, sockaddr_storage& out) noexcept {
  return socket_address(static_cast<int>(file_descriptor(s)), out);
}

int peer_address_of(const stream_slot& s, sockaddr_storage& out) noexcept {
  return socket_peer(static_cast<int>(file_descriptor(s)), out);
}

int set_nodelay(stream_slot& s, bool on) noexcept {
  return s.kind == stream_kind::tcp ? uv_tcp_nodelay(&s.tcp, on ? 1 : 0) : UV_ENOTSUP;
}

int terminal_size(stream_slot& s, int& columns, int& rows) noexcept {
  if (s.kind != stream_kind::terminal) return UV_ENOTTY;
  return uv_tty_get_winsize(&s.tty, &columns, &rows);
}

int terminal_set_raw(stream_slot& s, bool on) noexcept {
  if (s.kind != stream_kind::terminal || s.handle.type != UV_TTY) return UV_ENOTTY;
  return uv_tty_set_mode(&s.tty, on ? UV_TTY_MODE_RAW : UV_TTY_MODE_NORMAL);
}

std::int64_t file_descriptor(const stream_slot& s) noexcept {
  uv_os_fd_t descriptor;
  const int status = uv_fileno(&s.handle, &descriptor);
  return status < 0 ? status : static_cast<std::int64_t>(descriptor);
}

}  // namespace structio::reactor
