// Binding, copying and releasing.
#include "runtime/local.hpp"

#include <utility>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/dropping.hpp"

namespace structio::rt {
namespace {

struct thread_chain {
  local_node* head = nullptr;
  ~thread_chain() {
    while (head) local_release(std::exchange(head, nullptr));
  }
};

// A binding in front, and behind it the chain without `found`, whose nodes before it are copied: a
// chain never holds two bindings of one key, however often it is set.
int bind_in_copy(local_node*& chain, local_node* found, const void* key,
                 local_value* held) noexcept {
  auto* first = base::make<local_node>(1U, key, held, nullptr);
  local_node** end = first ? &first->next : nullptr;
  for (local_node* n = chain; end && found && n != found; n = n->next) {
    auto* copy = base::make<local_node>(1U, n->key, local_value_retain(n->held), nullptr);
    *end = copy;
    end = copy ? &copy->next : nullptr;
  }
  if (!end) {
    if (first) first->held = nullptr;  // still the caller's
    local_release(first);
    return base::fail(STRUCTIO_ENOMEM, "no memory for a local");
  }
  *end = found ? local_retain(found->next) : chain;
  local_node* before = std::exchange(chain, first);  // a drop function may look at the new one
  if (found) local_release(before);
  return 0;
}

}  // namespace

local_node*& thread_locals() noexcept {
  thread_local thread_chain chain;
  return chain.head;
}

local_value* local_find(const local_node* chain, const void* key) noexcept {
  for (; chain; chain = chain->next) {
    if (chain->key == key) return chain->held;
  }
  return nullptr;
}

int local_bind(local_node*& chain, const void* key, local_value* held) noexcept {
  // Only nodes that nobody else can see may be changed: those before the first shared one.
  bool own = true;
  local_node* found = chain;
  for (; found && found->key != key; found = found->next) own = own && found->references == 1;
  if (found && own && found->references == 1) {
    local_value_release(std::exchange(found->held, held));
    return 0;
  }
  return bind_in_copy(chain, found, key, held);
}

int local_copy(const local_node* chain, local_node*& copy) noexcept {
  local_node* first = nullptr;
  local_node** end = &first;
  for (const local_node* n = chain; n; n = n->next) {
    if (!n->held) continue;
    auto* made = base::make<local_node>(1U, n->key, nullptr, nullptr);
    if (!made) {
      local_release(first);
      return base::fail(STRUCTIO_ENOMEM, "no memory for a copy of the task-locals");
    }
    made->held = local_value_retain(n->held);
    *end = made;
    end = &made->next;
  }
  copy = first;
  return 0;
}

local_value* local_value_make(void* value, void (*drop)(void*)) noexcept {
  return base::make<local_value>(1U, value, drop);
}

local_value* local_value_retain(local_value* v) noexcept {
  if (v) v->references.fetch_add(1, std::memory_order_relaxed);
  return v;
}

void local_value_release(local_value* v) noexcept {
  if (!v || v->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (v->drop) call_drop(v->drop, v->value);
  base::destroy(v);
}

void local_release(local_node* chain) noexcept {
  while (chain && --chain->references == 0) {
    local_node* next = chain->next;
    local_value_release(chain->held);
    base::destroy(chain);
    chain = next;
  }
}

}  // namespace structio::rt
