// Looking inside a run: statistics, the tree, who lives where, backtraces.
#include <structio/structio_debug.h>

#include "check.hpp"
#include "debug/inspect.hpp"
#include "debug/statistics.hpp"
#include "debug/tree.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

structio_nursery* storage_of(rt::nursery* n) noexcept {
  return reinterpret_cast<structio_nursery*>(n);
}

int64_t tree(char* text, size_t size, const char* call,
             std::size_t (*describe)(rt::runtime&, char*, std::size_t) noexcept) noexcept {
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  if (!text && size > 0) return null_argument(call, "text");
  return static_cast<int64_t>(describe(*r, text, size));
}

}  // namespace

int structio_get_statistics(structio_statistics* statistics) {
  constexpr const char* call = "structio_get_statistics";
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  if (!statistics) return null_argument(call, "statistics");
  if (!options_fit(statistics, call)) return refused();
  structio_statistics all{};
  all.struct_size = statistics->struct_size;
  rt::debug::read_statistics(*r, all);
  const std::size_t size = all.struct_size < sizeof all ? all.struct_size : sizeof all;
  __builtin_memcpy(statistics, &all, size);
  return 0;
}

int64_t structio_debug_tree(char* text, size_t size) {
  return tree(text, size, "structio_debug_tree", rt::debug::describe_tree);
}

int64_t structio_debug_tree_json(char* text, size_t size) {
  return tree(text, size, "structio_debug_tree_json", rt::debug::describe_tree_json);
}

structio_task_id structio_debug_root_task(void) {
  const rt::runtime* r = rt::current_runtime();
  return r ? r->main_id : 0;
}

structio_nursery* structio_debug_parent_nursery(structio_task_id task) {
  const rt::runtime* r = in_run("structio_debug_parent_nursery");
  return r ? storage_of(rt::debug::parent_nursery(*r, task)) : nullptr;
}

structio_nursery* structio_debug_eventual_parent_nursery(structio_task_id task) {
  const rt::runtime* r = in_run("structio_debug_eventual_parent_nursery");
  return r ? storage_of(rt::debug::eventual_parent_nursery(*r, task)) : nullptr;
}

structio_task_id structio_debug_parent_task(const structio_nursery* nursery) {
  const auto* n = block<rt::nursery>(nursery, "structio_debug_parent_task", "nursery");
  return n ? n->owner_id() : 0;
}

int64_t structio_debug_children(const structio_nursery* nursery, structio_task_id* ids,
                                size_t capacity) {
  constexpr const char* call = "structio_debug_children";
  const rt::runtime* r = in_run(call);
  if (!r) return refused();
  auto* n = block<rt::nursery>(nursery, call, "nursery");
  if (!n) return refused();
  if (!ids && capacity > 0) return null_argument(call, "ids");
  if (n->state == rt::nursery_state::closed) return 0;
  if (n->rt != r) return other_run(call);
  return static_cast<int64_t>(rt::debug::children(*n, ids, capacity));
}

int64_t structio_debug_nurseries(structio_task_id task, structio_nursery** nurseries,
                                 size_t capacity) {
  constexpr const char* call = "structio_debug_nurseries";
  const rt::runtime* r = in_run(call);
  if (!r) return refused();
  if (!nurseries && capacity > 0) return null_argument(call, "nurseries");
  // The public type is the storage of the inner one, so an array of pointers to either is the same.
  auto** out = reinterpret_cast<rt::nursery**>(nurseries);
  return static_cast<int64_t>(rt::debug::nurseries(*r, task, out, capacity));
}

const char* structio_debug_waiting_for(structio_task_id task) {
  rt::runtime* r = in_run("structio_debug_waiting_for");
  return r ? rt::debug::waiting_for(*r, task) : nullptr;
}

int64_t structio_debug_backtrace(structio_task_id task, void** addresses, size_t capacity) {
  constexpr const char* call = "structio_debug_backtrace";
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  if (!addresses && capacity > 0) return null_argument(call, "addresses");
  return static_cast<int64_t>(rt::debug::backtrace(*r, task, addresses, capacity));
}
