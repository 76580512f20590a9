// What the host of the library takes into its own hands.
#include "base/log.hpp"
#include "base/memory.hpp"
#include "check.hpp"
#include "reactor/uv_memory.hpp"

using namespace structio;
using namespace structio::capi;

int structio_set_log(structio_log_fn fn, void* arg, uint32_t level) {
  constexpr const char* call = "structio_set_log";
  static_assert(static_cast<std::uint32_t>(base::log_level::off) == STRUCTIO_LOG_OFF);
  if (level > STRUCTIO_LOG_OFF) return fail(STRUCTIO_EINVALID, "%s: there is no such level", call);
  if (base::set_log_sink(fn, arg, static_cast<base::log_level>(level))) return 0;
  return fail(STRUCTIO_EMISUSE, "%s: called by a sink, which must not call structio", call);
}

int structio_set_allocator(const structio_allocator* given) {
  constexpr const char* call = "structio_set_allocator";
  if (!given) return null_argument(call, "allocator");
  if (!options_fit(given, call)) return refused();
  const structio_allocator all = whole(given);
  if (!all.allocate) return null_argument(call, "allocate");
  if (!all.release) return null_argument(call, "release");
  if (!base::set_allocator({all.allocate, all.reallocate, all.release, all.arg})) {
    return fail(STRUCTIO_EMISUSE, "%s: the library has taken memory before: call it first", call);
  }
  if (all.libuv) reactor::use_own_memory();
  return 0;
}
