// One buffer, grown by doubling, emptied from the front.
#include "stream/buffered.hpp"

#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/handle_table.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::stream {
namespace {

constexpr std::size_t first_room = 4096;

int no_memory() noexcept {
  return base::fail(STRUCTIO_ENOMEM, "no memory to read ahead");
}

std::size_t decode(const char* bytes, const frame_format& format) noexcept {
  std::uint64_t size = 0;
  for (unsigned i = 0; i < format.length_size; ++i) {
    const unsigned at = format.little_endian ? format.length_size - 1 - i : i;
    size = size << 8 | static_cast<unsigned char>(bytes[at]);
  }
  return size > SIZE_MAX ? SIZE_MAX : static_cast<std::size_t>(size);
}

}  // namespace

buffered::~buffered() {
  base::release(data_);
}

// Room for `size` bytes behind what is there.
bool buffered::make_room(std::size_t size) noexcept {
  if (room_ - end_ >= size) return true;
  const std::size_t held = available();
  if (size > SIZE_MAX / 4 || held > SIZE_MAX / 4) return false;
  // Moving to the front is paid for by what was consumed there.
  if (begin_ >= held && room_ - held >= size) {
    std::memmove(data_, data_ + begin_, held);
  } else {
    std::size_t room = room_ ? room_ : first_room;
    while (room - held < size) room *= 2;
    auto* grown = static_cast<char*>(base::allocate(room));
    if (!grown) return false;
    if (held > 0) std::memcpy(grown, data_ + begin_, held);
    base::release(data_);
    data_ = grown;
    room_ = room;
  }
  begin_ = 0;
  end_ = held;
  return true;
}

// What the stream has, at least one byte: as much as there is room for, which is `wanted` or more.
// 0 at its end.
std::int64_t buffered::receive_more(runtime& run, std::size_t wanted) noexcept {
  if (!source) return taken_out(run);
  if (!make_room(wanted < first_room ? first_room : wanted)) {
    const int code = settled(run);
    return code < 0 ? code : no_memory();
  }
  const std::int64_t got = stream::receive_some(run, *source, data_ + end_, room_ - end_);
  if (got > 0) end_ += static_cast<std::size_t>(got);
  return got;
}

// For what was there without a wait.
int buffered::settled(runtime& run) noexcept {
  if (const int code = cancel_check(run)) return code;
  give_way(run);
  return 0;
}

int buffered::taken_out(runtime& run) noexcept {
  if (const int code = settled(run)) return code;
  return base::fail(STRUCTIO_ECLOSED, "the stream has been taken out of its buffer");
}

int buffered::end_reached(const char* what) noexcept {
  if (available() == 0) return 0;
  return base::fail(STRUCTIO_EINCOMPLETE, "the stream ended in the middle of %s, after %zu bytes",
                    what, available());
}

int buffered::fill(runtime& run, std::size_t size, view& out) noexcept {
  if (available() >= size) {
    if (const int code = settled(run)) return code;
  }
  while (available() < size) {
    const std::int64_t got = receive_more(run, size - available());
    if (got < 0) return static_cast<int>(got);
    if (got == 0) break;
  }
  out = rest();
  return available() > 0 || size == 0;
}

int buffered::exactly(runtime& run, std::size_t size, view& out) noexcept {
  view all;
  const int code = fill(run, size, all);
  if (code < 0) return code;
  if (all.size < size) return end_reached("so many bytes");
  out = {all.data, size};
  consume(size);
  return 1;
}

// Where the delimiter begins, from begin_. 1, 0 at the end without one, a negative code.
int buffered::find(runtime& run, view delimiter, std::size_t& at) noexcept {
  // What a search for the same byte has looked at, before it was cancelled, need not be looked at
  // again. Longer delimiters would have to be kept to be compared.
  const bool same = delimiter.size == 1 && last_size_ == 1 && last_delimiter_ == delimiter.data[0];
  if (!same) searched_ = 0;
  last_delimiter_ = delimiter.data[0];
  last_size_ = delimiter.size;
  bool first = true;
  for (;; first = false) {
    const std::size_t held = available();
    const char* base = data_ + begin_;
    at = std::string_view(base, held).find({delimiter.data, delimiter.size}, searched_);
    if (at != std::string_view::npos) {
      if (at > limit) break;
      if (!first) return 1;
      const int code = settled(run);
      return code < 0 ? code : 1;
    }
    if (held >= delimiter.size) searched_ = held - delimiter.size + 1;
    if (searched_ > limit) break;
    const std::int64_t got = receive_more(run, 1);
    if (got <= 0) return static_cast<int>(got);
  }
  if (first) {
    if (const int code = settled(run)) return code;
  }
  return base::fail(STRUCTIO_ELIMIT, "no delimiter within %zu bytes", limit);
}

