// Child processes.
#include <structio/structio_process.h>

#include "object.hpp"
#include "process/process.hpp"
#include "process_options.hpp"

using namespace structio;
using namespace structio::capi;
namespace process = structio::rt::process;
namespace stream = structio::rt::stream;

namespace {

found<process::child> child_in(structio_process* h, const char* call, bool task) noexcept {
  return find<process::child>(base::handle_kind::process, h, call, task);
}

int tell_ending(const process::child& c, structio_process_ending* out, const char* call) noexcept {
  if (!out) return 0;
  structio_process_ending all{};
  all.exit_status = c.ending.exit_status;
  all.signal = c.ending.signal;
  all.core_dumped = c.ending.core_dumped ? 1 : 0;
  all.unknown = c.ending.unknown ? 1 : 0;
  return tell(all, out, call);
}

int spawn(const structio_process_options* given, const char* command, bool shell,
          structio_process** out, const char* call) noexcept {
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  process_request request;
  if (const int code = read_process(given, command, shell, call, request)) return code;
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  process::child* c = nullptr;
  if (const int code = process::spawn(*r, request.options, c)) return code;
  *out = static_cast<structio_process*>(c->handle);
  return 0;
}

structio_stream* pipe(structio_process* handle, int number, const char* call,
                      bool take = false) noexcept {
  static constexpr const char* names[] = {"standard input", "standard output", "standard error"};
  auto* c = capi::handle<process::child>(base::handle_kind::process, handle, call);
  if (!c) return nullptr;
  if (c->rt && c->rt != rt::current_runtime()) {
    if (in_run(call)) other_run(call);
    return nullptr;
  }
  if (const stream::byte_stream* s = process::pipe_of(*c, number)) {
    if (take) c->pipes[number] = nullptr;
    return static_cast<structio_stream*>(s->handle);
  }
  fail(STRUCTIO_EABSENT,
       c->pipes[number] ? "%s: the stream was freed"
                        : "%s: the %s of the child is no pipe: ask for one when it is started",
       call, names[number]);
  return nullptr;
}

}  // namespace

int structio_process_spawn(const structio_process_options* options, structio_process** out) {
  return spawn(options, nullptr, false, out, "structio_process_spawn");
}

int structio_process_spawn_shell(const char* command, const structio_process_options* options,
                                 structio_process** out) {
  return spawn(options, command, true, out, "structio_process_spawn_shell");
}

int structio_process_free(structio_process* handle) {
  constexpr const char* call = "structio_process_free";
  if (!handle) return 0;
  auto* c = capi::handle<process::child>(base::handle_kind::process, handle, call);
  if (!c || !may_free(*c, call)) return refused();
  process::dispose(*c);
  return 0;
}

int structio_process_wait(structio_process* handle, structio_process_ending* out) {
  constexpr const char* call = "structio_process_wait";
  const auto c = child_in(handle, call, true);
  if (!c.object || !options_fit(out, call)) return refused();
  process::keep held(*c.object);
  if (const int code = process::wait(*c.run, *c.object)) return code;
  return tell_ending(*c.object, out, call);
}

int structio_process_poll(structio_process* handle, structio_process_ending* out) {
  constexpr const char* call = "structio_process_poll";
  auto* c = capi::handle<process::child>(base::handle_kind::process, handle, call);
  if (!c || !options_fit(out, call)) return refused();
  // How it has ended can be asked for after the run, and only then elsewhere.
  if (c->rt && c->rt != rt::current_runtime()) {
    return in_run(call) ? other_run(call) : refused();
  }
  if (!process::poll(*c)) return 0;
  const int code = tell_ending(*c, out, call);
  return code < 0 ? code : 1;
}

int structio_process_pid(structio_process* handle, int64_t* out) {
  constexpr const char* call = "structio_process_pid";
  if (!out) return null_argument(call, "out");
  const auto* c = capi::handle<process::child>(base::handle_kind::process, handle, call);
  if (!c) return refused();
  *out = c->pid;
  return 0;
}

int structio_process_kill(structio_process* handle, int signum) {
  const auto c = child_in(handle, "structio_process_kill", false);
  return c.object ? process::send_signal(*c.object, signum) : refused();
}

int structio_process_terminate(structio_process* handle) {
  const auto c = child_in(handle, "structio_process_terminate", false);
  return c.object ? process::send_signal(*c.object, process::signal_terminate) : refused();
}

structio_stream* structio_process_stdin(structio_process* handle) {
  return pipe(handle, 0, "structio_process_stdin");
}
structio_stream* structio_process_stdout(structio_process* handle) {
  return pipe(handle, 1, "structio_process_stdout");
}
structio_stream* structio_process_stderr(structio_process* handle) {
  return pipe(handle, 2, "structio_process_stderr");
}

int structio_process_detach(structio_process* handle, int32_t number, structio_stream** out) {
  constexpr const char* call = "structio_process_detach";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (number < 0 || number > 2) {
    return fail(STRUCTIO_EINVALID, "%s: %d is none of 0, 1 and 2", call, static_cast<int>(number));
  }
  *out = pipe(handle, number, call, true);
  return *out ? 0 : refused();
}
