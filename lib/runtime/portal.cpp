// Posting and draining.
#include "runtime/portal.hpp"

#include <mutex>
#include <new>
#include <thread>
#include <unordered_set>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/failure.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt {
namespace {

struct callback : post_node {
  portal_core* core;
  int (*fn)(void*);
  void* arg;
};

struct call_key {
  const portal_core* core;
  int (*fn)(void*);
  void* arg;
  bool operator==(const call_key&) const = default;
};

struct call_hash {
  std::size_t operator()(const call_key& k) const noexcept {
    const auto a = reinterpret_cast<std::uintptr_t>(k.fn);
    const auto b = reinterpret_cast<std::uintptr_t>(k.arg);
    return (a * 31 + b) * 31 + reinterpret_cast<std::uintptr_t>(k.core);
  }
};

// The calls of post_once that are queued and have not begun, of all runs: rarely many, and never on
// a path that a task waits for.
std::mutex once_mutex;
base::fork_lock<once_mutex> once_at_fork(base::fork_rank::once_calls);
std::unordered_set<call_key, call_hash>& once_calls() {
  static auto* calls = new std::unordered_set<call_key, call_hash>;
  return *calls;
}

void run_user_function(runtime& rt, int (*fn)(void*), void* arg) noexcept {
  rt.in_hook = true;
  const int status = fn(arg);
  rt.in_hook = false;
  failure* cause = rt.hook_failure;
  rt.hook_failure = nullptr;
  if (status >= 0) {
    failure_release(cause);
    return;
  }
  if (!cause) cause = failure_status(status, nullptr);
  rt_fail_internally(rt, "a callback that was posted through a portal failed", cause);
}

void run_callback(runtime& rt, post_node& node) noexcept {
  const callback c = static_cast<callback&>(node);
  base::destroy(&static_cast<callback&>(node));
  run_user_function(rt, c.fn, c.arg);
}

void run_kept(runtime& rt, post_node& node) noexcept {
  auto& p = static_cast<kept_post&>(node);
  // Before it begins: what comes now is news. What came before is seen, of those too who found it
  // queued.
  p.queued.exchange(false, std::memory_order_acq_rel);
  run_user_function(rt, p.fn, p.arg);
}

void run_once(runtime& rt, post_node& node) noexcept {
  auto& c = static_cast<callback&>(node);
  {
    const std::lock_guard lock(once_mutex);  // before it begins, so that it may queue itself again
    once_calls().erase({c.core, c.fn, c.arg});
  }
  run_callback(rt, node);
}

int refused() noexcept {
  return base::fail(STRUCTIO_ERUNFINISHED, "the run that this portal leads to has ended");
}

int post_callback(portal_core& core, int (*fn)(void*), void* arg,
                  void (*run)(runtime&, post_node&) noexcept) noexcept {
  auto* c = base::make<callback>();
  if (!c) return base::fail(STRUCTIO_ENOMEM, "no memory for a posted callback");
  c->run = run;
  c->core = &core;
  c->fn = fn;
  c->arg = arg;
  if (core.post(*c)) return 0;
  base::destroy(c);
  return refused();
}

}  // namespace

portal_core* portal_core::make(runtime& rt) noexcept {
  return base::make<portal_core>(rt);
}

void portal_core::release() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) base::destroy(this);
}

void portal_core::let_go() noexcept {
  posters_.fetch_add(1, std::memory_order_seq_cst);
  outside.fetch_sub(1, std::memory_order_acq_rel);  // what it posted is seen before it is gone
  if (is_open()) rt_->kernel.wake();
  posters_.fetch_sub(1, std::memory_order_seq_cst);
}

void portal_core::push(post_node& node) noexcept {
  queued_.fetch_add(1, std::memory_order_relaxed);
  // Only the first of a batch wakes the loop: the hub takes everything at once.
  if (queue_.push(node) && asleep_.load(std::memory_order_seq_cst)) rt_->kernel.wake();
}

bool portal_core::post(post_node& node) noexcept {
  posters_.fetch_add(1, std::memory_order_seq_cst);
  const bool accepted = is_open();
  if (accepted) push(node);
  posters_.fetch_sub(1, std::memory_order_seq_cst);
  return accepted;
}

int portal_core::post_first(post_node& node, std::atomic<bool>& queued) noexcept {
  posters_.fetch_add(1, std::memory_order_seq_cst);
  int status = STRUCTIO_ERUNFINISHED;
  if (is_open()) {
    status = queued.exchange(true, std::memory_order_acq_rel) ? 0 : 1;
    if (status == 1) push(node);
  }
  posters_.fetch_sub(1, std::memory_order_seq_cst);
  return status;
}

bool portal_core::may_sleep() noexcept {
  asleep_.store(true, std::memory_order_seq_cst);
  if (empty()) return true;
  woke_up();
  return false;
}

void portal_core::take_all() noexcept {
  base::mpsc_node** end = &taken_;
  while (*end) end = &(*end)->next;
  *end = queue_.drain();
}

bool portal_core::drain(runtime& rt) noexcept {
  take_all();
  // What is posted meanwhile waits for the next pass. A call may withdraw the last of these, so
  // they are counted and not remembered.
  std::uint64_t count = 0;
  for (const base::mpsc_node* node = taken_; node; node = node->next) ++count;
  const bool any = count > 0;
  for (; count > 0 && taken_; --count) {
    auto& post = static_cast<post_node&>(*taken_);
    taken_ = taken_->next;  // running may free the node
    queued_.fetch_sub(1, std::memory_order_relaxed);
    post.run(rt, post);
  }
  return any;
}

bool portal_core::withdraw(post_node& node) noexcept {
  take_all();
  for (base::mpsc_node** at = &taken_; *at; at = &(*at)->next) {
    if (*at != &node) continue;
    *at = node.next;
    queued_.fetch_sub(1, std::memory_order_relaxed);
    return true;
  }
  return false;
}

void portal_core::close(runtime& rt) noexcept {
  open_.store(false, std::memory_order_seq_cst);
  while (posters_.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
  while (drain(rt)) {
  }
  drained_.store(true, std::memory_order_release);
}

kept_post::kept_post(portal_core& to, int (*f)(void*), void* a) noexcept
    : core(&to), fn(f), arg(a) {
  run = run_kept;
  to.retain();
  to.outside.fetch_add(1, std::memory_order_relaxed);
}

int kept_post_send(kept_post& post) noexcept {
  return post.core->post_first(post, post.queued);
}

void kept_post_end(kept_post& post) noexcept {
  if (!post.core->is_drained() && post.queued.load(std::memory_order_seq_cst)) {
    post.core->withdraw(post);
  }
  post.core->let_go();
  post.core->release();
  post.magic = 0;
}

int portal_post(portal_core& core, int (*fn)(void*), void* arg) noexcept {
  return post_callback(core, fn, arg, run_callback);
}

int portal_post_once(portal_core& core, int (*fn)(void*), void* arg) noexcept {
  const std::lock_guard lock(once_mutex);
  if (!core.is_open()) return refused();  // in a forked child the list is the parent's
  try {
    if (!once_calls().insert({&core, fn, arg}).second) return 0;
  } catch (const std::bad_alloc&) {
    return base::fail(STRUCTIO_ENOMEM, "no memory for a posted callback");
  }
  const int code = post_callback(core, fn, arg, run_once);
  if (code != 0) once_calls().erase({&core, fn, arg});
  return code;
}

}  // namespace structio::rt
