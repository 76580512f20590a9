// Task-locals and run-locals.
#include "runtime/local.hpp"

#include "check.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

// What a token remembers; lies in structio_local_token.
struct token {
  static constexpr std::uint32_t magic_value = 0x4c4f4341;  // "LOCA"
  std::uint32_t magic;
  std::uint8_t run_number;  // 0: a thread's own
  bool had;
  const void* key;
  void* owner;  // the chain's place: a task, a thread or a run
  rt::local_value* before;
  std::uint64_t task;
};
static_assert(sizeof(token) <= sizeof(structio_local_token));

struct chain_place {
  rt::local_node** chain;
  std::uint8_t run_number;
  std::uint64_t task;
};

chain_place task_chain() noexcept {
  rt::runtime* r = rt::current_runtime();
  if (r && r->current) return {&r->current->locals, r->number, r->current->id()};
  // A worker thread has those of job after job.
  const rt::thread::job_context* job = rt::thread::current_job();
  return {&rt::thread_locals(), 0, job ? job->number : 0};
}

int set(const chain_place& place, const void* key, void* value, structio_drop_fn drop,
        structio_local_token* out) noexcept {
  rt::local_value* made = rt::local_value_make(value, drop);
  if (!made) return fail(STRUCTIO_ENOMEM, "no memory for a local");
  rt::local_value* before = rt::local_find(*place.chain, key);
  if (out) rt::local_value_retain(before);
  if (const int code = rt::local_bind(*place.chain, key, made)) {
    if (out) rt::local_value_release(before);
    made->drop = nullptr;  // the value is still the caller's
    rt::local_value_release(made);
    return code;
  }
  if (out) {
    new (out) token{token::magic_value, place.run_number, before != nullptr, key,
                    place.chain,        before,           place.task};
  }
  return 0;
}

int get(rt::local_node* chain, const void* key, void** value) noexcept {
  rt::local_value* found = rt::local_find(chain, key);
  if (!found) return STRUCTIO_EABSENT;
  if (value) *value = found->value;
  return 0;
}

int reset(const chain_place& place, const void* key, structio_local_token* given,
          const char* call) noexcept {
  auto* t = reinterpret_cast<token*>(given);
  if (t->magic != token::magic_value) {
    return fail(STRUCTIO_EINVALID, "%s: the token is not set, or was used before", call);
  }
  if (t->key != key) return fail(STRUCTIO_EINVALID, "%s: the token is of another key", call);
  if (t->owner != place.chain || t->run_number != place.run_number || t->task != place.task) {
    return fail(STRUCTIO_EINVALID, "%s: the token is another task's or run's", call);
  }
  t->magic = 0;  // used from here on: the value that goes may drop the token as well
  const int code = rt::local_bind(*place.chain, key, t->before);
  if (code != 0) t->magic = token::magic_value;
  return code;
}

}  // namespace

int structio_local_set(const void* key, void* value, structio_drop_fn drop,
                       structio_local_token* out) {
  if (!key) return null_argument("structio_local_set", "key");
  return set(task_chain(), key, value, drop, out);
}

int structio_local_get(const void* key, void** value) {
  if (!key) return null_argument("structio_local_get", "key");
  return get(*task_chain().chain, key, value);
}

int structio_local_reset(const void* key, structio_local_token* given) {
  if (!key || !given) return null_argument("structio_local_reset", key ? "token" : "key");
  return reset(task_chain(), key, given, "structio_local_reset");
}

int structio_run_local_set(const void* key, void* value, structio_drop_fn drop,
                           structio_local_token* out) {
  if (!key) return null_argument("structio_run_local_set", "key");
  rt::runtime* r = in_run("structio_run_local_set");
  return r ? set({&r->run_locals, r->number, 0}, key, value, drop, out) : refused();
}

int structio_run_local_get(const void* key, void** value) {
  if (!key) return null_argument("structio_run_local_get", "key");
  rt::runtime* r = in_run("structio_run_local_get");
  return r ? get(r->run_locals, key, value) : refused();
}

int structio_run_local_reset(const void* key, structio_local_token* given) {
  if (!key || !given) return null_argument("structio_run_local_reset", key ? "token" : "key");
  rt::runtime* r = in_run("structio_run_local_reset");
  if (!r) return refused();
  return reset({&r->run_locals, r->number, 0}, key, given, "structio_run_local_reset");
}

int structio_local_token_free(structio_local_token* given) {
  if (!given) return 0;
  auto* t = reinterpret_cast<token*>(given);
  if (t->magic != token::magic_value) return 0;
  t->magic = 0;
  rt::local_value_release(t->before);
  return 0;
}
