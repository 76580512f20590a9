// Combinators.
#include "sync/combine.hpp"

#include <structio/structio_combine.h>

#include "check.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

// The run of the calling task, when every function is there.
rt::runtime* ready_for(const rt::sync::functions& work, const char* call) noexcept {
  rt::runtime* r = in_task(call);
  if (!r) return nullptr;
  if (!work.fns && work.count > 0) {
    null_argument(call, "fns");
    return nullptr;
  }
  for (std::size_t i = 0; i < work.count; ++i) {
    if (work.fns[i]) continue;
    fail(STRUCTIO_EINVALID, "%s: fns[%zu] is NULL", call, i);
    return nullptr;
  }
  return r;
}

int compete(decltype(rt::sync::race)* how, const rt::sync::functions& work, std::size_t* winner,
            const char* call) noexcept {
  if (winner) *winner = rt::sync::nobody;
  rt::runtime* r = ready_for(work, call);
  if (!r) return refused();
  if (work.count == 0) {
    return fail(STRUCTIO_EINVALID, "%s: there is nobody to win: give it a function at least", call);
  }
  std::size_t first = rt::sync::nobody;
  const int status = how(*r, work, first);
  if (winner) *winner = first;
  return status;
}

}  // namespace

int structio_all(const structio_task_fn* fns, void* const* args, size_t count) {
  const rt::sync::functions work{fns, args, count};
  rt::runtime* r = ready_for(work, "structio_all");
  return r ? rt::sync::all(*r, work) : refused();
}

int structio_race(const structio_task_fn* fns, void* const* args, size_t count, size_t* winner) {
  return compete(rt::sync::race, {fns, args, count}, winner, "structio_race");
}

int structio_first_success(const structio_task_fn* fns, void* const* args, size_t count,
                           size_t* winner) {
  return compete(rt::sync::first_success, {fns, args, count}, winner, "structio_first_success");
}

int structio_for_each_concurrent(size_t count, size_t limit, int (*fn)(size_t index, void* arg),
                                 void* arg) {
  constexpr const char* call = "structio_for_each_concurrent";
  if (!fn) return null_argument(call, "fn");
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  if (limit == 0) {
    return fail(STRUCTIO_EINVALID,
                "%s: a limit of 0 would never begin: STRUCTIO_ALL stands for no limit", call);
  }
  return rt::sync::for_each_concurrent(*r, count, limit, fn, arg);
}
