// Names and texts of the operating system's codes, expanded from libuv's list. libuv's own
// functions either leak for a code they do not know or want a buffer; these do neither.
#include <uv.h>

#include "reactor/uv_reactor.hpp"

namespace structio::reactor {

const char* os_error_text(int code) noexcept {
  switch (code) {
    case 0: return "success";
#define STRUCTIO_OS_TEXT(name, text) \
  case UV_##name: return text;
      UV_ERRNO_MAP(STRUCTIO_OS_TEXT)
#undef STRUCTIO_OS_TEXT
    default: return "unknown error of the operating system";
  }
}

const char* os_error_name(int code) noexcept {
  switch (code) {
    case 0: return "OK";
#define STRUCTIO_OS_NAME(name, text) \
  case UV_##name: return #name;
      UV_ERRNO_MAP(STRUCTIO_OS_NAME)
#undef STRUCTIO_OS_NAME
    default: return "UNKNOWN_OS_ERROR";
  }
}

bool is_would_wait(std::int64_t code) noexcept {
  return code == UV_EAGAIN;
}

bool is_out_of_resources(std::int64_t code) noexcept {
  return code == UV_EMFILE || code == UV_ENFILE || code == UV_ENOBUFS || code == UV_ENOMEM;
}

}  // namespace structio::reactor
