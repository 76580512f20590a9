// What the host of the library takes into its own hands.
#include "base/log.hpp"
#include "check.hpp"

using namespace structio;
using namespace structio::capi;

int structio_set_log(structio_log_fn fn, void* arg, uint32_t level) {
  constexpr const char* call = "structio_set_log";
  static_assert(static_cast<std::uint32_t>(base::log_level::off) == STRUCTIO_LOG_OFF);
  if (level > STRUCTIO_LOG_OFF) return fail(STRUCTIO_EINVALID, "%s: there is no such level", call);
  if (base::set_log_sink(fn, arg, static_cast<base::log_level>(level))) return 0;
  return fail(STRUCTIO_EMISUSE, "%s: called by a sink, which must not call structio", call);
}
