// A file as a byte stream: what is received and sent goes through its position.
#include <utility>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "fs/file.hpp"
#include "stream/stream.hpp"

namespace structio::rt::fs {
namespace {

struct file_stream : stream::byte_stream {
  file* of = nullptr;  ///< null once closed
};

file_stream& stream_of(stream::byte_stream& s) noexcept {
  return static_cast<file_stream&>(s);
}

// The file may be closed by its own handle.
std::int64_t as_stream(std::int64_t result) noexcept {
  return result == STRUCTIO_ECLOSED ? stream::closed() : result;
}

std::int64_t receive(runtime& rt, stream::byte_stream& b, void* buffer, std::size_t size) noexcept {
  return as_stream(read(rt, *stream_of(b).of, buffer, size, -1, "structio_stream_receive_some"));
}

int send(runtime& rt, stream::byte_stream& b, const void* data, std::size_t size) noexcept {
  constexpr const char* call = "structio_stream_send_all";
  const char* rest = static_cast<const char*>(data);
  do {
    file* f = stream_of(b).of;
    if (!f) return stream::closed();
    const std::int64_t done = write(rt, *f, rest, size, -1, call);
    if (done < 0) return static_cast<int>(as_stream(done));
    rest += done;
    size -= static_cast<std::size_t>(done);
  } while (size > 0);
  return 0;
}

int wait_send(runtime& rt, stream::byte_stream&) noexcept {
  give_way(rt);
  return 0;
}

int close_stream(runtime& rt, stream::byte_stream& b) noexcept {
  file* f = stream_of(b).of;
  return f ? close_without_looking(rt, *f) : 0;
}

void shut_stream(stream::byte_stream& b) noexcept {
  file* f = std::exchange(stream_of(b).of, nullptr);
  leave(*f);
  release(*f);
}

constexpr stream::stream_table file_table = {
    .receive_some = receive,
    .send_all = send,
    .wait_send = wait_send,
    .close = close_stream,
    .shut = shut_stream,
    .destroy = [](stream::byte_stream& b) noexcept { base::destroy(&stream_of(b)); },
};

}  // namespace

int make_stream(runtime& rt, file& f, stream::byte_stream*& out) noexcept {
  constexpr const char* call = "structio_file_stream";
  out = nullptr;
  if (f.closed) return closed(call);
  auto* s = base::make<file_stream>();
  if (!s || !stream::enroll(rt, *s, file_table)) {
    base::destroy(s);
    return base::fail(STRUCTIO_ENOMEM, "%s: no memory for a stream", call);
  }
  s->of = &f;
  ++f.users;
  ++f.references;
  out = s;
  return 0;
}

}  // namespace structio::rt::fs
