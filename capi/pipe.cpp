// Pipes, terminals and other descriptors as streams.
#include <structio/structio_pipe.h>

#include <climits>

#include "os_stream.hpp"

using namespace structio;
using namespace structio::capi;
namespace stream = structio::rt::stream;

namespace {

// A terminal that is open.
found<stream::os_stream> terminal_in(structio_stream* h, const char* call) noexcept {
  const auto s = os_stream_in(h, call);
  if (!s.object || s.object->slot) return s;
  closed(call);
  return {};
}

int no_terminal(int code, const char* call) noexcept {
  if (code == 0) return 0;
  return fail(STRUCTIO_EMISUSE, "%s: the stream is no terminal (%s)", call,
              reactor::os_error_text(code));
}

}  // namespace

int structio_pipe_open(structio_stream** reading, structio_stream** writing) {
  constexpr const char* call = "structio_pipe_open";
  if (reading) *reading = nullptr;
  if (writing) *writing = nullptr;
  if (!reading) return null_argument(call, "reading");
  if (!writing) return null_argument(call, "writing");
  rt::runtime* r = in_body(call);
  if (!r) return refused();
  stream::os_stream *in = nullptr, *out = nullptr;
  if (const int code = stream::open_pipe(*r, in, out)) return code;
  *reading = static_cast<structio_stream*>(in->handle);
  *writing = static_cast<structio_stream*>(out->handle);
  return 0;
}

int structio_stream_from_descriptor(int64_t descriptor, structio_stream** out) {
  constexpr const char* call = "structio_stream_from_descriptor";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (descriptor < 0 || descriptor > INT_MAX) {
    return fail(STRUCTIO_EINVALID, "%s: %lld is no descriptor", call,
                static_cast<long long>(descriptor));
  }
  rt::runtime* r = in_body(call);
  if (!r) return refused();
  stream::os_stream* s = nullptr;
  if (const int code = stream::open_descriptor(*r, static_cast<int>(descriptor), s)) return code;
  *out = static_cast<structio_stream*>(s->handle);
  return 0;
}

int structio_terminal_size(structio_stream* handle, int32_t* columns, int32_t* rows) {
  constexpr const char* call = "structio_terminal_size";
  const auto s = terminal_in(handle, call);
  if (!s.object) return refused();
  int width = 0, height = 0;
  const int code = reactor::terminal_size(*s.object->slot, width, height);
  if (code == 0 && columns) *columns = width;
  if (code == 0 && rows) *rows = height;
  return no_terminal(code, call);
}

int structio_terminal_set_raw(structio_stream* handle, int on) {
  constexpr const char* call = "structio_terminal_set_raw";
  const auto s = terminal_in(handle, call);
  if (!s.object) return refused();
  return no_terminal(reactor::terminal_set_raw(*s.object->slot, on != 0), call);
}
