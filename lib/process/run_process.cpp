// A nursery around a child: its transfers, the wait for its end, what came of it all.
#include "process/run_process.hpp"

#include <cstdlib>
#include <cstring>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "process/capture.hpp"
#include "process/make_end.hpp"
#include "runtime/failure.hpp"
#include "runtime/nursery.hpp"

namespace structio::rt::process {

bool has_failed(const child_ending& e) noexcept {
  return e.exit_status != 0 || e.signal != 0;
}

namespace {

// The end of what was written, without the white space around it.
struct tail {
  const char* text;
  int size;
};
tail tail_of(const captured& from) noexcept {
  constexpr std::size_t most = 160;
  std::size_t end = from.size;
  while (end > 0 && std::strchr(" \t\r\n", from.data[end - 1])) --end;
  std::size_t begin = end > most ? end - most : 0;
  if (begin > 0) {  // from the beginning of a line, if there is one
    const void* line = std::memchr(from.data + begin, '\n', end - begin);
    if (line) begin = static_cast<std::size_t>(static_cast<const char*>(line) - from.data) + 1;
  }
  return {from.data ? from.data + begin : "", static_cast<int>(end - begin)};
}

}  // namespace

int child_failed(const char* name, const run_result& result) noexcept {
  const tail last = tail_of(result.outputs[1].data ? result.outputs[1] : result.outputs[0]);
  const char* colon = last.size > 0 ? ": " : "";
  if (result.ending.signal == 0) {
    return base::fail(STRUCTIO_EPROCESS, "%s exited with status %d%s%.*s", name,
                      result.ending.exit_status, colon, last.size, last.text);
  }
  return base::fail(STRUCTIO_EPROCESS, "%s was killed by signal %d (%s)%s%.*s", name,
                    result.ending.signal, strsignal(result.ending.signal), colon, last.size,
                    last.text);
}

namespace {

// With the children of the nursery under way: until the child has ended.
int see_through(runtime& rt, transfers& t, scope& around) noexcept {
  child& c = *t.of;
  int status = begin_transfers(t);
  if (status == 0 && t.request->announce) status = task_started(rt, c.handle);
  if (status == 0) status = wait(rt, c);
  if (status < 0) make_end(rt, c, *t.request, *t.home, around);
  if (status != STRUCTIO_ECLOSED) return status;
  // Whoever has the object has freed it: that is told below.
  scope_cancel(t.home->around, cancel_source::explicit_call, rt.current, "the process was freed");
  return 0;
}

int finish(runtime& rt, const transfers& t, int status, failure* f) noexcept {
  child& c = *t.of;
  t.result->ending = c.ending;
  if (!c.ended) t.result->ending.unknown = true;  // there was no way to wait for it
  failure_release(rt.current->in_flight);
  rt.current->in_flight = f;
  if (status < 0) return status;
  if (t.over_limit) {
    return base::fail(STRUCTIO_ELIMIT, "%s has written more than %zu bytes", c.name,
                      t.request->capture_limit);
  }
  if (c.freed) {
    return base::fail(STRUCTIO_ECLOSED, "%s was killed: its process object was freed", c.name);
  }
  if (t.request->check && has_failed(c.ending)) return child_failed(c.name, *t.result);
  return 0;
}

// The object is the starter's from then on; otherwise it is ours.
bool was_announced(runtime& rt, const run_request& request) noexcept {
  return request.announce && rt.current->has_started && !rt.current->starting;
}

}  // namespace

void result_free(run_result& result) noexcept {
  for (captured& one : result.outputs) {
    base::release(one.data);
    one = {};
  }
}

int run_process(runtime& rt, const run_request& request, run_result& result) noexcept {
  spawn_options child_options = request.child;
  if (request.input_size > 0) child_options.stdio[0].kind = stdio_kind::pipe;
  for (int i = 0; i < 2; ++i) {
    if (request.capture[i]) child_options.stdio[i + 1].kind = stdio_kind::pipe;
  }
  child* c = nullptr;
  const int spawned = spawn(rt, child_options, c);
  // The child has a copy: who holds on to ours never sees the end of a pipe.
  if (request.close_once_spawned) close_pipe_end(*request.close_once_spawned);
  if (spawned < 0) return spawned;
  const keep held(*c);
  nursery home;
  scope around;
  if (const int code = nursery_open(rt, home, nursery_kind::user)) {
    dispose(*c);
    return code;
  }
  transfers t{c, &request, &result, &home};
  int status = see_through(rt, t, around);
  failure* f = nullptr;
  const bool interrupted = status == STRUCTIO_EINTERRUPTED;
  status = nursery_close(home, status, f);
  if (interrupted) status = unwrap_only(status, f);
  status = finish(rt, t, status, f);
  scope_release(around);
  if (!c->freed && !was_announced(rt, request)) dispose(*c);
  return status;
}

}  // namespace structio::rt::process
