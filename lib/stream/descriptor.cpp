// Streams from descriptors, and pairs of them.
#include "base/message.hpp"
#include "base/status.hpp"
#include "reactor/posix_descriptor.hpp"
#include "reactor/posix_socket.hpp"
#include "stream/os_stream.hpp"

namespace structio::rt::stream {
namespace {

os_kind kind_of(const reactor::descriptor_facts& facts) noexcept {
  if (facts.internet) return os_kind::tcp;
  if (facts.socket) return os_kind::local;
  if (facts.reads && facts.writes) return os_kind::both_ways;
  return facts.reads ? os_kind::pipe_in : os_kind::pipe_out;
}

reactor::stream_kind reactor_kind(const reactor::descriptor_facts& facts) noexcept {
  if (facts.internet) return reactor::stream_kind::tcp;
  return facts.terminal ? reactor::stream_kind::terminal : reactor::stream_kind::pipe;
}

int no_stream(int code, int descriptor) noexcept {
  if (code == STRUCTIO_ENOMEM) return base::fail(code, "no memory for a stream");
  const char* own = base::own_error_text(code);
  return base::fail(code, "descriptor %d cannot be a stream: %s", descriptor,
                    own ? own : reactor::os_error_text(code));
}

int open_as(runtime& rt, int descriptor, const reactor::descriptor_facts& facts,
            os_stream*& out) noexcept {
  os_stream* s = os_stream_make(rt, kind_of(facts));
  if (!s) return no_stream(STRUCTIO_ENOMEM, descriptor);
  const int code = reactor::stream_open(rt.kernel, descriptor, reactor_kind(facts), s->slot);
  if (code == 0) {
    out = s;
    return 0;
  }
  free(*s);
  return no_stream(code, descriptor);
}

// Both descriptors are taken over, or closed.
int adopt_both(runtime& rt, const int (&ends)[2], const reactor::descriptor_facts (&facts)[2],
               os_stream*& first, os_stream*& second) noexcept {
  int code = open_as(rt, ends[0], facts[0], first);
  if (code != 0) reactor::close_socket(ends[0]);
  if (code == 0) code = open_as(rt, ends[1], facts[1], second);
  if (code == 0) return 0;
  reactor::close_socket(ends[1]);
  if (first) free(*first);
  first = nullptr;
  return code;
}

}  // namespace

int open_descriptor(runtime& rt, int descriptor, os_stream*& out) noexcept {
  out = nullptr;
  reactor::descriptor_facts facts;
  int code = reactor::look_at(descriptor, facts);
  // libuv finds that out only while it waits for the other one.
  if (code == 0 && reactor::is_stream(rt.kernel, descriptor)) code = reactor::stream_already;
  return code == 0 ? open_as(rt, descriptor, facts, out) : no_stream(code, descriptor);
}

int adopt_descriptor(runtime& rt, int descriptor, os_stream*& out) noexcept {
  const int code = open_descriptor(rt, descriptor, out);
  if (code != 0) reactor::close_socket(descriptor);
  return code;
}

int open_pipe(runtime& rt, os_stream*& reading, os_stream*& writing) noexcept {
  reading = writing = nullptr;
  int ends[2];
  if (const int code = reactor::make_pipe(ends[0], ends[1])) {
    return base::fail(code, "cannot make a pipe: %s", reactor::os_error_text(code));
  }
  reactor::descriptor_facts facts[2];
  facts[0].reads = facts[1].writes = true;
  return adopt_both(rt, ends, facts, reading, writing);
}

int open_pair(runtime& rt, os_stream*& one, os_stream*& other) noexcept {
  one = other = nullptr;
  int ends[2];
  if (const int code = reactor::make_socket_pair(ends[0], ends[1])) {
    return base::fail(code, "cannot make a pair of sockets: %s", reactor::os_error_text(code));
  }
  reactor::descriptor_facts facts[2];
  for (auto& end : facts) end.reads = end.writes = end.socket = true;
  return adopt_both(rt, ends, facts, one, other);
}

}  // namespace structio::rt::stream
