// Child processes from start to end: fed, captured, checked, and made to end when the call is
// cancelled.
//
//     auto result = structio::run_process({.argv = {"git", "log", "-1"}, .capture_out = true,
//                                          .check = true});
//     std::cout << result.out;
#pragma once

#include <structio/structio_process.h>
#include <structio/detail/trampoline.hpp>
#include <structio/error.hpp>
#include <structio/nursery.hpp>
#include <structio/process.hpp>
#include <structio/time.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {

struct run_process_options {
  std::vector<std::string> argv = {};  ///< these as in process_options
  std::optional<std::vector<std::string>> env = std::nullopt;
  std::vector<std::string> extra_env = {};
  std::string cwd = {};
  stdio in = {};
  stdio out = {};
  stdio err = {};
  bool new_group = false;
  bool new_session = false;
  std::vector<std::int64_t> inherit = {};
  /// What the child reads; one that stops reading is no error. None: `in`, which is empty.
  std::optional<std::string> input = std::nullopt;
  bool capture_out = false;
  bool capture_err = false;
  bool check = false;             ///< a failure of the child is thrown, as process_error
  std::size_t capture_limit = 0;  ///< bytes of each output, more are an error; 0: without limit
  duration grace = std::chrono::seconds(5);  ///< after SIGTERM, before SIGKILL
  /// How to make the child end instead, when the call is cancelled: runs in a task of its own,
  /// shielded, and is cancelled when the child has ended.
  std::function<void(process_ref)> deliver_cancel = {};
};

struct process_result {
  process_ending ending;
  std::string out;  ///< what was captured
  std::string err;
};

/// A child has failed, and its call was to check that.
class process_error : public error {
 public:
  process_error(const std::string& text, process_result result)
      : error(STRUCTIO_EPROCESS, text), result_(std::move(result)) {}

  const process_ending& ending() const noexcept { return result_.ending; }
  const std::string& out() const noexcept { return result_.out; }
  const std::string& err() const noexcept { return result_.err; }

 private:
  process_result result_;
};

namespace detail {

/// The options as the C ABI has them; valid as long as those and this live.
class raw_run_options {
 public:
  explicit raw_run_options(const run_process_options& from)
      : process_(child_of(from)), raw_process_(process_) {
    raw_.struct_size = sizeof raw_;
    raw_.process = raw_process_.get();
    if (from.input) {
      raw_.input = from.input->data();
      raw_.input_size = from.input->size();
    }
    raw_.capture_out = from.capture_out ? 1 : 0;
    raw_.capture_err = from.capture_err ? 1 : 0;
    raw_.check = from.check ? 1 : 0;
    raw_.capture_limit = from.capture_limit;
    raw_.grace = from.grace.count() == 0 ? 1 : from.grace.count();
    if (from.deliver_cancel) {
      raw_.deliver_cancel = [](void* arg, structio_process* child) {
        const auto& fn = *static_cast<const std::function<void(process_ref)>*>(arg);
        return enter([&] { fn(process_ref(child)); });
      };
      raw_.deliver_cancel_arg = const_cast<std::function<void(process_ref)>*>(&from.deliver_cancel);
    }
  }
  raw_run_options(const raw_run_options&) = delete;
  raw_run_options& operator=(const raw_run_options&) = delete;

  structio_run_process_options* get() noexcept { return &raw_; }

 private:
  static process_options child_of(const run_process_options& from) {
    return {from.argv, from.env, from.extra_env, from.cwd,         from.in,
            from.out,  from.err, from.new_group, from.new_session, from.inherit};
  }

  process_options process_;
  raw_process_options raw_process_;
  structio_run_process_options raw_{};
};

struct raw_process_result : structio_process_result {
  raw_process_result() noexcept : structio_process_result{} { struct_size = sizeof *this; }
  raw_process_result(const raw_process_result&) = delete;
  raw_process_result& operator=(const raw_process_result&) = delete;
  ~raw_process_result() { structio_process_result_free(this); }

