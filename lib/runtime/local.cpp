// Binding and releasing. References are plain counts: a chain never leaves its thread.
#include "runtime/local.hpp"

#include <cstdlib>
#include <new>
#include <utility>

#include "base/message.hpp"
#include "base/status.hpp"

namespace structio::rt {
namespace {

struct thread_chain {
  local_node* head = nullptr;
  ~thread_chain() {
    while (head) local_release(std::exchange(head, nullptr));
  }
};

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
  for (local_node* n = chain; n && n->references == 1; n = n->next) {
    if (n->key != key) continue;
    local_value* before = n->held;
    n->held = held;
    local_value_release(before);
    return 0;
  }
  auto* node = new (std::nothrow) local_node{1, key, held, chain};
  if (!node) return base::fail(STRUCTIO_ENOMEM, "no memory for a local");
  chain = node;
  return 0;
}

local_value* local_value_make(void* value, void (*drop)(void*)) noexcept {
  return new (std::nothrow) local_value{1, value, drop};
}

local_value* local_value_retain(local_value* v) noexcept {
  if (v) ++v->references;
  return v;
}

void local_value_release(local_value* v) noexcept {
  if (!v || --v->references > 0) return;
  if (v->drop) v->drop(v->value);
  delete v;
}

void local_release(local_node* chain) noexcept {
  while (chain && --chain->references == 0) {
    local_node* next = chain->next;
    local_value_release(chain->held);
    delete chain;
    chain = next;
  }
}

}  // namespace structio::rt
