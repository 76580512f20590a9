// Watching paths for changes.
#include "fs/watch.hpp"

#include <structio/structio_watch.h>

#include "object.hpp"
#include "runtime/wait.hpp"

using namespace structio;
using namespace structio::capi;
namespace fs = structio::rt::fs;

namespace {

constexpr uint32_t usual_capacity = 1024;

found<fs::watch> watch_in(structio_watch* h, const char* call) noexcept {
  return find<fs::watch>(base::handle_kind::watch, h, call, true);
}

}  // namespace

int structio_watch_open(const char* path, const structio_watch_options* given,
                        structio_watch** out) {
  constexpr const char* call = "structio_watch_open";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (!path) return null_argument(call, "path");
  if (!options_fit(given, call)) return refused();
  const structio_watch_options options = whole(given);
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  const uint32_t capacity = options.capacity == 0 ? usual_capacity : options.capacity;
  fs::watch* w = nullptr;
  if (const int code = fs::watch_open(*r, path, options.recursive != 0, capacity, w)) return code;
  *out = static_cast<structio_watch*>(w->handle);
  return 0;
}

int structio_watch_next(structio_watch* watch, structio_watch_event* event) {
  constexpr const char* call = "structio_watch_next";
  if (!event) return null_argument(call, "event");
  if (!options_fit(event, call)) return refused();
  const auto w = watch_in(watch, call);
  if (!w.object) return refused();
  structio_watch_event all{};
  const int code = fs::next(*w.run, *w.object, all.name, all.kinds);
  return code < 0 ? code : tell(all, event, call);
}

int structio_watch_close(structio_watch* watch) {
  const auto w = watch_in(watch, "structio_watch_close");
  if (!w.object) return refused();
  fs::shut(*w.object);
  rt::give_way(*w.run);
  return rt::cancel_check(*w.run);
}

int structio_watch_free(structio_watch* watch) {
  constexpr const char* call = "structio_watch_free";
  if (!watch) return 0;
  auto* w = handle<fs::watch>(base::handle_kind::watch, watch, call);
  if (!w || !may_free(*w, call)) return refused();
  fs::free(*w);
  return 0;
}
