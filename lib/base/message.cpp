// Storage of the last message: a fixed buffer per thread, so that refusing a call never allocates.
//
// That is most of the library's thread-local memory, of which a program that loads it late has
// about 1.6 KB (glibc) for all its libraries. It is not taken from the heap at the first failure
// all the same: that may be "out of memory", whose message names the call like any other, or
// happen in a signal handler (structio_post_send), where nothing may be allocated; and it would
// have to be given back when the thread ends, after whatever else may still fail there.
#include "base/message.hpp"

#include <cstdarg>
#include <cstdio>

namespace structio::base {
namespace {

struct remembered {
  int code;
  char text[400];
};
thread_local constinit remembered last{0, {0}};

}  // namespace

int fail(int code, const char* format, ...) noexcept {
  va_list args;
  va_start(args, format);
  std::vsnprintf(last.text, sizeof last.text, format, args);
  va_end(args);
  last.code = code;
  return code;
}

void forget_message() noexcept {
  last.code = 0;
  last.text[0] = 0;
}

const char* last_message() noexcept {
  return last.text;
}
int last_code() noexcept {
  return last.code;
}

}  // namespace structio::base
