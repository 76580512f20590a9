// What our own bench programs share: running a main task and ending loudly when a call fails.
// They stay on the C ABI, as a C program would, so that the price of C++ exceptions is not
// measured.
#pragma once

#include <structio/structio.h>

#include "bench.h"

namespace ours {

struct arguments {
  int count;
  char** values;

  std::int64_t number(const char* name, std::int64_t otherwise) const {
    return bench_option(count, values, name, otherwise);
  }
  const char* text(const char* name, const char* otherwise) const {
    return bench_text_option(count, values, name, otherwise);
  }
};

/// A result that must not be negative; says which call failed and why.
inline std::int64_t must(std::int64_t result, const char* call) {
  if (result >= 0) return result;
  const int code = static_cast<int>(result);
  std::fprintf(stderr, "%s: %s: %s\n", call, structio_err_name(code), structio_last_message());
  std::_Exit(1);
}

/// Runs `program` with the command line's arguments, pinned if they say so.
inline int run(int argc, char** argv, int (*program)(const arguments&)) {
  struct call {
    arguments given;
    int (*program)(const arguments&);
  } c{{argc, argv}, program};
  bench_pin(argc, argv);
  const int status = structio_run(
      [](void* arg) {
        auto* inner = static_cast<call*>(arg);
        return inner->program(inner->given);
      },
      &c, nullptr);
  must(status, "structio_run");
  return 0;
}

}  // namespace ours