int buffered::until(runtime& run, view delimiter, view& out) noexcept {
  std::size_t at = 0;
  const int code = find(run, delimiter, at);
  if (code < 0) return code;
  if (code == 0) return end_reached("what a delimiter should have ended");
  out = {data_ + begin_, at};
  consume(at + delimiter.size);
  return 1;
}

int buffered::line(runtime& run, view& out) noexcept {
  std::size_t at = 0;
  const int code = find(run, {"\n", 1}, at);
  if (code < 0) return code;
  if (code == 0) {
    // The last line may do without its end.
    if (available() == 0) return 0;
    at = available();
  }
  out = {data_ + begin_, at};
  consume(code == 0 ? at : at + 1);
  if (code > 0 && out.size > 0 && out.data[out.size - 1] == '\r') --out.size;
  return 1;
}

int buffered::frame(runtime& run, const frame_format& format, view& out) noexcept {
  view all;
  int code = fill(run, format.length_size, all);
  if (code <= 0) return code;
  if (all.size < format.length_size) return end_reached("the length of a frame");
  const std::size_t size = decode(all.data, format);
  if (size > format.limit || size > SIZE_MAX - format.length_size) {
    return base::fail(STRUCTIO_ELIMIT, "a frame of %zu bytes, and %zu are allowed", size,
                      format.limit);
  }
  code = fill(run, format.length_size + size, all);
  if (code < 0) return code;
  if (all.size < format.length_size + size) return end_reached("a frame");
  out = {all.data + format.length_size, size};
  consume(format.length_size + size);
  return 1;
}

std::int64_t buffered::receive_some(runtime& run, void* buffer, std::size_t size) noexcept {
  if (available() == 0) {
    if (!source) return taken_out(run);
    return stream::receive_some(run, *source, buffer, size);  // nothing to gain by copying
  }
  if (const int code = settled(run)) return code;
  const std::size_t taken = size < available() ? size : available();
  std::memcpy(buffer, data_ + begin_, taken);
  consume(taken);
  return static_cast<std::int64_t>(taken);
}

void buffered::consume(std::size_t size) noexcept {
  begin_ += size;
  searched_ = 0;
}

bool buffered::unread(const void* bytes, std::size_t size) noexcept {
  searched_ = 0;
  if (size == 0) return true;
  if (begin_ < size) {
    const std::size_t held = available();
    if (size > SIZE_MAX / 8 || held > SIZE_MAX / 8) return false;
    // Room in front for as much again, so that many small pieces are moved once each.
    const std::size_t front = size + held + first_room;
    auto* grown = static_cast<char*>(base::allocate(front + size + held + first_room));
    if (!grown) return false;
    std::memcpy(grown + front, bytes, size);  // they may lie in what is freed
    if (held > 0) std::memcpy(grown + front + size, data_ + begin_, held);
    base::release(data_);
    data_ = grown;
    room_ = front + size + held + first_room;
    begin_ = front;
    end_ = front + size + held;
    return true;
  }
  begin_ -= size;
  std::memmove(data_ + begin_, bytes, size);
  return true;
}

buffered* buffered_make(runtime& run, byte_stream& source, bool owns) noexcept {
  auto* b = base::make<buffered>();
  if (b) b->handle = base::handle_make(base::handle_kind::buffered, b);
  if (!b || !b->handle) {
    base::destroy(b);
    no_memory();
    return nullptr;
  }
  b->rt = &run;
  b->orphan = [](run_object&) noexcept {};  // the stream is closed by itself
  run.objects.push_back(*b);
  b->source = &source;
  b->owns_source = owns;
  ++source.references;
  return b;
}

void* detach(buffered& b) noexcept {
  byte_stream* source = std::exchange(b.source, nullptr);
  if (!source) return nullptr;
  void* handle = source->handle;
  const bool is_there = base::handle_object(base::handle_kind::stream, handle) == source;
  release(*source);
  return is_there ? handle : nullptr;
}

void free(buffered& b) noexcept {
  base::handle_drop(base::handle_kind::buffered, b.handle);
  b.freed = true;
  end_call(b.calling, b.rt ? b.rt->current : nullptr, "the buffer was freed");
  byte_stream* source = b.source;
  const bool owned = b.owns_source && source;
  if (owned) free(*source);
  detach(b);
  release(b);
}

void release(buffered& b) noexcept {
  if (--b.references > 0) return;
  if (b.linked()) b.unlink();
  base::destroy(&b);
}

}  // namespace structio::rt::stream
