// Running a program from start to end: feeding, capturing, waiting, and making it end when the call
// is cancelled. Two at once with a pipe between them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "process/process.hpp"

struct structio_process;

namespace structio::rt::process {

struct run_request {
  spawn_options child;
  const char* input = nullptr;
  std::size_t input_size = 0;
  bool capture[2] = {false, false};  ///< output, error output
  bool check = false;
  bool announce = false;
  std::size_t capture_limit = 0;  ///< 0: none
  std::int64_t grace = 0;
  int (*deliver_cancel)(void* arg, structio_process* process) = nullptr;
  void* deliver_cancel_arg = nullptr;
  int* close_once_spawned = nullptr;  ///< a pipe's end that the child gets a copy of
};

/// Memory of the library's heap, with a zero behind it.
struct captured {
  char* data = nullptr;
  std::size_t size = 0;
  std::size_t room = 0;
};

struct run_result {
  child_ending ending;
  captured outputs[2];
};
void result_free(run_result& result) noexcept;

/// See structio_run_process and structio_run_pipeline. What was captured is in the result in any
/// case.
int run_process(runtime& rt, const run_request& request, run_result& result) noexcept;
int run_pipeline(runtime& rt, run_request& first, run_request& second, run_result& first_result,
                 run_result& second_result) noexcept;

bool has_failed(const child_ending& ending) noexcept;

/// Writes the message of a child that has failed; returns its code.
int child_failed(const char* name, const run_result& result) noexcept;

}  // namespace structio::rt::process
