// Child processes from start to end.
#include "process/run_process.hpp"
#include "base/memory.hpp"

#include <structio/structio_process.h>

#include <cstddef>

#include "process_options.hpp"

using namespace structio;
using namespace structio::capi;
namespace process = structio::rt::process;

namespace {

/// Nothing of it may move: it points to itself.
struct run_options {
  process_request child;
  process::run_request run;
};

int read_capture(const structio_run_process_options& options, const char* call,
                 run_options& to) noexcept {
  using kind = process::stdio_kind;
  if (options.capture_out && !to.child.out_default) {
    return fail(STRUCTIO_EINVALID, "%s: the output is captured, so out cannot go elsewhere", call);
  }
  if (options.capture_err && !to.child.err_default) {
    return fail(STRUCTIO_EINVALID, "%s: the error output is captured, so err cannot go elsewhere",
                call);
  }
  if (options.input && !to.child.in_default) {
    return fail(STRUCTIO_EINVALID, "%s: there is input, so in cannot come from elsewhere", call);
  }
  for (const auto& one : to.child.options.stdio) {
    if (one.kind != kind::pipe || options.announce) continue;
    return fail(
        STRUCTIO_EINVALID,
        "%s: nobody could use a pipe while the call lasts: capture, give input, or announce "
        "the process to who starts it",
        call);
  }
  return 0;
}

int read_run(const structio_run_process_options* given, const char* command, bool shell,
             const char* call, run_options& to) noexcept {
  if (!given) return null_argument(call, "options");
  if (!options_fit(given, call)) return refused();
  const structio_run_process_options options = whole(given);
  if (!options.process && !shell) return null_argument(call, "process");
  if (const int code = read_process(options.process, command, shell, call, to.child)) return code;
  if (!options.input && options.input_size > 0) return null_argument(call, "input");
  if (options.grace < 0) return fail(STRUCTIO_EINVALID, "%s: the grace is negative", call);
  if (const int code = read_capture(options, call, to)) return code;
  to.run.child = to.child.options;
  if (to.child.in_default) to.run.child.stdio[0].kind = process::stdio_kind::null_device;
  to.run.input = static_cast<const char*>(options.input);
  to.run.input_size = options.input_size;
  to.run.capture[0] = options.capture_out != 0;
  to.run.capture[1] = options.capture_err != 0;
  to.run.check = options.check != 0;
  to.run.announce = options.announce != 0;
  to.run.capture_limit = options.capture_limit;
  to.run.grace = options.grace;
  to.run.deliver_cancel = options.deliver_cancel;
  to.run.deliver_cancel_arg = options.deliver_cancel_arg;
  return 0;
}

int result_fits(const structio_process_result* result, const char* call) noexcept {
  if (!result || result->struct_size >= sizeof *result) return 0;
  return fail(STRUCTIO_EINVALID, "%s: set struct_size of the result to its sizeof", call);
}

void hand_over(process::run_result& from, structio_process_result* to) noexcept {
  if (!to) return process::result_free(from);
  to->exit_status = from.ending.exit_status;
  to->signal = from.ending.signal;
  to->core_dumped = from.ending.core_dumped ? 1 : 0;
  to->unknown = from.ending.unknown ? 1 : 0;
  to->out = from.outputs[0].data;
  to->out_size = from.outputs[0].size;
  to->err = from.outputs[1].data;
  to->err_size = from.outputs[1].size;
}

int run(const structio_run_process_options* given, const char* command, bool shell,
        structio_process_result* result, const char* call) noexcept {
  if (result_fits(result, call)) return refused();
  process::run_result came;
  hand_over(came, result);
  run_options options;
  if (const int code = read_run(given, command, shell, call, options)) return code;
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  const int status = process::run_process(*r, options.run, came);
  hand_over(came, result);
  return status;
}

}  // namespace

int structio_run_process(const structio_run_process_options* options,
                         structio_process_result* result) {
  return run(options, nullptr, false, result, "structio_run_process");
}

int structio_run_shell(const char* command, const structio_run_process_options* options,
                       structio_process_result* result) {
  return run(options, command, true, result, "structio_run_shell");
}

int structio_run_pipeline(const structio_run_process_options* first,
                          const structio_run_process_options* second,
                          structio_process_result* first_result,
                          structio_process_result* second_result) {
  constexpr const char* call = "structio_run_pipeline";
  if (result_fits(first_result, call) || result_fits(second_result, call)) return refused();
  process::run_result came[2];
  hand_over(came[0], first_result);
  hand_over(came[1], second_result);
  run_options a, b;
  if (const int code = read_run(first, nullptr, false, call, a)) return code;
  if (const int code = read_run(second, nullptr, false, call, b)) return code;
  if (!a.child.out_default || a.run.capture[0] || !b.child.in_default || b.run.input) {
    return fail(STRUCTIO_EINVALID,
                "%s: the output of the first and the input of the second are the pipe between them",
                call);
  }
  if (a.run.announce || b.run.announce) {
    return fail(STRUCTIO_EINVALID, "%s: two processes cannot be announced", call);
  }
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  const int status = process::run_pipeline(*r, a.run, b.run, came[0], came[1]);
  hand_over(came[0], first_result);
  hand_over(came[1], second_result);
  return status;
}

void structio_process_result_free(structio_process_result* result) {
  if (!result || result_fits(result, "structio_process_result_free")) return;
  base::release(result->out);
  base::release(result->err);
  const size_t size = result->struct_size;
  *result = structio_process_result{};
  result->struct_size = size;
}
