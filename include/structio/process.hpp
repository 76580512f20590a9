// Child processes: starting programs and talking to them. Running one from start to end is in
// run_process.hpp.
//
//     auto child = structio::spawn_process({.argv = {"cat"}, .in = stdio::pipe(),
//                                           .out = stdio::pipe()});
//     child.in().send_all("hello");
//     child.in().close();                    // the end, for the child
//     auto ending = child.wait();
//
// Always true: a child never outlives its object, nor its run: one that lives then is killed. No
// other child of the program is ever waited for.
#pragma once

#include <structio/structio_process.h>
#include <structio/error.hpp>
#include <structio/stream.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {

namespace detail {
struct process_access;
}

/// What a child gets as its standard input, output or error.
class stdio {
 public:
  stdio() = default;  ///< inherited; for the input of run_process: nothing

  static stdio inherit() { return stdio(STRUCTIO_STDIO_INHERIT); }
  static stdio null() { return stdio(STRUCTIO_STDIO_NULL); }
  static stdio pipe() { return stdio(STRUCTIO_STDIO_PIPE); }
  /// Stays yours.
  static stdio descriptor(std::int64_t number) {
    stdio made(STRUCTIO_STDIO_DESCRIPTOR);
    made.descriptor_ = number;
    return made;
  }
  static stdio read_file(std::string path) {
    return stdio(STRUCTIO_STDIO_READ_FILE, std::move(path));
  }
  /// Made, or emptied.
  static stdio write_file(std::string path) {
    return stdio(STRUCTIO_STDIO_WRITE_FILE, std::move(path));
  }
  static stdio append_file(std::string path) {
    return stdio(STRUCTIO_STDIO_APPEND_FILE, std::move(path));
  }
  /// Of the error output: the same as the output, in the order in which both are written.
  static stdio to_stdout() { return stdio(STRUCTIO_STDIO_STDOUT); }

 private:
  friend struct detail::process_access;
  explicit stdio(std::uint32_t kind, std::string path = {}) : kind_(kind), path_(std::move(path)) {}

  std::uint32_t kind_ = STRUCTIO_STDIO_DEFAULT;
  std::int64_t descriptor_ = -1;
  std::string path_;
};

struct process_options {
  /// The program and its arguments. A name without a slash is looked up in the PATH of this
  /// program; one with a slash is relative to the child's folder.
  std::vector<std::string> argv = {};
  std::optional<std::vector<std::string>> env = std::nullopt;  ///< "NAME=value"; none: inherited
  std::vector<std::string> extra_env = {};  ///< "NAME=value" is set as well, "NAME" taken away
  std::string cwd = {};                     ///< the child's folder; empty: this program's
  stdio in = {};
  stdio out = {};
  stdio err = {};
  /// The child leads a process group of its own: signals of the terminal do not go to it, and those
  /// that are sent from here go to all of the group.
  bool new_group = false;
  bool new_session = false;                ///< as well, and it has no terminal
  std::vector<std::int64_t> inherit = {};  ///< descriptors, from 3 on, that the child has as well
};

/// How a child ended.
struct process_ending {
  int exit_status = 0;  ///< 0 when it was killed by a signal
  int signal = 0;       ///< 0: it exited by itself
  bool core_dumped = false;
  bool unknown = false;  ///< somebody else was told how; exit_status is 0

  bool success() const noexcept { return exit_status == 0 && signal == 0; }
  /// The exit status, or minus the signal.
  int returncode() const noexcept { return signal != 0 ? -signal : exit_status; }
  friend bool operator==(const process_ending&, const process_ending&) = default;
};

namespace detail {

struct process_access {
  static structio_stdio raw(const stdio& from) {
    return {from.kind_, 0, from.descriptor_,
            from.path_.empty() ? nullptr : without_zeros(from.path_, "a path").c_str()};
  }
};

/// The options as the C ABI has them; valid as long as those and this live.
class raw_process_options {
 public:
  explicit raw_process_options(const process_options& from) {
    for (const auto& one : from.argv) argv_.push_back(without_zeros(one).c_str());
    argv_.push_back(nullptr);
    raw_.struct_size = sizeof raw_;
    if (!from.argv.empty()) raw_.argv = argv_.data();
    if (from.env) {
      for (const auto& one : *from.env) env_.push_back(without_zeros(one).c_str());
      env_.push_back(nullptr);
      raw_.env = env_.data();
    }
    if (!from.extra_env.empty()) {
      for (const auto& one : from.extra_env) extra_env_.push_back(without_zeros(one).c_str());
      extra_env_.push_back(nullptr);
      raw_.extra_env = extra_env_.data();
    }
    if (!from.cwd.empty()) raw_.cwd = without_zeros(from.cwd).c_str();
    raw_.in = process_access::raw(from.in);
    raw_.out = process_access::raw(from.out);
    raw_.err = process_access::raw(from.err);
    raw_.new_group = from.new_group ? 1 : 0;
    raw_.new_session = from.new_session ? 1 : 0;
    raw_.inherit = from.inherit.data();
    raw_.inherit_count = from.inherit.size();
  }
  raw_process_options(const raw_process_options&) = delete;
  raw_process_options& operator=(const raw_process_options&) = delete;

  const structio_process_options* get() const noexcept { return &raw_; }