  process_result take() const {
    return {{exit_status, signal, core_dumped != 0, unknown != 0},
            out == nullptr ? std::string() : std::string(out, out_size),
            err == nullptr ? std::string() : std::string(err, err_size)};
  }
};

[[noreturn]] inline void throw_process(int status, const raw_process_result& result) {
  if (status == STRUCTIO_EPROCESS) throw process_error(structio_last_message(), result.take());
  throw_in_flight(status);
}

template <class Call>
process_result run_to_end(Call&& call) {
  raw_process_result result;
  const int status = uncancelled_in_cleanup([&] { return call(&result); });
  if (status < 0) throw_process(status, result);
  return result.take();
}

}  // namespace detail

/// Runs a program until it has ended and its outputs are at their end. The outputs are the
/// program's own, unless they are captured. Checkpoint. Cancelled: asks the child to end, with
/// SIGTERM and after the grace with SIGKILL, and returns when it is gone. Throws `cancelled`,
/// process_error (check), error (as spawn_process; more was written than the limit),
/// std::invalid_argument (a pipe: see start_process; capturing what goes elsewhere), and an
/// exception_group of what else went wrong, such as deliver_cancel.
inline process_result run_process(const run_process_options& options) {
  detail::raw_run_options raw(options);
  return detail::run_to_end(
      [&](structio_process_result* result) { return structio_run_process(raw.get(), result); });
}

/// The same for a command as /bin/sh understands it; argv stays empty. Never build a command of
/// text that comes from elsewhere: that is what argv is for.
inline process_result run_shell(const std::string& command,
                                const run_process_options& options = {}) {
  detail::raw_run_options raw(options);
  const char* text = detail::without_zeros(command).c_str();
  return detail::run_to_end(
      [&](structio_process_result* result) { return structio_run_shell(text, raw.get(), result); });
}

/// Has a child of the nursery run the program, and returns the process as soon as it lives. What
/// the run fails with is the nursery's; destroying the process kills the child. It may have pipes.
/// Checkpoint. Throws as run_process, until the child lives.
inline process start_process(nursery& home, run_process_options options) {
  auto call = [kept = std::move(options)] {
    detail::raw_run_options raw(kept);
    raw.get()->announce = 1;
    detail::run_to_end(
        [&](structio_process_result* result) { return structio_run_process(raw.get(), result); });
  };
  using stored = detail::stored<decltype(call)>;
  stored moved(std::move(call));
  structio_task_options task = detail::to_c(task_options{});
  detail::use_storage<stored>(task);
  void* made = nullptr;
  const int status = detail::uncancelled_in_cleanup([&] {
    return structio_nursery_start(home.native(), &task, &detail::enter_stored<stored>, &moved,
                                  &made);
  });
  if (status < 0) detail::throw_in_flight(status);
  return process(static_cast<structio_process*>(made));
}

/// Runs two programs at once, the second of which reads what the first writes. Each has its own
/// options; the output of the first and the input of the second are left alone. That SIGPIPE kills
/// the first, when nobody reads any more, is no failure. Checkpoint. Cancelled, or when one cannot
/// be started: both are made to end. Throws as run_process.
inline std::pair<process_result, process_result> pipeline(const run_process_options& first,
                                                          const run_process_options& second) {
  detail::raw_run_options a(first), b(second);
  detail::raw_process_result from_a, from_b;
  const int status = detail::uncancelled_in_cleanup(
      [&] { return structio_run_pipeline(a.get(), b.get(), &from_a, &from_b); });
  if (status < 0) {
    const process_result second_result = from_b.take();
    const bool second_failed = second.check && !second_result.ending.success();
    detail::throw_process(status, second_failed ? from_b : from_a);
  }
  return {from_a.take(), from_b.take()};
}

}  // namespace v0
}  // namespace structio
