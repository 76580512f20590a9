// Codes, messages, version, units of time.
#include "base/clock.hpp"
#include "check.hpp"
#include "reactor/uv_reactor.hpp"

using namespace structio;

namespace {

std::int64_t scaled(std::int64_t n, std::int64_t unit) noexcept {
  if (n > INT64_MAX / unit) return INT64_MAX;
  if (n < INT64_MIN / unit) return INT64_MIN;
  return n * unit;
}

}  // namespace

uint32_t structio_version(void) {
  return STRUCTIO_VERSION;
}

const char* structio_strerror(int code) {
  const char* own = base::own_error_text(code);
  return own ? own : reactor::os_error_text(code);
}

const char* structio_err_name(int code) {
  const char* own = base::own_error_name(code);
  return own ? own : reactor::os_error_name(code);
}

const char* structio_last_message(void) {
  return base::last_message();
}

int64_t structio_microseconds(int64_t n) {
  return scaled(n, 1000);
}
int64_t structio_milliseconds(int64_t n) {
  return scaled(n, 1000000);
}
int64_t structio_seconds(int64_t n) {
  return scaled(n, 1000000000);
}