 private:
  std::vector<const char*> argv_;
  std::vector<const char*> env_;
  std::vector<const char*> extra_env_;
  structio_process_options raw_{};
};

inline process_ending to_face(const structio_process_ending& raw) noexcept {
  return {raw.exit_status, raw.signal, raw.core_dumped != 0, raw.unknown != 0};
}

/// One half of a process's pipes, for stapling.
class stream_ref {
 public:
  explicit stream_ref(any_stream& to) noexcept : to_(&to) {}
  std::size_t receive_some(std::span<std::byte> buffer) { return to_->receive_some(buffer); }
  void send_all(std::span<const std::byte> data) { to_->send_all(data); }
  void wait_send_might_not_block() { to_->wait_send_might_not_block(); }
  void close() { to_->close(); }

 private:
  any_stream* to_;
};

}  // namespace detail

/// A child that somebody else owns.
class process_ref {
 public:
  explicit process_ref(structio_process* raw) noexcept : raw_(raw) {}

  /// Waits until it has ended; at once when it has before. Any number of tasks may wait.
  /// Checkpoint. Cancelled: nothing has happened, the child goes on. Throws `cancelled`,
  /// closed_error.
  process_ending wait() const {
    structio_process_ending raw{};
    raw.struct_size = sizeof raw;
    detail::blocking([&] { return structio_process_wait(raw_, &raw); });
    return detail::to_face(raw);
  }

  /// How it ended; nothing while it lives.
  std::optional<process_ending> poll() const {
    structio_process_ending raw{};
    raw.struct_size = sizeof raw;
    if (detail::check(structio_process_poll(raw_, &raw)) == 0) return std::nullopt;
    return detail::to_face(raw);
  }

  std::int64_t pid() const {
    std::int64_t number = -1;
    detail::check(structio_process_pid(raw_, &number));
    return number;
  }

  /// Sends a signal; false: it has ended, and nothing was sent. Throws error (no such signal, not
  /// allowed).
  bool send_signal(int signum) const {
    return detail::check(structio_process_kill(raw_, signum)) == 1;
  }
  /// SIGTERM.
  bool terminate() const { return detail::check(structio_process_terminate(raw_)) == 1; }
  /// SIGKILL, which no program can ignore.
  bool kill() const { return send_signal(9); }

  structio_process* native() const noexcept { return raw_; }

 protected:
  structio_process* raw_;
};

/// A child. Movable. Destroying it kills the child, if it lives, without waiting.
class process : public process_ref {
 public:
  /// Takes over a handle.
  explicit process(structio_process* raw)
      : process_ref(raw),
        in_(structio_process_stdin(raw)),
        out_(structio_process_stdout(raw)),
        err_(structio_process_stderr(raw)) {}
  process(process&& other) noexcept
      : process_ref(std::exchange(other.raw_, nullptr)),
        in_(std::move(other.in_)),
        out_(std::move(other.out_)),
        err_(std::move(other.err_)) {}
  /// Kills what it held.
  process& operator=(process&& other) noexcept {
    process taken(std::move(other));  // goes with what was here before
    std::swap(raw_, taken.raw_);
    std::swap(in_, taken.in_);
    std::swap(out_, taken.out_);
    std::swap(err_, taken.err_);
    return *this;
  }
  ~process() { structio_process_free(raw_); }

  bool has_in() const noexcept { return in_.native() != nullptr; }
  bool has_out() const noexcept { return out_.native() != nullptr; }
  bool has_err() const noexcept { return err_.native() != nullptr; }

  /// The other ends of its pipes: sending goes to its input, whose end is a close; the others are
  /// received from. Each throws absent_error when it was not started with that pipe.
  any_stream& in() { return need(in_, "input"); }
  any_stream& out() { return need(out_, "output"); }
  any_stream& err() { return need(err_, "error output"); }

  /// Moves a stream out, which may then outlive the process. Throws as above.
  any_stream take_in() { return take(in_, 0); }
  any_stream take_out() { return take(out_, 1); }
  any_stream take_err() { return take(err_, 2); }

  /// Input and output as one stream, as long as the process is not moved.
  stapled_stream<detail::stream_ref, detail::stream_ref> stdio() {
    return {detail::stream_ref(in()), detail::stream_ref(out())};
  }

 private:
  static any_stream& need(any_stream& pipe, const char* name) {
    if (pipe.native() != nullptr) return pipe;
    throw absent_error(std::string("the ") + name + " of the process is no pipe");
  }

  any_stream take(any_stream& pipe, std::int32_t number) {
    structio_stream* taken = nullptr;
    detail::check(structio_process_detach(raw_, number, &taken));
    return std::move(pipe);
  }

  any_stream in_, out_, err_;
};

/// Starts a program. Checkpoint. Cancelled: there is no child, and there will be none; but files of
/// the options may have been made or emptied, and a program that was just being started may have
/// run until it was killed. Throws `cancelled`, error (no such program, folder or file, not
/// allowed, no descriptors), std::invalid_argument.
inline process spawn_process(const process_options& options) {
  const detail::raw_process_options raw(options);
  structio_process* made = nullptr;
  detail::blocking([&] { return structio_process_spawn(raw.get(), &made); });
  return process(made);
}

/// The same for a command as /bin/sh understands it; argv stays empty. Never build a command of
/// text that comes from elsewhere: that is what argv is for.
inline process spawn_shell(const std::string& command, const process_options& options = {}) {
  const detail::raw_process_options raw(options);
  const char* text = detail::without_zeros(command).c_str();
  structio_process* made = nullptr;
  detail::blocking([&] { return structio_process_spawn_shell(text, raw.get(), &made); });
  return process(made);
}

}  // namespace v0
}  // namespace structio
