// Storage of the last message: a fixed buffer per thread, so that refusing a call never allocates.
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
