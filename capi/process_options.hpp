// The options of a child process, read and checked: shared by the files of the C ABI that start
// children.
#pragma once

#include <structio/structio_process.h>

#include <climits>

#include "check.hpp"
#include "process/process.hpp"

namespace structio::capi {

struct process_request {
  rt::process::spawn_options options;
  /// What begins with '-' is a command behind "--", and else an option.
  const char* shell[5] = {"/bin/sh", "-c", "--", nullptr, nullptr};
  bool in_default = false;  ///< and the next: left at the default
  bool out_default = false;
  bool err_default = false;
};

inline int read_stdio(const structio_stdio& from, int number, const char* call,
                      rt::process::stdio_request& to) noexcept {
  using kind = rt::process::stdio_kind;
  static constexpr const char* names[] = {"in", "out", "err"};
  static constexpr kind kinds[] = {kind::inherit,    kind::inherit,     kind::null_device,
                                   kind::pipe,       kind::descriptor,  kind::read_file,
                                   kind::write_file, kind::append_file, kind::as_stdout};
  if (from.kind > STRUCTIO_STDIO_STDOUT) {
    return fail(STRUCTIO_EINVALID, "%s: the kind of %s is none of enum structio_stdio_kind", call,
                names[number]);
  }
  to.kind = kinds[from.kind];
  if (to.kind == kind::as_stdout && number != 2) {
    return fail(STRUCTIO_EINVALID, "%s: only err can be the same as out, not %s", call,
                names[number]);
  }
  if (to.kind == kind::descriptor) {
    if (from.descriptor < 0 || from.descriptor > INT_MAX) {
      return fail(STRUCTIO_EINVALID, "%s: the descriptor of %s is out of range", call,
                  names[number]);
    }
    to.descriptor = static_cast<int>(from.descriptor);
  }
  const bool file =
      to.kind == kind::read_file || to.kind == kind::write_file || to.kind == kind::append_file;
  if (file && (!from.path || !*from.path)) {
    return fail(STRUCTIO_EINVALID, "%s: the path of %s is missing", call, names[number]);
  }
  to.path = file ? from.path : nullptr;
  return 0;
}

inline int read_inherit(const structio_process_options& from, const char* call,
                        rt::process::spawn_options& to) noexcept {
  if (from.inherit_count > 0 && !from.inherit) return null_argument(call, "inherit");
  for (size_t i = 0; i < from.inherit_count; ++i) {
    if (from.inherit[i] >= 3 && from.inherit[i] <= INT_MAX) continue;
    return fail(STRUCTIO_EINVALID, "%s: inherit has descriptors from 3 on, not %lld", call,
                static_cast<long long>(from.inherit[i]));
  }
  to.inherit = from.inherit;
  to.inherit_count = from.inherit_count;
  return 0;
}

/// `to` points to itself, and to what the caller has: do not copy it.
inline int read_process(const structio_process_options* given, const char* command, bool shell,
                        const char* call, process_request& to) noexcept {
  if (!options_fit(given, call)) return refused();
  const structio_process_options options = whole(given);
  if (shell) {
    if (!command) return null_argument(call, "command");
    if (options.argv) {
      return fail(STRUCTIO_EINVALID, "%s: give a command for the shell or argv, not both", call);
    }
    to.shell[3] = command;
    to.options.argv = to.shell;
  } else {
    if (!options.argv || !options.argv[0]) return null_argument(call, "argv");
    if (!*options.argv[0]) return fail(STRUCTIO_EINVALID, "%s: argv[0] is empty", call);
    to.options.argv = options.argv;
  }
  to.options.env = options.env;
  to.options.extra_env = options.extra_env;
  to.options.cwd = options.cwd;
  if (const int code = read_inherit(options, call, to.options)) return code;
  to.options.new_group = options.new_group != 0;
  to.options.new_session = options.new_session != 0;
  to.in_default = options.in.kind == STRUCTIO_STDIO_DEFAULT;
  to.out_default = options.out.kind == STRUCTIO_STDIO_DEFAULT;
  to.err_default = options.err.kind == STRUCTIO_STDIO_DEFAULT;
  int code = read_stdio(options.in, 0, call, to.options.stdio[0]);
  if (code == 0) code = read_stdio(options.out, 1, call, to.options.stdio[1]);
  if (code == 0) code = read_stdio(options.err, 2, call, to.options.stdio[2]);
  return code;
}

}  // namespace structio::capi
