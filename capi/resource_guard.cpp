// Resource guards.
#include "sync/resource_guard.hpp"

#include "check.hpp"
#include "sync_block.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

struct guard_kind {
  static constexpr std::uint32_t magic = 0x47524421;  // "GRD!"
  static constexpr const char* noun = "resource guard";
};
using guard = sync_block<rt::sync::resource_guard, guard_kind>;
static_assert(sizeof(guard) <= sizeof(structio_resource_guard));

}  // namespace

int structio_resource_guard_init(structio_resource_guard* storage, const char* conflict) {
  constexpr const char* call = "structio_resource_guard_init";
  if (!storage) return null_argument(call, "guard");
  if (!conflict) return null_argument(call, "conflict");
  new (storage) guard(conflict);
  return 0;
}

int structio_resource_guard_destroy(structio_resource_guard* storage) {
  constexpr const char* call = "structio_resource_guard_destroy";
  auto* g = block<guard>(storage, call, guard::noun);
  if (!g) return refused();
  if (g->entered()) return fail(STRUCTIO_EMISUSE, "%s: a task is inside: let it leave first", call);
  end_block(*g);
  return 0;
}

int structio_resource_guard_discard(structio_resource_guard* storage) {
  auto* g = block<guard>(storage, "structio_resource_guard_discard", guard::noun);
  if (!g) return refused();
  end_block(*g);
  return 0;
}

int structio_resource_guard_enter(structio_resource_guard* storage) {
  auto* g = block<guard>(storage, "structio_resource_guard_enter", guard::noun);
  if (!g) return refused();
  return g->enter() ? 0 : fail(STRUCTIO_EBUSY, "%s", g->conflict());
}

int structio_resource_guard_leave(structio_resource_guard* storage) {
  constexpr const char* call = "structio_resource_guard_leave";
  auto* g = block<guard>(storage, call, guard::noun);
  if (!g) return refused();
  return g->leave() ? 0 : fail(STRUCTIO_EMISUSE, "%s: nobody is inside: leave once", call);
}

int structio_resource_guard_entered(const structio_resource_guard* storage) {
  const auto* g = block<guard>(storage, "structio_resource_guard_entered", guard::noun);
  return g ? g->entered() : refused();
}
